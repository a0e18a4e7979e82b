"""Checks that the program can compute the metrics of samples, before training.

A metric compares samples of one node with data: an observed node, or a deterministic one with the
name of a field, for a model without a density. It must have a value in every row, of one size.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from msgspec import Struct

from specc.catalog.metric import Metric
from specc.catalog.registry import METRICS
from specc.catalog.supports import Integers
from specc.counted import counted
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, ROWS, TypedGraph
from specc.language.schema.metric import MetricFigure
from specc.language.schema.spec import Path
from specc.objective.objective import Objective


class Refusal(Struct, frozen=True):
    """Why a metric cannot be computed: the option at fault, the problem, and a hint."""

    option: str
    problem: str
    hint: str


def compared(typed: TypedGraph, figure: MetricFigure) -> str:
    """Return the node that a metric compares: the named one, or else the first one possible."""
    named = str(figure.options["node"])
    return named or next(iter(_comparable(typed)), "")


def check_sample_metrics(objective: Objective, findings: Findings) -> None:
    """Report the metrics of samples that the program cannot compute (E0823)."""
    spec = objective.graph.graph.spec
    for name, figure in spec.document.evaluate.items():
        if not isinstance(figure, MetricFigure):
            continue
        for refusal in _refusals(objective, figure, METRICS[figure.metric]):
            place: Path = ("evaluate", name, refusal.option)
            place = place if place in spec.spans else ("evaluate", name, "metric")
            found = diagnose(
                "E0823",
                spec.spans.value(place),
                metric=figure.metric,
                name=spec.document.name,
                problem=refusal.problem,
                hint=refusal.hint,
            )
            findings.add(found)


def _comparable(typed: TypedGraph) -> list[str]:
    """Return the local nodes that can be compared with data, observed ones first."""
    fields, nodes = typed.graph.fields, typed.graph.model.nodes.items()
    local = {n: v.role for n, v in nodes if ROWS in typed.types[MODEL, n].plates}
    made = [n for n, role in local.items() if role == "let" and n in fields]
    return [*(n for n, role in local.items() if role == "observed"), *made]


def _refusals(objective: Objective, figure: MetricFigure, entry: Metric) -> Iterator[Refusal]:
    known, node = _comparable(objective.graph), compared(objective.graph, figure)
    listed = ", ".join(f"`{name}`" for name in known)
    if node not in known:
        guess = nearest(node, known)
        hint = f"did you mean `{guess}`?" if guess else ""
        hint = hint or (f"the observed nodes are: {listed}" if known else "")
        kinds = "observed node" if known else "observed node or one with the name of a field"
        problem = f"there is no {kinds}{f' `{node}`' if node else ''} with a value in each row"
        yield Refusal("node", problem, hint or "delete the metric")
        return
    if not figure.options["node"] and len(known) > 1:
        problem = f"there are several observed nodes, {listed}"
        yield Refusal("node", problem, f"name one of them, as in `node: {known[0]}`")
        return
    yield from _of_node(objective, node)
    if entry.points:
        yield from _of_points(objective, node, figure, entry.points)
    if entry.label:
        yield from _of_label(objective, str(figure.options[entry.label]), entry.label)


def _of_node(objective: Objective, node: str) -> Iterator[Refusal]:
    """Check that a node has all values, in sequences of equal lengths."""
    found = objective.graph.graph.model.nodes[node]
    if found.missing is not None:
        problem = f"values of `{node}` may be missing, and a row without one cannot be compared"
        yield Refusal("node", problem, "delete the metric")
    if any(scan.lengths for scan in objective.graph.graph.scans.values()):
        problem = "rows are sequences of different lengths"
        yield Refusal("node", problem, "delete the metric")


def _of_points(
    objective: Objective, node: str, figure: MetricFigure, option: str
) -> Iterator[Refusal]:
    found, graph = objective.graph.types[MODEL, node], objective.graph.graph
    size = prod(found.shape) * prod(graph.size_of(p) for p in found.plates if p != ROWS)
    for point in figure.options[option]:
        if len(point) != size:
            numbers = counted(len(point), "number")
            problem = f"a point has {numbers}, and `{node}` has {size}"
            yield Refusal(option, problem, f"write {size} for each point")
            return


def _of_label(objective: Objective, label: str, option: str) -> Iterator[Refusal]:
    types, nodes = objective.graph.types, objective.graph.graph.model.nodes
    if label not in nodes or nodes[label].role not in ("given", "observed", "latent"):
        guess = nearest(label, nodes)
        problem = f"there is no node `{label}`"
        yield Refusal(option, problem, f"did you mean `{guess}`?" if guess else "name a node")
        return
    found, fields = types[MODEL, label], objective.graph.graph.fields
    field = fields.get(nodes[label].field or "")
    is_one_hot = field is not None and field.transforms.get("one_hot") is not None
    is_number = not found.shape and isinstance(found.support, Integers)
    if not (is_number or is_one_hot) or not found.is_local:
        problem = f"`{label}` is not one integer in each row"
        yield Refusal(option, problem, "name the node with the class of a row")
