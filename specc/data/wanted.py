"""The parts of the data that a spec asks for, by figures and by validation, and those that lack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest

VALID = "valid"
VALIDATES = ("validate_every", "early_stopping")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part of the data, what asks for it, and where the spec says so."""

    part: str
    by: str
    place: str = ""


def wanted(manifest: Manifest) -> Iterator[Wanted]:
    """Every part beside `train` that a run of the spec will read, in the order of the spec."""
    train = manifest.train
    by = next((key for key in VALIDATES if train.get(key) is not None), None)
    by = by or ("schedule: plateau" if _is_plateau(train) else None)
    if by is not None:
        yield Wanted(VALID, f"`train` has `{by}`, which looks at `{VALID}`")
    for name, figure in manifest.evaluate.items():
        part = str(figure.get("data", "test"))
        yield Wanted(part, f"the figure `{name}` is of `{part}`", str(figure.get("at", "")))


def lacking(manifest: Manifest, parts: Iterable[str]) -> Iterator[tuple[str, RunFailure]]:
    """The parts that are asked for and not there, each with what to say of it: E0509."""
    has = list(parts)
    for asked in wanted(manifest):
        if asked.part not in has:
            message = f"the data has no part `{asked.part}`: {asked.by}"
            hint = (
                f"it has {', '.join(has)}; `split: {{{asked.part}: 0.1}}` under `data:` makes one"
            )
            yield (
                asked.part,
                RunFailure("E0509", message, hint=hint, place=asked.place, exit_code=USAGE),
            )


def _is_plateau(train: Mapping[str, Any]) -> bool:
    schedule = train.get("schedule")
    return isinstance(schedule, Mapping) and "plateau" in schedule
