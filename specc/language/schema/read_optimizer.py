"""Reading of training settings, with the optimizer and the schedule by name."""

from __future__ import annotations

from typing import TypeVar

from specc.catalog.other_names import canonical_name
from specc.language.located import Located, Mapping, Scalar, Sequence
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.places import where
from specc.language.schema.problems import Problem
from specc.language.schema.read_named import read_named
from specc.language.schema.reading import Reading
from specc.language.schema.schedules import SCHEDULES
from specc.language.schema.spec import Path
from specc.language.schema.train import (
    Optimizer,
    PlayerSettings,
    Schedule,
    StageSettings,
    TrainSpec,
)
from specc.language.schema.validation import read_model, report_problem

Settings = TypeVar("Settings", TrainSpec, PlayerSettings, StageSettings)

OPTIMIZER = "the name of an optimizer, such as `adam`"
CONSTANT = Schedule(name="constant", options=SCHEDULES["constant"]().model_dump())
"""A constant learning rate, which a document represents as an empty list."""

SCHEDULE = "the name of a schedule, such as `cosine`, or a list such as `[{at: 0.8, lr: 0.0003}]`"


def read_settings(
    reading: Reading, kind: type[Settings], keys: Mapping, path: Path
) -> Settings | None:
    """The settings in `keys`; None if one of them is invalid."""
    before = reading.errors()
    optimizer = _optimizer(reading, keys.get("optimizer"), (*path, "optimizer"))
    value = keys.get("schedule")
    schedule, is_named = None, value is not None and not _is_list(value)
    if value is not None and is_named:
        schedule = _schedule(reading, value, (*path, "schedule"))
    _check_order(reading, value, (*path, "schedule"))
    by_name = {"optimizer"} | ({"schedule"} if is_named else set())
    rest = tuple(entry for entry in keys.entries if entry.name not in by_name)
    read = read_model(reading, kind, Mapping(rest, keys.span), path, _report)
    if read is None or reading.errors() > before:
        return None
    changes: dict[str, object] = {} if optimizer is None else {"optimizer": optimizer}
    if schedule is not None:
        changes["schedule"] = () if schedule == CONSTANT else schedule
    return read.model_copy(update=changes)


def _report(reading: Reading, problem: Problem) -> None:
    """Report a problem; for an option of an optimizer, with the place where it belongs."""
    options = {name for entry in OPTIMIZERS.values() for name in entry.model_fields}
    option = canonical_name(problem.key, options) if problem.kind == "unknown" else None
    if option is None:
        report_problem(reading, problem)
        return
    key = Scalar(problem.key, problem.span, "plain", "str")
    owner = next(o for o in ("adam", *OPTIMIZERS) if option in OPTIMIZERS[o].model_fields)
    hint = f"it is an option of an optimizer, such as `optimizer: {{{owner}: {{{option}: ...}}}}`"
    reading.unknown_key(key, problem.path[:-1], (), hint)


def _optimizer(reading: Reading, value: Located | None, path: Path) -> Optimizer | None:
    if value is None:
        return None
    named = read_named(reading, value, path, OPTIMIZER, OPTIMIZERS)
    return None if named is None else Optimizer(name=named[0], options=named[1])


def _is_list(value: Located) -> bool:
    """Whether a schedule is a list of changes, or a single change without the list."""
    is_entry = isinstance(value, Mapping) and {"at", "lr"} & {e.name for e in value.entries}
    return isinstance(value, Sequence) or bool(is_entry)


def _schedule(reading: Reading, value: Located, path: Path) -> Schedule | None:
    named = read_named(reading, value, path, SCHEDULE, SCHEDULES)
    return None if named is None else Schedule(name=named[0], options=named[1])


def _check_order(reading: Reading, value: Located | None, path: Path) -> None:
    """Report changes of the learning rate that are not in increasing order of `at`."""
    last = 0.0
    for number, item in enumerate(value.items if isinstance(value, Sequence) else ()):
        at = item.get("at") if isinstance(item, Mapping) else None
        if not isinstance(at, Scalar) or not isinstance(at.value, (int, float)):
            continue
        if number > 0 and at.value <= last:
            place = (*path, number, "at")
            expected = f"more than {last:g}, which the entry before has"
            reading.report(
                "E0111", at.span, where=where(place), value=at.span.text, expected=expected
            )
        last = at.value
