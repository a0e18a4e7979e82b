"""Ratios of the step times of specc and of hand-written PyTorch, Pyro and NumPyro.

    python -m benchmarks.step --rounds 20 --threads 1

Each round times a few steps of all contenders in turn on the same batches. Ratios are computed
within a round, so that they do not depend on changes of the speed of the machine; their median,
minimum and maximum over rounds are printed. Denormal numbers are flushed to zero for all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from specc.engine import device

device.prepare()

from typing import TYPE_CHECKING  # noqa: E402

import torch  # noqa: E402 - after prepare(), which must come first

from benchmarks.peers import Step, by_hand, in_numpyro, in_pyro  # noqa: E402

if TYPE_CHECKING:
    from specc.runtime.program import Program

SPEC = """
specc: 1
name: bench
data: {{source: mnist, fields: {{x: {{from: image, shape: [{data}], binarize: threshold}}}}}}
model:
  z: {{latent: normal, loc: 0, scale: 1, shape: [{latent}]}}
  x: {{observed: bernoulli, logits: decoder(z)}}
guide:
  z: {{latent: normal, params: encoder(x)}}
links:
  decoder: {{mlp: [{hidden}, {hidden}], activation: relu}}
  encoder: {{mlp: [{hidden}, {hidden}], activation: relu}}
