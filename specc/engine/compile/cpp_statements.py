"""C++ statements of a recorded function of the numbers of one chain.

Every operation of the graph becomes an assignment, or a loop over the entries of its result. What
depends on the data alone is computed here. An operation whose result is used once, entry by entry,
becomes a part of the expression that uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from specc.engine.compile.cpp_code import C_TYPES, UNROLLED, Code
from specc.engine.compile.cpp_operations import OPERATIONS, POINTWISE
from specc.engine.compile.cpp_values import Value
from specc.engine.step.player import NotCompiled

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

    from specc.engine.compile.recording import Operations

MOST_WORK = 200_000
"""Entries and products of one evaluation above which libraries of matrices are faster."""


def statements(
    graph: GraphModule | Operations,
    outputs: Sequence[int],
    inputs: Mapping[Node, Value],
    code: Code | None = None,
    most_work: int = MOST_WORK,
) -> tuple[Code, list[Value]]:
    """The code of a recorded function of inputs, and the chosen ones of its results.

    Raises NotCompiled, if it has an operation that is not in the table.
    """
    (end,) = graph.graph.find_nodes(op="output")
    results = [end.args[0][number] for number in outputs]
    code, values = code or Code(), dict[Any, Any](inputs)
    needed = _needed(results)
    for node in graph.graph.nodes:
        if node not in needed or node in values or node.op in {"placeholder", "output"}:
            continue
        values[node] = _value(code, node, values, graph, needed)
        if code.work > most_work:
            raise NotCompiled("its arrays are too large for code of its own")
    found = [code.operand(values[node]) for node in results]
    return code, found


def _needed(results: Sequence[Node]) -> dict[Node, int]:
    """How often the needed nodes are used by needed ones."""
    found: dict[Node, int] = dict.fromkeys(results, 2)
    stack = list(found)
    while stack:
        for node in _inputs(stack.pop()):
            if node not in found:
                stack.append(node)
            found[node] = found.get(node, 0) + 1
    return found


FILLED = {
    **dict.fromkeys(("zeros_like", "new_zeros", "empty_like", "new_empty"), 0.0),
    **dict.fromkeys(("ones_like", "new_ones"), 1.0),
    **dict.fromkeys(("full_like", "new_full"), None),
}
"""Tensors of one number, which they may have as their last argument; of others they are like."""


def _inputs(node: Node) -> list[Node]:
    """The nodes whose values an operation reads."""
    return [] if _name(node) in FILLED else node.all_input_nodes


def _value(
    code: Code,
    node: Node,
    values: Mapping[Node, Any],
    graph: GraphModule | Operations,
    needed: Mapping[Node, int],
) -> Any:  # noqa: ANN401 - a value, or several
    """The value of a node; a tensor if it depends on the data alone."""
    if node.op == "get_attr":
        return getattr(graph, str(node.target))
    name = _name(node)
    if name in FILLED:
        number, like = FILLED[name], node.meta["val"]
        last: Any = node.args[-1]
        return torch.full(like.shape, last if number is None else number, dtype=like.dtype)
    inputs = [values[each] for each in node.all_input_nodes]
    args: Any
    args, options = torch.fx.node.map_arg((node.args, node.kwargs), lambda each: values[each])
    if all(_is_known(each) for each in inputs) and callable(node.target):
        return node.target(*args, **options)
    if name not in OPERATIONS:
        raise NotCompiled(f"`{name}` has no code of its own")
    made = node.meta.get("val")
    kinds = (code.number, torch.bool, *((torch.int64,) if name in INTEGER else ()))
    if isinstance(made, Tensor) and made.dtype not in kinds:
        raise NotCompiled(f"`{name}` gives numbers of another type, {made.dtype}")
    # A few entries are statements of their own, which are alike in each step of a recurrence.
    is_short = not code.loops and isinstance(made, Tensor) and made.numel() <= UNROLLED
    code.is_inlined = lambda: not is_short and _is_read_once(node, needed)
    shape = tuple(made.shape) if isinstance(made, Tensor) else ()
    return OPERATIONS[name](code, shape, *args, **options)


def _is_known(value: Any) -> bool:  # noqa: ANN401
    if isinstance(value, (list, tuple)):
        return all(map(_is_known, value))
    return isinstance(value, Tensor)


def _name(node: Node) -> str:
    """The name of the operation: `add` of `aten.add.Tensor`."""
    schema = getattr(node.target, "_schema", None)
    return schema.name.partition("::")[2] if schema else getattr(node.target, "__name__", "")


INTEGER = {
    *("where", "add", "sub", "mul", "neg", "sum", "_to_copy", "argmax"),
    *("view", "_unsafe_view", "unsqueeze", "squeeze", "expand", "permute", "transpose", "t"),
    *("select", "slice", "unbind", "split", "flip", "cat", "stack", "index", "gather", "clone"),
}
"""Operations of which integers are computed as numbers, exactly below 2^53 (float32: 2^24)."""

ENTRY_BY_ENTRY = {"sum", "mean", "any", "all"}
"""Operations of another shape than their input that read each entry of it once."""


def _is_read_once(node: Node, needed: Mapping[Node, int]) -> bool:
    """Whether each entry is read once, by an operation entry by entry or a sum."""
    if needed[node] != 1:
        return False
    users = [each for each in node.users if each in needed]
    if len(users) != 1:
        return False
    (user,) = users
    name = _name(user)
    if name in ENTRY_BY_ENTRY:
        return True
    if name not in POINTWISE:
        return False
    return bool(user.meta["val"].numel() == node.meta["val"].numel())


def declared(code: Code) -> Iterator[str]:
    """The declarations of the constants, of a table `c` of pointers."""
    for number, known in enumerate(code.constants):
        kind = C_TYPES[known.dtype]
        yield f"const {kind}* const c{number} = static_cast<const {kind}*>(c[{number}]);"
