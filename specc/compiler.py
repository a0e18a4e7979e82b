"""The stages of the compiler in order, from the text of a spec to files and diagnostics.

Source -> Located -> Spec -> Graph -> TypedGraph -> Objective -> Plan -> files
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct, field

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.order import sort_and_dedupe
from specc.diagnostics.report import diagnose, severity
from specc.diagnostics.source import Source
from specc.graph.build import build_graph, type_graph
from specc.graph.findings import Findings
from specc.graph.graph import Graph, TypedGraph
from specc.graph.guides import derive_guides
from specc.graph.verify import verify_graph, verify_typed
from specc.language.located import Located
from specc.language.schema.read import read_spec
from specc.language.schema.spec import Spec
from specc.language.text import read
from specc.objective.build import build_objective
from specc.objective.objective import Objective
from specc.objective.verify import verify_objective

if TYPE_CHECKING:
    from specc.codegen.plan import Plan

MISSING_OBJECTIVE = "E0424"
"""The code of a missing `objective:`, which may be a consequence of other errors."""


class Checked(Struct):
    """The result of each stage that ran, and the diagnostics of all stages in source order."""

    source: Source
    located: Located | None = None
    spec: Spec | None = None
    graph: Graph | None = None
    typed: TypedGraph | None = None
    objective: Objective | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _plan: Plan | None = None

    @property
    def ok(self) -> bool:
        """Whether the spec has no errors; warnings are allowed."""
        return self.objective is not None and not _stops(self.diagnostics)

    @property
    def plan(self) -> Plan | None:
        """The plan of the generated code, or None if the spec has an error.

        It is built on first access. Building it reports no further diagnostics, so `specc check`
        does not need it.
        """
        if self._plan is None and self.objective is not None and self.ok:
            from specc.codegen.build_plan import build_plan
            from specc.codegen.verify import verify_plan

            self._plan = build_plan(self.objective)
            verify_plan(self._plan)
        return self._plan


class Compiled(Struct, frozen=True):
    """The files of the generated package by name, and the plan that they were generated from."""

    plan: Plan
    files: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the package and of its folder."""
        return self.plan.experiment.name

    @property
    def source(self) -> str:
        """The text of the compiled spec."""
        return self.plan.experiment.source.text


def front(source: Source, settings: Sequence[str] = (), *, trained: bool = True) -> Checked:
    """Run every stage up to the objective; stages after an error still report their own errors.

    `settings` are the `a.b=value` arguments of `--set`; a diagnostic about one of them points into
    it. If `trained` is false, the last stage is the typed graph, which is sufficient for queries of
    the model.
    """
    with _without_collection():
        return _front(source, settings, trained)


def _front(source: Source, settings: Sequence[str], trained: bool) -> Checked:
    checked = Checked(source)
    located, found = read(source)
    if located is not None and not _stops(found):
        checked.located = located
        arguments = tuple(Source("--set", text) for text in settings)
        checked.spec, more = read_spec(located, arguments, derive_guides)
        found = [*found, *more]
    if checked.spec is not None:
        has_errors = _stops(found)
        more = _meaning(checked, checked.spec, trained)
        found = [*found, *(d for d in more if d.code != MISSING_OBJECTIVE or not has_errors)]
    checked.diagnostics = sort_and_dedupe(found)
    assert checked.ok or _stops(found) or not trained, "a spec is refused without an error"
    return checked


def _meaning(checked: Checked, spec: Spec, trained: bool) -> list[Diagnostic]:
    findings = Findings(partial=bool(spec.unread))
    checked.graph = build_graph(spec, findings)
    checked.typed = type_graph(checked.graph, findings)
    if not trained:
        return findings.diagnostics
    checked.objective = build_objective(checked.typed, findings)
    if checked.objective is not None and not findings.has_errors():
        _report_unexplained(checked.graph, findings)
    if checked.objective is not None and not findings.has_errors():
        _verify(checked.graph, checked.typed, checked.objective)
    return findings.diagnostics


def _report_unexplained(graph: Graph, findings: Findings) -> None:
    """Report E0305 for each node whose shape no pass could infer and no diagnostic mentions."""
    for node_id in sorted(findings.broken):
        node = graph.node(node_id)
        findings.add(diagnose("E0305", node.span, name=node.name), node_id)


def _verify(graph: Graph, typed: TypedGraph, objective: Objective) -> None:
    """Verify the invariants of each stage; raise AssertionError for a bug of the compiler."""
    verify_graph(graph)
    verify_typed(typed)
    verify_objective(objective)


def compile(source: Source, settings: Sequence[str] = ()) -> tuple[Compiled | None, Checked]:
    """Return the files of a spec, or None if it has errors, and the results of the stages."""
    checked = front(source, settings)
    return (generate(checked) if checked.plan is not None else None), checked


def generate(checked: Checked) -> Compiled:
    """Return the files of a spec without errors."""
    from specc.codegen.package import package

    with _without_collection():
        assert checked.plan is not None
        return Compiled(checked.plan, package(checked.plan))


@contextmanager
def _without_collection() -> Iterator[None]:
    """Switch garbage collection off: the stages make trees, and no cycles that it could free.

    Of a spec with 2,000 nodes it would take a sixth of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _stops(found: list[Diagnostic]) -> bool:
    return any(severity(d) == "error" for d in found)
