"""Settings that have an optimizer and a schedule among them, each by its name with its options."""

from __future__ import annotations

from typing import TypeVar

from specc.catalog.other_names import named
from specc.language.located import Located, Mapping, Scalar, Sequence
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.places import where
from specc.language.schema.problems import Problem
from specc.language.schema.read_named import read_named
from specc.language.schema.reading import Reading
from specc.language.schema.schedules import SCHEDULES
from specc.language.schema.spec import Path
from specc.language.schema.train import Optimizer, PlayerSettings, Schedule, TrainSpec
from specc.language.schema.validation import read_model, report_problem

Settings = TypeVar("Settings", TrainSpec, PlayerSettings)

OPTIMIZER = "the name of an optimizer, such as `adam`"
STAYS = Schedule(name="constant", options=SCHEDULES["constant"]().model_dump())
"""The schedule by which the rate does not change; an empty list is short for it."""

SCHEDULE = "the name of a course, such as `cosine`, or a list such as `[{at: 0.8, lr: 0.0003}]`"


def read_settings(
    reading: Reading, kind: type[Settings], keys: Mapping, path: Path
) -> Settings | None:
    """The settings that `keys` state; None where something in them is wrong."""
    before = reading.errors()
    optimizer = _optimizer(reading, keys.get("optimizer"), (*path, "optimizer"))
    course = keys.get("schedule")
    schedule, is_named = None, course is not None and not _is_list(course)
    if course is not None and is_named:
        schedule = _schedule(reading, course, (*path, "schedule"))
    _rising(reading, course, (*path, "schedule"))
    by_name = {"optimizer"} | ({"schedule"} if is_named else set())
    rest = tuple(entry for entry in keys.entries if entry.name not in by_name)
    read = read_model(reading, kind, Mapping(rest, keys.span), path, _report)
    if read is None or reading.errors() > before:
        return None
    changes: dict[str, object] = {} if optimizer is None else {"optimizer": optimizer}
    if schedule is not None:
        changes["schedule"] = () if schedule == STAYS else schedule
    return read.model_copy(update=changes)


def _report(reading: Reading, problem: Problem) -> None:
    """Report a problem; an option of an optimizer belongs under the name of one."""
    options = {name for entry in OPTIMIZERS.values() for name in entry.model_fields}
    option = named(problem.key, options) if problem.kind == "unknown" else None
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
    """Whether a list of changes is written, or one of its entries without the list."""
    is_entry = isinstance(value, Mapping) and {"at", "lr"} & {e.name for e in value.entries}
    return isinstance(value, Sequence) or bool(is_entry)


def _schedule(reading: Reading, value: Located, path: Path) -> Schedule | None:
    named = read_named(reading, value, path, SCHEDULE, SCHEDULES)
    return None if named is None else Schedule(name=named[0], options=named[1])


def _rising(reading: Reading, value: Located | None, path: Path) -> None:
    """The entries of a schedule follow each other."""
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
