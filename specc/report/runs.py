"""Summaries of run folders, and the differences between two runs."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from specc.engine.storage import file_io, run_folder
from specc.engine.storage.record_schemas import Result
from specc.report.standard_error import with_error
from specc.runtime.failure import RunFailure

State = Literal["finished", "running", "stopped", "damaged"]


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in a line. `figures` are (value, standard error) by name, likelihoods in nats a row.

    A value that is not finite is None, and so is the error of a single row.
    """

    folder: str
    name: str
    state: State
    epochs: int
    loss: float | None
    seconds: float
    digest: str
    seed: int | None
    metrics: Mapping[str, tuple[float | None, float | None]]

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON."""
        return asdict(self)


def found_in(folders: Sequence[Path]) -> Iterator[Path]:
    """The run folders among these, or one level below them."""
    for folder in folders:
        if (folder / run_folder.RUN).is_file():
            yield folder
        elif folder.is_dir():
            yield from sorted(p.parent for p in folder.glob(f"*/{run_folder.RUN}"))


def summary(folder: Path) -> Summary:
    """The summary of a run folder, whose state is `damaged` if it cannot be read."""
    try:
        facts, _ = run_folder.facts_of(folder)
        metrics = run_folder.read_metrics(folder)
        result = run_folder.result_of(folder)
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
            metrics=_metrics(result),
        )
    except (RunFailure, OSError, ValueError, KeyError, TypeError, AttributeError):
        return Summary(str(folder), "?", "damaged", 0, None, 0.0, "", None, {})


def _metrics(result: Result) -> dict[str, tuple[float | None, float | None]]:
    metrics = result.get("evaluate", {})
    return {n: (f["value"], f["standard_error"]) for n, f in metrics.items()}


def _state(folder: Path, has_result: bool) -> State:
    """`running` if a process has the lock of the run, else `finished` or `stopped`."""
    with suppress(FileNotFoundError), file_io.read_regular(folder / run_folder.LOCK) as file:
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
    """The facts, training settings, digests and metrics in which two runs differ."""
    one, other = _facts(first), _facts(second)
    return [
        Difference(key, one.get(key, "-"), other.get(key, "-"))
        for key in dict.fromkeys([*one, *other])
        if one.get(key) != other.get(key)
    ]


UNCOMPARED = frozenset({"start", "carried", "files", "format", "seal", "revisions"})
"""Facts that differ if others do, or that describe the start of a run."""


def settings_of(folder: Path) -> dict[str, str]:
    """The values that `--set` gave, by their keys; raises RunFailure E0803."""
    facts, _ = run_folder.facts_of(folder)
    text = run_folder.current(folder, facts, run_folder.SETTINGS)
    given = [] if text is None else json.loads(text)
    pairs = (str(setting).partition("=") for setting in given)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _facts(folder: Path) -> dict[str, str]:
    from specc.engine.storage import checkpoint  # torch, which a list of runs does without
    from specc.runtime import manifest as manifests

    facts, code = run_folder.facts_of(folder)
    found = dict(_flat("", {k: v for k, v in facts.items() if k not in UNCOMPARED}))
    found |= dict(_flat("--set ", settings_of(folder)))
    found |= dict(_flat("train.", manifests.read(code).train))
    last = checkpoint.latest(folder)
    found["steps"] = str(last.counters.total) if last is not None else "0"
    for name, (value, error) in _metrics(run_folder.result_of(folder)).items():
        found[f"metric {name}"] = with_error(value, error)
    return found


def _flat(above: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{above}{key}.", value)
        elif value is not None:
            yield f"{above}{key}", value if isinstance(value, str) else json.dumps(value)
