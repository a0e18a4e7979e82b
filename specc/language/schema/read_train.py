"""From `train:` and `evaluate:` to their values."""

from __future__ import annotations

from collections.abc import Mapping as TypingMapping
from typing import Any

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.nearest import nearest
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence
from specc.language.schema.identifiers import is_identifier
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.places import where
from specc.language.schema.reading import Reading
from specc.language.schema.schedules import SCHEDULES
from specc.language.schema.single import read_single
from specc.language.schema.spec import Path
from specc.language.schema.train import Evaluation, Optimizer, Schedule, TrainSpec
from specc.language.schema.validation import read_model, tell_plainly
from specc.language.schema.value import Value

OPTIMIZER = "the name of an optimizer, such as `adam`"
STAYS = Schedule(name="constant", options=SCHEDULES["constant"]().model_dump())
"""What a rate does that has no schedule."""

SCHEDULE = "the name of a course, such as `cosine`, or a list such as `[{at: 0.8, lr: 0.0003}]`"


def read_train(reading: Reading, value: Located, path: Path) -> TrainSpec | None:
    """How the spec is trained; None where something in it is wrong."""
    keys = reading.mapping(value, path, "write such as `train: {epochs: 100}`")
    if keys is None:
        return None
    before = reading.errors()
    optimizer = _optimizer(reading, keys.get("optimizer"), (*path, "optimizer"))
    course = keys.get("schedule")
    schedule, is_named = None, course is not None and not _is_list(course)
    if course is not None and is_named:
        schedule = _schedule(reading, course, (*path, "schedule"))
    _one_length(reading, keys)
    _rising(reading, course, (*path, "schedule"))
    told = {"optimizer"} | ({"schedule"} if is_named else set())
    rest = tuple(entry for entry in keys.entries if entry.name not in told)
    read = read_model(reading, TrainSpec, Mapping(rest, keys.span), path, tell_plainly)
    if read is None or reading.errors() > before:
        return None
    changes: dict[str, object] = {} if optimizer is None else {"optimizer": optimizer}
    if schedule is not None and schedule != STAYS:
        changes["schedule"] = schedule
    if read.steps is not None:
        changes["epochs"] = None
    return read.model_copy(update=changes)


def _optimizer(reading: Reading, value: Located | None, path: Path) -> Optimizer | None:
    if value is None:
        return None
    named = _named(reading, value, path, OPTIMIZER, OPTIMIZERS)
    return None if named is None else Optimizer(name=named[0], options=named[1])


def _is_list(value: Located) -> bool:
    """Whether a list of changes is written, or one of its entries without the list."""
    is_entry = isinstance(value, Mapping) and {"at", "lr"} & {e.name for e in value.entries}
    return isinstance(value, Sequence) or bool(is_entry)


def _schedule(reading: Reading, value: Located, path: Path) -> Schedule | None:
    named = _named(reading, value, path, SCHEDULE, SCHEDULES)
    return None if named is None else Schedule(name=named[0], options=named[1])


def _named(
    reading: Reading,
    value: Located,
    path: Path,
    expected: str,
    known: TypingMapping[str, type[Value]],
) -> tuple[str, dict[str, Any]] | None:
    """A name among those known, with all of its options: `adam` is `{adam: {lr: 0.001}}`."""
    named = read_single(reading, value, path, expected)
    if named is None:
        return None
    word, inside = named
    if word.text not in known:
        guess = nearest(word.text, known)
        hint = "" if guess else "there are " + ", ".join(f"`{name}`" for name in known)
        return reading.report(
            "E0113", word.span, suggestion=guess, where=where(path), value=word.text, hint=hint
        )
    place = (*path, word.text)
    keys = Mapping((), word.span) if inside is None else reading.mapping(inside, place)
    if keys is None:
        return None
    read = read_model(reading, known[word.text], keys, place, tell_plainly)
    return None if read is None else (word.text, read.model_dump())


def _one_length(reading: Reading, keys: Mapping) -> None:
    """`epochs` or `steps`, not both."""
    lengths = [entry.key for entry in keys.entries if entry.name in ("epochs", "steps")]
    if len(lengths) == 2:
        first, second = lengths
        label = Label(first.span, "the other one")
        reading.report("E0118", second.span, labels=[label], first=first.text, second=second.text)


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


def read_evaluations(reading: Reading, value: Located, path: Path) -> dict[str, Evaluation] | None:
    """The figures that belong to the spec, by name; None where one of them is wrong."""
    entries = reading.mapping(value, path, "write such as `{test: {estimator: iwae}}`")
    if entries is None:
        return None
    read = {entry.name: _evaluation(reading, entry, path) for entry in entries.entries}
    known = {name: evaluation for name, evaluation in read.items() if evaluation is not None}
    return known if len(known) == len(read) else None


def _evaluation(reading: Reading, entry: Entry, path: Path) -> Evaluation | None:
    if not is_identifier(reading, entry.key, "evaluation"):
        return None
    place = (*path, entry.name)
    hint = f"write `{entry.name}: {{estimator: iwae, particles: 1000}}`"
    if entry.name in Evaluation.model_fields:
        hint = f"every figure has a name: write `{{test: {{{entry.name}: ...}}}}`"
    keys = reading.mapping(entry.value, place, hint)
    return None if keys is None else read_model(reading, Evaluation, keys, place, tell_plainly)
