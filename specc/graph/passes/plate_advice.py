"""Hints for nodes that use nodes on other plates."""

from __future__ import annotations

from specc.graph.graph import MODEL, ROWS, Graph
from specc.graph.nodes import Given, Node


def called(plate: str) -> str:
    """The description of a plate in messages."""
    return {ROWS: "the data rows", "": "nothing"}.get(plate, f"`{plate}`")


def global_hint(graph: Graph, node: Node) -> str:
    """The hint for a global node that uses a node with a value for each row."""
    model_node = graph.model.nodes.get(node.name)
    if node.program == MODEL or model_node is None or not model_node.is_global:
        return "delete `global: true`, or use a global node"
    return (
        f"`{node.name}` is global in the model: feed it by parameters of the guide, such as "
        "`m: {parameter: real}`"
    )


def outside_hint(graph: Graph, node: Node, own: tuple[str, ...], plate: str, used: Node) -> str:
    """The hint for `node` on `own` that uses `used` on `plate`.

    An index from data has a value for each row, so only nodes of the rows can use it.
    """
    if ROWS in own and plate in graph.plates:
        return _indexed(graph, plate, used)
    if own == (ROWS,) and plate in graph.scans and not node.is_global:
        name = used.name
        value = "last" if graph.scans[plate].is_ordered else "mean"
        return (
            f"write `{value}({name}, {plate})`, in quotes inside {{ }}, or another function of all "
            f"elements, or `plate: {plate}` on `{node.name}`, to have a value for each"
        )
    if ROWS in own or not own:
        instead = " in place of `global: true`" if node.is_global else ""
        return f"write `plate: {plate}` on `{node.name}`{instead}, to have a value for each"
    if plate == ROWS:
        return f"delete `plate: {own[0]}`, so that `{node.name}` has a value for each row, too"
    return f"use both in a node of the data rows, each with an index, as in `{used.name}[...]`"


def _indexed(graph: Graph, plate: str, used: Node) -> str:
    given = [node for node in graph.model.nodes.values() if isinstance(node, Given)]
    index = next((node for node in given if node.plate_index == plate), None)
    if index is not None:
        return f"write `{used.name}[{index.name}]`, in quotes inside {{ }}"
    entry = f"{{given: ..., plate_index: {plate}}}"
    return (
        f"let data say which element a row belongs to, as in `i: {entry}`, and write "
        f"`{used.name}[i]`, in quotes inside {{ }}"
    )
