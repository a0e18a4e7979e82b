"""The parts of the data that metrics and validation need, and those that are missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest

VALID = "valid"
VALIDATES = ("validate_every", "early_stopping")


@dataclass(frozen=True, slots=True)
class RequiredPart:
    """A part of the data, the reason why it is needed, and the place in the spec."""

    part: str
    by: str
    place: str = ""


def required_parts(manifest: Manifest) -> Iterator[RequiredPart]:
    """Every part beside `train` that a run of the spec reads, in the order of the spec."""
    train = manifest.train
    by = next((key for key in VALIDATES if train.get(key) is not None), None)
    by = by or ("schedule: plateau" if _is_plateau(train) else None)
    if by is not None:
        yield RequiredPart(VALID, f"`train` has `{by}`, which needs `{VALID}`")
    for name, metric in manifest.evaluate.items():
        part = str(metric.get("data", "test"))
        yield RequiredPart(part, f"the metric `{name}` needs `{part}`", str(metric.get("at", "")))


def missing_parts(
    manifest: Manifest, parts: Sequence[Iterable[str]]
) -> Iterator[tuple[str, RunFailure]]:
    """The required parts that do not exist, each with its failure E0509; `parts` by source.

    Validation needs rows of every source, a metric those of one.
    """
    known = [list(own) for own in parts]
    for need in required_parts(manifest):
        without = [number for number, has in enumerate(known) if need.part not in has]
        if len(without) == len(known) or (need.part == VALID and without):
            name, has = manifest.sources[without[0]].name, known[without[0]]
            under = f"data.sources.{name}:" if name else "data:"
            what = f"the source `{name}`" if name else "the data"
            message = f"{what} has no part `{need.part}`: {need.by}"
            hint = (
                f"it has {', '.join(has)}; `split: {{{need.part}: 0.1}}` under `{under}` makes one"
            )
            failure = RunFailure("E0509", message, hint=hint, place=need.place, exit_code=USAGE)
            yield need.part, failure


def _is_plateau(train: Mapping[str, Any]) -> bool:
    """Whether a schedule, of all players or of a single one, depends on the validation loss."""
    schedules = [each.get("schedule") for each in (train, *train.get("players", {}).values())]
    return any(isinstance(each, Mapping) and "plateau" in each for each in schedules)
