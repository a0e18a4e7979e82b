"""Fuzzing of the compiler with mutated specs, names of files, and settings.

    python -m benchmarks.fuzz --count 200000 --seed 0

Each case is checked and compiled in a worker process with limits. The requirements are: no
traceback; at most two seconds of CPU time and one GiB of memory; no files outside the output
folder, no network and no other processes; diagnostics and code without control characters or marks
of the direction of text; generated code that is valid UTF-8 and Python, imports only torch and the
run time, and contains text from users only in comments and strings.

`--cli` is the fraction of cases that also run through the command line, `--named` the fraction of
those with a strange name of a file, and `--steps` the fraction of accepted cases whose loss and
gradient are computed on random data. `--kind energies` makes cases of that kind alone. A case is
`repeated` and not `stepped` if a case of the same worker had the same code, without comments and
documentation. Prints a table and each fault once; the exit code is 1 if there is a fault.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.fuzzing.cases import KINDS, case
from benchmarks.fuzzing.worker import Verdict, Worker, bounded

Task = tuple[int, int, int]
POOL = 600
"""The tasks, of 50 cases each, after which new processes start."""

_WORKER: Worker | None = None


_KIND: str | None = None


def start(folder: str, steps: float, cli: float, named: float, kind: str | None) -> None:
    """Initialize a worker process."""
    global _WORKER, _KIND
    _KIND = kind
    sys.dont_write_bytecode = True  # caches of modules would be files outside the output folder
    if steps:
        import torch

        torch.set_num_threads(1)
        import benchmarks.fuzzing.step  # noqa: F401 - before the limit of memory
    own = Path(folder) / str(os.getpid())
    os.environ["MPLCONFIGDIR"] = str(Path(folder).resolve() / "matplotlib")
    _WORKER = Worker(own, steps=steps, cli=cli, named=named)
    bounded()


def judged(task: Task) -> list[Verdict]:
    """The verdicts of consecutive cases."""
    seed, first, last = task
    assert _WORKER is not None
    return [_WORKER.judge(case(seed, number, _KIND)) for number in range(first, last)]


def verdicts(options: argparse.Namespace, folder: str) -> Iterator[Verdict]:
    """All verdicts, in the order in which workers finish."""
    ends = range(options.first, options.first + options.count, 50)
    last = options.first + options.count
    tasks = [(options.seed, at, min(at + 50, last)) for at in ends]
    given = (folder, options.steps, options.cli, options.named, options.kind)
    spawn = multiprocessing.get_context("spawn")
    # A worker that dies ends the run with an error, where a pool of multiprocessing would wait. A
    # pool serves 30,000 cases, whose modules and programs fragment the memory of its processes.
    for at in range(0, len(tasks), POOL):
        with ProcessPoolExecutor(options.jobs, spawn, start, given) as pool:
            for done in as_completed([pool.submit(judged, task) for task in tasks[at : at + POOL]]):
                yield from done.result()


class RunningMetrics:
    """The numbers of outcomes so far, and the cases of each fault."""

    def __init__(self) -> None:
        self.kinds: collections.Counter[tuple[str, str]] = collections.Counter()
        self.notes: collections.Counter[str] = collections.Counter()
        self.codes: collections.Counter[str] = collections.Counter()
        self.faults: dict[str, list[Verdict]] = {}
        self.slowest = self.largest = Verdict(-1, "")

    def add(self, verdict: Verdict) -> None:
        """Add a verdict."""
        came = "fault" if verdict.fault else "accepted" if verdict.accepted else "refused"
        self.kinds[verdict.kind, came] += 1
        self.kinds[verdict.kind, "stepped"] += verdict.stepped
        self.kinds[verdict.kind, "repeated"] += verdict.repeated
        self.notes.update(verdict.notes)
        self.codes[verdict.refusal] += bool(verdict.refusal)
        if verdict.fault:
            self.faults.setdefault(_kind_of(verdict), []).append(verdict)
        self.slowest = max(self.slowest, verdict, key=lambda v: v.seconds)
        self.largest = max(self.largest, verdict, key=lambda v: v.memory)

    def table(self) -> str:
        """The table of all counts and faults."""
        columns = ("accepted", "refused", "fault", "stepped", "repeated")
        rows = [f"{'kind':<12}" + "".join(f"{name:>10}" for name in columns)]
        kinds = sorted({kind for kind, _ in self.kinds})
        for kind in kinds:
            rows.append(f"{kind:<12}" + "".join(f"{self.kinds[kind, c]:>10,}" for c in columns))
        totals = [sum(self.kinds[kind, c] for kind in kinds) for c in columns]
        rows.append(f"{'all':<12}" + "".join(f"{total:>10,}" for total in totals))
        rows.append(f"codes: {len(self.codes)}; of steps: {dict(self.notes)}")
        slow, large = self.slowest, self.largest
        rows.append(f"slowest: {slow.seconds:.2f} s, case {slow.number} ({slow.kind})")
        rows.append(f"largest: {large.memory >> 20} MiB, case {large.number} ({large.kind})")
        for name, found in sorted(self.faults.items(), key=lambda item: -len(item[1])):
            numbers = [verdict.number for verdict in found[:5]]
            rows.append(f"\n{len(found)} times: {name}\n  {found[0].fault}\n  cases {numbers}")
        return "\n".join(rows)


def _kind_of(verdict: Verdict) -> str:
    """A key of a fault: its last two places in specc, and its message without numbers and names."""
    places = re.findall(r'File "[^"]*?(specc/[^"]*|made/[^"]*)", line \d+, in (\w+)', verdict.trace)
    places = [f"{path}:{name}" for path, name in places if "generated" not in path][-2:]
    words = re.sub(r"\d+|'[^']*'|`[^`]*`", "N", verdict.fault)[:80]
    return " ".join([*places, words])


def show(number: int, seed: int, kind: str | None) -> None:
    """Print a case."""
    found = case(seed, number, kind)
    sys.stdout.write(f"{found.kind} {found.path!r} {found.settings!r}\n")
    sys.stdout.write(found.text.decode("utf-8", "backslashreplace"))


def options() -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--steps", type=float, default=0.1)
    parser.add_argument("--cli", type=float, default=0.02)
    parser.add_argument("--named", type=float, default=1.0)
    parser.add_argument("--kind", choices=list(KINDS), help="the only kind of cases")
    parser.add_argument("--show", type=int, help="print the case of that number, and run nothing")
    parser.add_argument("--log", help="a file for the faults, a line of JSON each")
    return parser.parse_args()


def main() -> int:
    """Run the cases and print the table."""
    given, tally = options(), RunningMetrics()
    if given.show is not None:
        show(given.show, given.seed, given.kind)
        return 0
    began, done = time.monotonic(), 0
    log = Path(given.log or os.devnull)
    with (
        tempfile.TemporaryDirectory(prefix="specc-fuzz-") as folder,
        log.open("w", encoding="utf-8") as faults,
    ):
        for verdict in verdicts(given, folder):
            tally.add(verdict)
            done += 1
            if verdict.fault:
                faults.write(json.dumps(asdict(verdict)) + "\n")
                faults.flush()
            if done % 5000 == 0:
                print(f"{done:,} after {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(f"{given.count:,} cases from seed {given.seed}\n{tally.table()}")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
