"""Checks schedules that lower the learning rate when the validation loss stops falling."""

from __future__ import annotations

from collections.abc import Iterator

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.language.schema.objective import Player
from specc.language.schema.spec import Path, Spec
from specc.language.schema.train import Schedule


def plateaus(spec: Spec) -> Iterator[tuple[Path, Schedule]]:
    """Yield each plateau schedule with its path, that of `train` first."""
    document = spec.document
    written: dict[Path, object] = {("train", "schedule"): document.train.schedule}
    for loss in document.losses():
        if loss.stage is not None:
            written[*loss.path[:3], "schedule"] = loss.stage.schedule
        if isinstance(loss.written, Player):
            written[*loss.path, "schedule"] = loss.written.schedule
    for path, schedule in written.items():
        if isinstance(schedule, Schedule) and schedule.name == "plateau":
            yield path, schedule


def check_plateaus(spec: Spec, findings: Findings) -> None:
    """Report plateau schedules whose patience differs from that of the first one.

    All players share the validations, and a run has one count of those without improvement; so has
    each stage, with the settings of `train` for those that it does not state.
    """
    found = list(plateaus(spec))
    for path, schedule in found[1:]:
        first, patience = found[0][0], found[0][1].options["patience"]
        if schedule.options["patience"] == patience:
            continue
        findings.add(
            diagnose(
                "E0450",
                _place(spec, path),
                labels=(Label(_place(spec, first), f"this one waits for {patience}"),),
                player=_owner(spec, path),
                count=schedule.options["patience"],
                patience=patience,
            )
        )


def _owner(spec: Spec, path: Path) -> str:
    """Return the name of the loss with the schedule at a path."""
    above = path[:-1]
    return next(own.name for own in spec.document.losses() if own.path[: len(above)] == above)


def _place(spec: Spec, path: Path) -> Span:
    """Return the position of the patience if it is given, else of the schedule."""
    written = (*path, "plateau", "patience")
    return spec.spans.value(written) if written in spec.spans else spec.spans.key(path)
