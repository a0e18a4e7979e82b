"""How the time and the memory of a training step grow, as one picture.

    python -m benchmarks.growth [--rounds 5] [--out docs/pictures/growth.png] [batch particles ...]

Each size is varied alone, from the model below with the sizes in `BASE`. Every point is a process
of its own, which compiles the spec, makes the engine's eager step on one thread, and prints the
least time of a step and how much its memory grows at its peak. The points of a round are measured
in turn, and each time is divided by that of the smallest point of the round, so that a change of
the speed of the machine cancels. The exponent between the two largest sizes is printed, too: 1
means proportional.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from specc.engine import device

device.prepare()

import numpy as np  # noqa: E402 - after prepare(), which must come first
import torch  # noqa: E402

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from specc.engine.step.step import Step

Sizes = dict[str, int]
BASE = {"batch": 100, "particles": 1, "latents": 10, "steps": 0, "nodes": 1, "rows": 1000}
SIZES = {
    "batch": (25, 100, 400, 1600),
    "particles": (1, 4, 16, 64),
    "latents": (8, 32, 128, 512),
    "steps": (4, 8, 16, 32, 64),
    "nodes": (1, 4, 16, 64),
    "rows": (1_000, 10_000, 100_000, 1_000_000),
}
INPUTS = 64
HEAD = """
specc: 1
name: growth
data: {{source: npz, path: rows.npz, fields: {{x: {{shape: [{shape}]}}}}}}
"""
TRAIN = (
    "train: {{batch_size: {batch}, epochs: 1, optimizer: {{adam: {{lr: 0.001}}}}, compile: off}}"
)


def rows(particles: int, latents: int, nodes: int) -> str:
    """A chain of latents between two networks, with a bound of `particles` samples."""
    model = [f"  z_0: {{latent: normal, loc: 0, scale: 1, shape: [{latents}]}}"]
    guide = ["  z_0: {latent: normal, params: enc(x)}"]
    for i in range(1, nodes):
        model.append(
            f"  z_{i}: {{latent: normal, loc: next(z_{i - 1}), scale: 1, shape: [{latents}]}}"
        )
        guide.append(f"  z_{i}: {{latent: normal, params: then(z_{i - 1})}}")
    model.append(f"  x: {{observed: normal, loc: dec(z_{nodes - 1}), scale: 1, shape: [{INPUTS}]}}")
    links = ["  dec: {mlp: [200]}", "  enc: {mlp: [200]}"]
    links += ["  next: {mlp: [20]}", "  then: {mlp: [20]}"] if nodes > 1 else []
    bound = "elbo" if particles == 1 else f"{{iwae: {{particles: {particles}}}}}"
    lines = ["model:", *model, "guide:", *guide, "links:", *links, f"objective: {bound}"]
    return "\n".join(lines)


SEQUENCE = """plates: {{t: {{scan: {steps}}}}}
model:
  z:
    latent: normal
    params: transition(z[t-1])
    initial: 0
    shape: [{latents}]
    plate: t
  x: {{observed: normal, loc: emit(z), scale: 1, plate: t}}
guide:
  z:
    latent: normal
    params: "combine(z[t-1], x)"
    initial: 0
    plate: t
links:
  transition: {{mlp: [50]}}
  emit: {{mlp: [50]}}
  combine: {{mlp: [50]}}
objective: elbo"""


def spec(sizes: Sizes) -> str:
    """The text of the spec with these sizes."""
    if sizes["steps"]:
        shape = f"{sizes['steps']}, 2"
        body = SEQUENCE.format(steps=sizes["steps"], latents=sizes["latents"])
    else:
        shape = str(INPUTS)
        body = rows(sizes["particles"], sizes["latents"], sizes["nodes"])
    return HEAD.format(shape=shape) + body + "\n" + TRAIN.format(batch=sizes["batch"]) + "\n"


def step_of(sizes: Sizes, folder: Path) -> Step:
    """The engine's step of the spec with these sizes, on normal numbers."""
    event = (sizes["steps"], 2) if sizes["steps"] else (INPUTS,)
    values = np.random.default_rng(0).standard_normal((sizes["rows"], *event), dtype=np.float32)
    np.savez(folder / "rows.npz", x=values)
    del values
    return step_of_text(spec(sizes), folder)


def step_of_text(text: str, folder: Path) -> Step:
    """The engine's step of a spec, whose data and code are in a folder."""
    from specc.compiler import compile
    from specc.data.load import load
    from specc.diagnostics.source import Source
    from specc.engine.settings import settings_of
    from specc.engine.step.player import players_of
    from specc.engine.step.step import Step
    from specc.engine.storage.loaded_run import fresh
    from specc.runtime import manifest as manifests

    result, checked = compile(Source("model.yaml", text))
    assert result is not None, checked.diagnostics
    assert checked.plan is not None
    code = Path(tempfile.mkdtemp(dir=folder)) / checked.plan.experiment.name
    code.mkdir()
    for name, content in result.files.items():
        (code / name).write_text(content, encoding="utf-8")
    found = manifests.read(code)
    settings, cpu = settings_of(found.train), torch.device("cpu")
    program = fresh(code, settings, cpu)
    assert found.data is not None
    part = load(found.data, folder, settings.dtype).part("train")
    return Step(program, players_of(program, settings, cpu), part, settings, cpu)


