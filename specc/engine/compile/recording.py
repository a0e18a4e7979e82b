"""Records the operations of a function while it runs once.

`make_fx` of torch does the same with fake tensors and proxies, and takes five to ten times as long
for each operation, which is most of the time until a recurrence of hundreds of steps is compiled.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, ops
from torch.fx import Graph, GraphModule, Node
from torch.fx.node import map_aggregate
from torch.utils._python_dispatch import TorchDispatchMode

from specc.engine.step.player import NotCompiled

Forms = Mapping[Any, Callable[..., Any]]
"""Operations that are recorded as others, with functions of those."""


class Ambiguous(Exception):
    """An operation changes memory that other recorded values may share."""


class Operations:
    """A recorded graph; a constant of it is the attribute that its node names.

    It is a module of torch without code in Python, which takes as long to write as all else.
    """

    def __init__(self, graph: Graph, constants: Mapping[str, Tensor]) -> None:
        self.graph, self._constants = graph, dict(constants)
        vars(self).update(constants)

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The results for other inputs."""
        found: tuple[Tensor, ...] = GraphModule(self._constants, self.graph)(*inputs)
        return found


def _has_views(called: object) -> bool:
    """Whether an operation may return memory of an input, or is not known."""
    schema = getattr(called, "_schema", None)
    return schema is None or any(own.alias_info is not None for own in schema.returns)


def _functional(called: Any) -> Any:  # noqa: ANN401 - an overload of an operation
    """`aten.add.Tensor` for `aten.add_.Tensor`; None if there is no such operation."""
    space, _, name = called._schema.name.partition("::")
    if not name.endswith("_") or space != "aten":
        return None
    packet = getattr(ops.aten, name.removesuffix("_"), None)
    return getattr(packet, called._schema.overload_name or "default", None)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes every operation that depends on an input into a graph; equal ones only once."""

    def __init__(self, forms: Forms) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.forms, self.graph, self.constants = forms, Graph(), dict[str, Tensor]()
        self._nodes: dict[int, Node] = {}
        self._made: dict[object, Node] = {}
        self._shared: set[Node] = set()
        self._alive: list[Tensor] = []

    def keep(self, tensor: Tensor, node: Node) -> None:
        """Remembers the node of a tensor; the tensor lives on, so that no other has its id."""
        node.meta["val"] = tensor
        self._nodes[id(tensor)] = node
        self._alive.append(tensor)

    def node(self, value: Any) -> Any:  # noqa: ANN401 - an argument of an operation
        """The node of a tensor; another argument as it is."""
        if not isinstance(value, Tensor):
            return value
        if id(value) not in self._nodes:
            name = f"constant_{len(self.constants)}"
            self.constants[name] = value.detach()
            self.keep(value, self.graph.get_attr(name))
        return self._nodes[id(value)]

    def __torch_dispatch__(
        self,
        called: Any,  # noqa: ANN401 - an overload of an operation
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        options = kwargs or {}
        if torch.Tag.nondeterministic_seeded in called.tags:
            raise NotCompiled("it draws random numbers")
        form = self.forms.get(called, called.decompose if _is_composite(called) else None)
        if form is not None:
            with self:
                found = form(*args, **options)
            if found is not NotImplemented:
                return found
        if not self._depends((args, options)):
            if called._schema.is_mutable:
                raise Ambiguous
            return called(*args, **options)
        if _depends_on_values(called, args):
            raise NotCompiled("its operations depend on values")
        return self._recorded(called, args, options)

    def _depends(self, arguments: tuple[object, ...]) -> bool:
        """Whether an argument depends on an input."""
        found = False

        def see(value: object) -> object:
            nonlocal found
            if isinstance(value, Tensor):
                node = self._nodes.get(id(value))
                found = found or (node is not None and node.op != "get_attr")
            return value

        map_aggregate(arguments, see)  # type: ignore[type-var, arg-type]
        return found

    def _recorded(self, called: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:  # noqa: ANN401
        """The result of an operation, which gets a node unless an equal one has it."""
        target = self._unmutated(called, args) if called._schema.is_mutable else called
        given: Any = map_aggregate((args, options), self.node)
        key = (target, *_hashable(given))
        made = called(*args, **options)
        node = self._made.get(key)
        if node is None:
            node = self._made[key] = self.graph.call_function(target, *given)
        else:
            self._shared.add(node)
        if isinstance(made, Tensor):
            self.keep(made, node)
            return made
        for number, each in enumerate(made):
            if isinstance(each, Tensor):
                place = (operator.getitem, node, number)
                if place not in self._made:
                    self._made[place] = self.graph.call_function(operator.getitem, (node, number))
                self.keep(each, self._made[place])
        return made

    def _unmutated(self, called: Any, args: tuple[Any, ...]) -> Any:  # noqa: ANN401
        """The operation that returns what another one writes into its first argument.

        Raises Ambiguous, unless the memory of that argument belongs to its node alone.
        """
        node, form = self._nodes.get(id(args[0])), _functional(called)
        if form is None or node is None or node.op != "call_function" or node in self._shared:
            raise Ambiguous
        if _has_views(node.target) or any(_has_views(user.target) for user in node.users):
            raise Ambiguous
        return form


@cache
def _is_composite(called: Any) -> bool:  # noqa: ANN401
    """Whether torch itself computes an operation by others."""
    key = torch._C.DispatchKey.CompositeImplicitAutograd
    return bool(called.has_kernel_for_dispatch_key(key))


def _depends_on_values(called: Any, args: tuple[Any, ...]) -> bool:  # noqa: ANN401
    """Whether the shape of a result depends on values, or a number of Python is made of them."""
    if called is ops.aten.index.Tensor:
        return any(isinstance(own, Tensor) and own.dtype == torch.bool for own in args[1])
    tags = called.tags
    return torch.Tag.data_dependent_output in tags or torch.Tag.dynamic_output_shape in tags


def _hashable(value: Any) -> Any:  # noqa: ANN401 - arguments of an operation
    """Arguments as a key: 1, 1.0 and True differ."""
    if isinstance(value, (tuple, list)):
        return tuple(map(_hashable, value))
    if isinstance(value, dict):
        return tuple((name, _hashable(each)) for name, each in value.items())
    return (type(value), value)


def record(function: Callable[..., Sequence[Tensor]], example: Tensor, forms: Forms) -> Operations:
    """The operations of a function of a tensor, without those that change a tensor in place.

    What does not depend on that tensor is a constant, with the value that it has now. Raises
    NotCompiled if the operations depend on values, and Ambiguous if it is not known what one
    changes.
    """
    recorder = _Recorder(forms)
    vector = example.detach().clone()
    recorder.keep(vector, recorder.graph.placeholder("vector"))
    with recorder:
        results = function(vector)
    recorder.graph.output(tuple(recorder.node(each) for each in results))
    recorder.graph.eliminate_dead_code()
    return Operations(recorder.graph, recorder.constants)
