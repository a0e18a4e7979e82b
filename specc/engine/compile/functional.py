"""The operations of a function, recorded without those that change a tensor in place."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, ops
from torch.fx import Graph, GraphModule, Node

from specc.engine.step.player import NotCompiled

UNSUPPORTED = (RuntimeError, TypeError, ValueError, AssertionError, OSError)
"""What torch raises for operations that it cannot record."""

DECOMPOSED = (
    ops.aten._log_softmax,
    ops.aten._softmax,
    ops.aten.leaky_relu,
    ops.aten.leaky_relu_backward,
    ops.aten.linalg_vector_norm,
)
"""Operations that are written as others, beside those that torch always writes so."""


def decompositions() -> dict[Any, Callable[..., Any]]:
    """The operations that are written as others, with functions of those."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch._decomp import core_aten_decompositions, get_decompositions
    return {**core_aten_decompositions(), **get_decompositions(DECOMPOSED)}


def recorded(function: Callable[..., Sequence[Tensor]], examples: Sequence[Tensor]) -> GraphModule:
    """The operations of a function of tensors like the examples, each value computed once.

    Raises NotCompiled if the operations depend on values.
    """
    forms = decompositions()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch._functorch.compile_utils import fx_graph_cse
        from torch._guards import TracingContext, tracing
        from torch._subclasses import FakeTensorMode
        from torch.func import functionalize
        from torch.fx.experimental.proxy_tensor import make_fx
    try:
        # Else torch makes a mode for the shapes of each operation, which takes half of the time.
        with tracing(TracingContext(FakeTensorMode(allow_fallback_kernels=True))):
            # Torch would count the `self` of a method among the arguments.
            graph = make_fx(lambda *inputs: function(*inputs), forms)(*examples)
            if not made_functional(graph.graph):
                graph = make_fx(functionalize(graph), forms)(*examples)
    except UNSUPPORTED as error:
        raise NotCompiled("its operations depend on values") from error
    graph.graph.eliminate_dead_code()
    return GraphModule(graph, fx_graph_cse(graph.graph))


def is_mutable(node: Node) -> bool:
    """Whether an operation changes one of its inputs."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable


def made_functional(graph: Graph) -> bool:
    """Replaces `x.add_(y)` by `x.add(y)`, and later uses of x by its result.

    This is the same if no other value has the memory of x: an operation makes x that returns no
    view of its inputs, and no view of x is taken before. Returns whether that holds for all; else
    the graph is as it was.
    """
    found = [node for node in graph.nodes if is_mutable(node)]
    places = {node: number for number, node in enumerate(graph.nodes)}
    if not all(_form(node) and _is_alone(node, places) for node in found):
        return False
    for node in found:
        changed = node.args[0]
        assert isinstance(changed, Node)
        node.target = _form(node)
        for user in [each for each in changed.users if places[each] > places[node]]:
            user.replace_input_with(changed, node)
    return True


def _form(node: Node) -> object:
    """The operation that returns what another one writes, as `aten.add.Tensor`; None if unknown."""
    schema = node.target._schema  # type: ignore[union-attr]
    space, _, name = schema.name.partition("::")
    if not name.endswith("_") or space != "aten":
        return None
    packet = getattr(ops.aten, name.removesuffix("_"), None)
    return getattr(packet, schema.overload_name or "default", None)


def _is_alone(node: Node, places: dict[Node, int]) -> bool:
    """Whether the tensor that an operation changes has its memory for itself."""
    changed = node.args[0]
    if not isinstance(changed, Node) or changed.op != "call_function":
        return False
    if _has_views(changed) and not is_mutable(changed):
        return False
    before = (user for user in changed.users if places[user] < places[node])
    return not any(_has_views(user) for user in before)


def _has_views(node: Node) -> bool:
    """Whether an operation may return memory of an input, or is not known."""
    schema = getattr(node.target, "_schema", None)
    return schema is None or any(own.alias_info is not None for own in schema.returns)