def point(sizes: Sizes) -> dict[str, float]:
    """The least seconds of a step, and the growth of the peak memory in bytes."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        seconds_of(BASE, Path(first))  # what is imported is no part of the growth
        before = peak()
        seconds = seconds_of(sizes, Path(second))
    return {"seconds": seconds, "bytes": peak() - before}


def seconds_of(sizes: Sizes, folder: Path) -> float:
    """The least seconds of a step."""
    step = step_of(sizes, folder)
    index = torch.arange(sizes["batch"])
    found: list[float] = []
    while len(found) < 5 or (len(found) < 20 and sum(found) < 2):
        began = time.perf_counter()
        step(0, len(found), index).values.sum().item()
        found.append(time.perf_counter() - began)
    return min(found)


def peak() -> int:
    """The largest resident memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_a_process(sizes: Sizes) -> dict[str, float]:
    """`point` in a process of its own, on one thread."""
    command = [sys.executable, "-m", "benchmarks.growth", "--point", json.dumps(sizes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, float] = json.loads(out.stdout)
    return found


def measure(name: str, rounds: int) -> tuple[list[float], list[float], float]:
    """The time by size relative to the smallest, the memory in bytes, and the smallest's seconds.

    The first two are medians over rounds.
    """
    base = {**BASE, "rows": 2000} if name == "batch" else BASE
    times, memory, smallest = [], [], []
    for _ in range(rounds):
        found = [in_a_process({**base, name: size}) for size in SIZES[name]]
        times.append([each["seconds"] / found[0]["seconds"] for each in found])
        memory.append([each["bytes"] for each in found])
        smallest.append(found[0]["seconds"])
    middle = [statistics.median(column) for column in zip(*times, strict=True)]
    return middle, [statistics.median(c) for c in zip(*memory, strict=True)], min(smallest)


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The slope between the two largest sizes on logarithmic axes; 0 if nothing is measured."""
    return math.log(max(values[-1], 1e-9) / max(values[-2], 1e-9)) / math.log(sizes[-1] / sizes[-2])


def draw(found: dict[str, tuple[list[float], list[float], float]], path: Path) -> None:
    """One panel a size: the time relative to the smallest, and the memory in MB."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    panels: list[Axes] = list(figure.subplots(2, 3).flat)
    for axes, (name, (times, memory, _)) in zip(panels, found.items(), strict=False):
        sizes = SIZES[name]
        axes.loglog(sizes, times, "o-", color="#1f5fa8", label="time of a step, relative")
        axes.loglog(
            sizes, [each / sizes[0] for each in sizes], ":", color="#999999", label="proportional"
        )
        axes.set_xlabel(name)
        other = axes.twinx()
        measured = [
            (size, each / 1e6) for size, each in zip(sizes, memory, strict=True) if each > 5e5
        ]
        other.loglog(*zip(*measured, strict=True), "s--", color="#c05a1c", label="memory, MB")
        other.tick_params(axis="y", colors="#c05a1c")
        for each in (axes, other):
            each.minorticks_off()
            each.set_xticks(sizes, [f"{size:,}" for size in sizes])
    shown = (axis.get_legend_handles_labels() for axis in (panels[0], other))
    handles, labels = (list(chain.from_iterable(each)) for each in zip(*shown, strict=True))
    figure.legend(handles, labels, loc="outside upper left", ncols=3, frameon=False)
    figure.savefig(path, dpi=75)


def main() -> None:
    """Measure, print a table and draw it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SIZES)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/growth.png"))
    parser.add_argument("--point", type=json.loads, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.point:
        print(json.dumps(point(chosen.point)))
        return
    found = {}
    for name in chosen.names or SIZES:
        times, memory, seconds = found[name] = measure(name, chosen.rounds)
        sizes = ", ".join(f"{size:,}" for size in SIZES[name])
        shown = ", ".join(f"{each:.3g}" for each in times)
        used = ", ".join(f"{each / 1e6:.0f}" for each in memory)
        print(f"{name} {sizes}: time {shown} (1 is {seconds * 1e3:.3g} ms), memory {used} MB,")
        slopes = exponent(SIZES[name], times), exponent(SIZES[name], memory)
        print(f"    exponents {slopes[0]:.2f} and {slopes[1]:.2f}", flush=True)
    draw(found, chosen.out)


if __name__ == "__main__":
    main()