objective: {objective}
"""

CASES = {
    "VAE 784-500-500-40, batch 128": (784, 500, 40, 1, 128),
    "VAE 784-500-500-40, batch 512": (784, 500, 40, 1, 512),
    "IWAE K=50 784-200-200-50, batch 20": (784, 200, 50, 50, 20),
    "tiny VAE 8-16-16-2, batch 128": (8, 16, 2, 1, 128),
}

Case = tuple[int, int, int, int, int]
Contender = Callable[[list[torch.Tensor]], object]
"""A function that makes one step for each of the batches."""


def each(step: Step) -> Contender:
    """The contender that calls a step for each batch."""
    return lambda batches: [step(x) for x in batches]


def program_of(data: int, hidden: int, latent: int, particles: int) -> Program:
    """The generated code of a case."""
    objective = "elbo" if particles == 1 else f"{{iwae: {{particles: {particles}}}}}"
    text = SPEC.format(data=data, hidden=hidden, latent=latent, objective=objective)
    return program_of_text(text)


def program_of_text(text: str) -> Program:
    """The generated code of a spec."""
    from specc.compiler import compile
    from specc.diagnostics.source import Source
    from specc.runtime.program import load

    result, checked = compile(Source("bench.yaml", text))
    assert result is not None, checked.diagnostics
    folder = Path(tempfile.mkdtemp()) / "bench"
    folder.mkdir()
    for name, content in result.files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return load(folder)


def in_specc(data: int, hidden: int, latent: int, particles: int) -> Step:
    """The generated code under the optimizer that the engine chooses."""
    from specc.engine.schedule.scalars import final_scalars
    from specc.runtime.noise import Noise

    program = program_of(data, hidden, latent, particles)
    scalars = final_scalars(program.manifest.losses[0], 60000)
    optimizer = torch.optim.Adam(program.parameters(), lr=1e-3, fused=True)
    count = 0

    def step(x: torch.Tensor) -> torch.Tensor:
        nonlocal count
        count += 1
        loss, *_ = program.loss("loss", {}, {"x": x}, Noise.at(0, count), scalars)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    return step


def in_specc_compiled(
    data: int,
    hidden: int,
    latent: int,
    particles: int,
    within: AbstractContextManager[object] | None = None,
) -> Step:
    """The compiled step of the engine for a case."""
    return compiled_step(program_of(data, hidden, latent, particles), within)


def compiled_step(program: Program, within: AbstractContextManager[object] | None = None) -> Step:
    """The compiled step of the engine, with draws, update and the check for finite numbers."""
    from specc.engine.compile.compiled_update import CompiledUpdate
    from specc.engine.schedule.scalars import final_scalars
    from specc.engine.settings import settings_of
    from specc.engine.step.player import players_of
    from specc.runtime.noise import Noise

    settings = settings_of({"optimizer": {"adam": {"lr": 1e-3}}, "batch_size": 1, "epochs": 1})
    (player,) = players_of(program, settings, torch.device("cpu"))
    scalars = final_scalars(player.loss, 60000)
    made: list[CompiledUpdate] = []
    count = 0

    def step(x: torch.Tensor) -> object:
        nonlocal count
        count += 1
        batch, noise = {"x": x}, Noise.at(0, count)
        if not made:
            made.append(CompiledUpdate(program, player, {}, batch, noise, scalars, within))
        return made[0](batch, noise, scalars)

    return step


def in_specc_fast(data: int, hidden: int, latent: int, particles: int) -> Step:
    """The compiled step with `precision: fast`."""
    from specc.engine.step.matmul_precision import matmul_precision

    within = matmul_precision("fast", torch.device("cpu"))
    return in_specc_compiled(data, hidden, latent, particles, within)


def floor(data: int, hidden: int, latent: int, particles: int, batch: int) -> Contender:
    """The matrix products of a step alone, a lower bound of the time of all contenders."""
    wide = batch * particles
    layers = [(batch, data, hidden), (batch, hidden, hidden), (batch, hidden, 2 * latent)]
    layers += [(wide, latent, hidden), (wide, hidden, hidden), (wide, hidden, data)]
    made = [
        (torch.randn(rows, size), torch.randn(size, out), torch.randn(rows, out))
        for rows, size, out in layers
    ]
    results = [(torch.empty_like(y), torch.empty_like(w), torch.empty_like(x)) for x, w, y in made]

    def step(batches: list[torch.Tensor]) -> None:
        for _ in batches:
            for number, ((x, w, dy), (y, dw, dx)) in enumerate(zip(made, results, strict=True)):
                torch.mm(x, w, out=y)
                torch.mm(x.mT, dy, out=dw)
                if number:  # no gradient of the data
                    torch.mm(dy, w.mT, out=dx)

    return step


def contenders(case: Case, peers: list[str]) -> dict[str, Contender]:
    """All contenders by name, after their set-up."""
    *sizes, batch = case
    data, hidden, latent, particles = sizes
    own = {"specc": in_specc, "specc compiled": in_specc_compiled, "specc fast": in_specc_fast}
    made = {name: each(make(data, hidden, latent, particles)) for name, make in own.items()}
    made["products"] = floor(data, hidden, latent, particles, batch)
    if "by hand" in peers:
        made["by hand"] = each(by_hand(data, hidden, latent, particles))
    if "Pyro" in peers:
        made["Pyro"] = each(in_pyro(data, hidden, latent, particles))
    if "NumPyro scan" in peers and particles == 1:
        made["NumPyro scan"] = in_numpyro(data, hidden, latent)
    return made


def measure(case: Case, rounds: int, steps: int, peers: list[str]) -> dict[str, list[float]]:
    """The seconds per step of each contender, one number for each round."""
    made = contenders(case, peers)
    batches = [(torch.rand(case[-1], case[0]) > 0.8).float() for _ in range(steps)]
    for run in made.values():
        run(batches)
    found: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, run in made.items():
            began = time.perf_counter()
            run(batches)
            found[name].append((time.perf_counter() - began) / steps)
    return found


def ratio(seconds: dict[str, list[float]], one: str, other: str) -> tuple[float, float, float]:
    """The median, minimum and maximum of the ratio over rounds."""
    each_round = [a / b for a, b in zip(seconds[one], seconds[other], strict=True)]
    return statistics.median(each_round), min(each_round), max(each_round)


def main() -> None:
    """Print a table or JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--case", default="", help="a word in the names of the cases to run")
    parser.add_argument("--peers", default="by hand,Pyro,NumPyro scan")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    answer = {}
    for name, case in CASES.items():
        if chosen.case not in name:
            continue
        seconds = measure(case, chosen.rounds, chosen.steps, chosen.peers.split(","))
        print(f"{name}, {chosen.threads} thread(s)")
        answer[name] = {"seconds": seconds}
        for mine in ("specc", "specc compiled", "specc fast"):
            others = [peer for peer in seconds if peer not in (mine, "specc", "specc fast")]
            found = {peer: ratio(seconds, mine, peer) for peer in others}
            own = statistics.median(seconds[mine]) * 1e3
            print(f"    {mine}: {own:.3f} ms a step")
            for peer, (middle, least, most) in found.items():
                print(f"        {middle:.3f} ({least:.3f} to {most:.3f}) of {peer}", flush=True)
            answer[name][mine] = found
    if chosen.json:
        chosen.json.write_text(json.dumps(answer, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
