"""Runs that are killed at random moments and resumed, compared with an uninterrupted run.

    python -m benchmarks.chaos --kills 200 --seed 0

A process that has imported all modules forks children, which train a small program of the tests
with frequent checkpoints and get SIGKILL after a random time; so do `evaluate` and `compile`. A
killed run is resumed until it is finished. The hashes of its weights, optimizer state and metrics
must equal those of an uninterrupted run. Prints a table; the exit code is 1 if there is a
difference.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# A fork of a process with a thread pool would wait for threads that it does not have.
os.environ["OMP_NUM_THREADS"] = "1"

from specc.engine import device

device.prepare()

import torch  # noqa: E402 - after prepare(), which must come first

import specc  # noqa: E402
from specc.engine import train  # noqa: E402
from specc.engine.loop import loop  # noqa: E402
from specc.engine.storage import checkpoint, file_io, run_folder  # noqa: E402
from specc.engine.storage.loaded_run import load_run  # noqa: E402
from specc.engine.train import Options  # noqa: E402
from specc.evaluate.estimate import estimate  # noqa: E402
from specc.evaluate.scoring import Request  # noqa: E402
from specc.runtime.failure import RunFailure  # noqa: E402
from tests.programs import making  # noqa: E402

ROOT = Path(__file__).parents[1]
SETTINGS = {
    "epochs": 6,
    "schedule": {"plateau": {"patience": 1, "warmup": 0.1}},
    "ema": 0.9,
    "early_stopping": {"patience": 20},
}
OPTIONS = Options(quiet=True, threads=1, resume=True)


def child(work: Callable[[], None]) -> int:
    """Run `work` in a fork; exit status 3 for a `RunFailure`, 9 for any other exception."""
    number = os.fork()
    if number:
        return number
    status = 0
    try:
        torch.set_num_threads(1)
        work()
    except RunFailure as failure:
        print(failure, file=sys.stderr)
        status = 3
    except BaseException as error:  # noqa: BLE001 - a child ends here after any exception
        print(repr(error), file=sys.stderr)
        status = 9
    os._exit(status)


def killed_after(work: Callable[[], None], seconds: float) -> int | None:
    """The exit status of `work`, or None if it was killed before its end."""
    number = child(work)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(number, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(number, signal.SIGKILL)
    return None if os.waitpid(number, 0)[1] else 0


def length_of(work: Callable[[], None]) -> float:
    """The duration of `work` in seconds, without a kill."""
    start = time.monotonic()
    assert killed_after(work, 600) == 0
    return time.monotonic() - start


def state_of(run: Path) -> tuple[object, ...]:
    """The final state that must be equal in two runs: steps, hashes and metrics."""
    found = checkpoint.latest(run)
    assert found is not None
    hashes = [file_io.hash_of(path) for path in sorted(found.folder.glob("*.safetensors"))]
    best = checkpoint.best(run)
    hashes += [file_io.hash_of(best.folder / checkpoint.WEIGHTS)] if best else []
    own = ("seconds", "memory")
    lines = [{k: v for k, v in m.items() if k not in own} for m in run_folder.read_metrics(run)]
    return found.counters.total, tuple(hashes), repr(lines)


def measure(run: Path) -> None:
    """Evaluate the run and write the result, as the command line does."""
    found = estimate(load_run(run), Request(particles=40))
    file_io.write_json(run / "figure.json", {"value": found.value})


def compile_specs(out: Path) -> None:
    """Write the code of all specs, file by file, as `specc compile` does."""
    from specc.cli.main import main

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.chdir(ROOT)  # the code contains the path of its spec as given
    specs = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "specs").glob("*.yaml"))
    main(["compile", *specs, "--out", str(out)])


def warm(code: Path, folder: Path) -> None:
    """Import all modules before the forks; otherwise most kills would happen during imports."""
    train.train(code, folder, OPTIONS)
    measure(folder)
    specc.load(ROOT / "specs/vae.yaml").compile(folder / "code")


def main() -> None:
    """Kill and resume runs, and compare them with an uninterrupted run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=8, help="of evaluate and compile, each run")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    loop.SAVE_EVERY, loop.READ_EVERY = 0.0, 3
    rng, began = random.Random(chosen.seed), time.monotonic()
    counts: collections.Counter[str] = collections.Counter()
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        code = making.copy("vae", folder, **SETTINGS)
        warm(code, folder / "warm")
        run = folder / "uninterrupted"
        length = length_of(lambda: train.train(code, run, OPTIONS) and None)
        compiling = length_of(lambda: compile_specs(folder / "first"))
        wanted = state_of(run)
        while counts["kills"] < chosen.kills:
            one_run(code, folder / f"run{counts['runs']}", wanted, length, rng, counts)
            counts["runs"] += 1
            evaluations(run, rng, counts, chosen.rounds)
            compilations(folder, rng, counts, chosen.rounds, 0.3 * compiling)
    counts["seconds"] = round(time.monotonic() - began)
    print("\n".join(f"{name:<40} {count}" for name, count in counts.items()))
    sys.exit(1 if any(counts[name] for name in counts if name.startswith("WRONG")) else 0)


def one_run(
    code: Path,
    run: Path,
    wanted: object,
    length: float,
    rng: random.Random,
    counts: collections.Counter[str],
) -> None:
    """Kill and resume a run until it is finished, and compare its end."""
    status: int | None = None
    while status is None:
        status = killed_after(
            lambda: train.train(code, run, OPTIONS) and None, rng.uniform(0.0, 0.7 * length)
        )
        counts["kills"] += status is None
        counts["kills of train"] += status is None
        partial = bool(list(run.rglob(".*.partial"))) if status is None else False
        counts["of these while a checkpoint was written"] += partial
    counts["WRONG status of a resumed run"] += status != 0
    if status == 0:
        counts["WRONG end of a run"] += state_of(run) != wanted
        counts["WRONG left behind"] += bool(list(run.rglob(".*.partial")))
    shutil.rmtree(run, ignore_errors=True)


def evaluations(
    run: Path, rng: random.Random, counts: collections.Counter[str], rounds: int
) -> None:
    """Kill evaluations, after which the previous result must be unchanged."""
    assert killed_after(lambda: measure(run), 600) == 0
    before = (run / "figure.json").read_bytes()
    for _ in range(rounds):
        status = killed_after(lambda: measure(run), rng.uniform(0.0, 0.4))
        counts["kills"] += status is None
        counts["kills of evaluate"] += status is None
        counts["WRONG figure"] += (run / "figure.json").read_bytes() != before


def compilations(
    folder: Path,
    rng: random.Random,
    counts: collections.Counter[str],
    rounds: int,
    most: float,
) -> None:
    """Kill compilations, after which each file must be complete or absent.

    A kill is within `most` seconds, a fraction of the duration of a compilation on this machine.
    """
    out = folder / f"code{counts['runs']}"
    counts["WRONG generated file"] += 0  # reported also if no file was written
    for _ in range(rounds):
        status = killed_after(lambda: compile_specs(out), rng.uniform(0.0, most))
        counts["kills"] += status is None
        counts["kills of compile"] += status is None
        for path in out.rglob("*.py"):
            right = ROOT / "generated" / path.relative_to(out)
            if not path.name.startswith("."):
                counts["WRONG generated file"] += path.read_text() != right.read_text()
    shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    main()
