"""Runs side by side: what lies in run folders, and how two of them differ."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from specc.engine import files, record
from specc.engine.forms import Result
from specc.report.errors import with_error
from specc.runtime.failure import RunFailure

State = Literal["finished", "running", "stopped", "damaged"]


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in a line. `figures` are (value, standard error) by name, in nats a row.

    None stands for a value that is not finite, and for the error of a single row.
    """

    folder: str
    name: str
    state: State
    epochs: int
    loss: float | None
    seconds: float
    digest: str
    seed: int | None
    figures: Mapping[str, tuple[float | None, float | None]]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON."""
        return asdict(self)


def found_in(folders: Sequence[Path]) -> Iterator[Path]:
    """The run folders among these, or one level below them."""
    for folder in folders:
        if (folder / record.RUN).is_file():
            yield folder
        elif folder.is_dir():
            yield from sorted(p.parent for p in folder.glob(f"*/{record.RUN}"))


def summary(folder: Path) -> Summary:
    """What a run folder says of itself; a damaged one says so."""
    try:
        facts, _ = record.facts_of(folder)
        metrics = record.read_metrics(folder)
        result = record.result_of(folder)
        last = metrics[-1] if metrics else {}
        return Summary(
            folder=str(folder),
            name=str(facts["name"]),
            state=_state(folder, bool(result)),
            epochs=int(last.get("epoch", 0)),
            loss=last.get("loss"),
            seconds=sum(float(line.get("seconds", 0.0)) for line in metrics),
            digest=str(facts.get("digests", {}).get("math", ""))[:8],
            seed=facts.get("seed"),
            figures=_figures(result),
        )
    except (RunFailure, OSError, ValueError, KeyError, TypeError, AttributeError):
        return Summary(str(folder), "?", "damaged", 0, None, 0.0, "", None, {})


def _figures(result: Result) -> dict[str, tuple[float | None, float | None]]:
    figures = result.get("evaluate", {})
    return {n: (f["value"], f["standard_error"]) for n, f in figures.items()}


def _state(folder: Path, has_result: bool) -> State:
    """Whether a process holds the run's lock, or has left it finished or not."""
    with suppress(FileNotFoundError), files.regular(folder / record.LOCK) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return "running"
    return "finished" if has_result else "stopped"


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact in which two runs differ."""

    what: str
    first: str
    second: str


def differences(first: Path, second: Path) -> list[Difference]:
    """Facts, settings of the training, digests and figures in which two runs differ."""
    one, other = _facts(first), _facts(second)
    return [
        Difference(key, one.get(key, "-"), other.get(key, "-"))
        for key in dict.fromkeys([*one, *other])
        if one.get(key) != other.get(key)
    ]


UNCOMPARED = frozenset({"start", "carried", "files", "format", "seal", "revisions"})
"""Facts that differ where others do, or say how a run began."""


def settings_of(folder: Path) -> dict[str, str]:
    """The values that `--set` gave, by their keys; raises RunFailure E0803."""
    facts, _ = record.facts_of(folder)
    text = record.current(folder, facts, record.SETTINGS)
    given = [] if text is None else json.loads(text)
    pairs = (str(setting).partition("=") for setting in given)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _facts(folder: Path) -> dict[str, str]:
    from specc.engine import checkpoint  # torch, which a list of runs does without
    from specc.runtime import manifest as manifests

    facts, code = record.facts_of(folder)
    found = dict(_flat("", {k: v for k, v in facts.items() if k not in UNCOMPARED}))
    found |= dict(_flat("--set ", settings_of(folder)))
    found |= dict(_flat("train.", manifests.read(code).train))
    last = checkpoint.latest(folder)
    found["steps"] = str(last.counters.total) if last is not None else "0"
    for name, (value, error) in _figures(record.result_of(folder)).items():
        found[f"figure {name}"] = with_error(value, error)
    return found


def _flat(above: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{above}{key}.", value)
        elif value is not None:
            yield f"{above}{key}", value if isinstance(value, str) else json.dumps(value)
