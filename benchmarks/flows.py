"""Ratios of the times of flows in specc and in the library zuko: log-densities with gradients.

    python -m benchmarks.flows --rounds 15 --threads 1

Each round times all contenders in turn on the same batches. Ratios are computed within a round;
their median, minimum and maximum over rounds are printed. Both libraries have the same transforms
with networks of the same sizes; a step is log_prob of a batch and its gradient in all parameters.
With `--train-step` it is a training step: the compiled step of the engine, and for zuko log_prob,
its gradient and the fused Adam of torch.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.step import compiled_step, program_of_text, ratio
from specc.catalog.registry import BIJECTIONS
from tests.laws.instantiate import module

HIDDEN = (128, 128)
Density = Callable[[Tensor], Tensor]

CASES = {
    "realnvp, 8 layers, D = 2": ("realnvp", {"layers": 8}, 2),
    "realnvp, 8 layers, D = 16": ("realnvp", {"layers": 8}, 16),
    "nsf couplings, 5 layers, 8 bins, D = 2": ("nsf", {"layers": 5}, 2),
    "nsf autoregressive, 5 layers, 8 bins, D = 16": (
        "nsf",
        {"layers": 5, "autoregressive": True},
        16,
    ),
    "maf, 5 layers, D = 16": ("maf", {"layers": 5}, 16),
}


def in_specc(kind: str, options: dict[str, object], size: int) -> tuple[nn.Module, Density]:
    """A bijection of the catalog with a standard normal base."""
    entry = BIJECTIONS[kind]
    given = entry.Options.model_validate({kind: {"hidden": list(HIDDEN), **options}})
    (layer,) = entry.lower(given, (size,), 0).layers
    flow = module(layer)
    assert isinstance(flow, nn.Module)

    def log_prob(x: Tensor) -> Tensor:
        u, log_det = flow.inverse(x)
        return torch.distributions.Normal(0.0, 1.0).log_prob(u).sum(-1) + log_det

    return flow, log_prob


def in_zuko(kind: str, options: dict[str, object], size: int) -> tuple[nn.Module, Density]:
    """The same flow in zuko."""
    import zuko

    layers = options["layers"]
    if kind == "realnvp":
        flow = zuko.flows.RealNVP(size, transforms=layers, hidden_features=HIDDEN)
    elif kind == "maf":
        flow = zuko.flows.MAF(size, transforms=layers, hidden_features=HIDDEN)
    else:
        passes = None if options.get("autoregressive") else 2
        flow = zuko.flows.NSF(
            size, bins=8, transforms=layers, hidden_features=HIDDEN, passes=passes
        )
    return flow, lambda x: flow().log_prob(x)


def stepping(made: tuple[nn.Module, Density], compiled: bool) -> Callable[[Tensor], None]:
    """A step that computes the mean log-density and its gradient."""
    flow, log_prob = made
    density = torch.compile(log_prob, dynamic=False) if compiled else log_prob

    def step(x: Tensor) -> None:
        flow.zero_grad(set_to_none=True)
        (-density(x).mean()).backward()

    return step


SPEC = """
specc: 1
name: flow
data: {{source: npz, path: d.npz, fields: {{x: {{from: x, shape: [{size}]}}}}}}
model:
  x: {{observed: normal, loc: 0, scale: 1, through: f}}
links:
  f: {{{kind}: {options}}}
objective: mle
"""


def train_step_in_specc(
    kind: str, options: dict[str, object], size: int
) -> Callable[[Tensor], None]:
    """The engine's compiled training step of the generated code."""
    given = json.dumps({"hidden": list(HIDDEN), **options})
    return compiled_step(program_of_text(SPEC.format(size=size, kind=kind, options=given)))


def train_step_in_zuko(
    kind: str, options: dict[str, object], size: int
) -> Callable[[Tensor], None]:
    """The mean log-density, its gradient and an update."""
    flow, log_prob = in_zuko(kind, options, size)
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3, fused=True)

    def step(x: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        (-log_prob(x).mean()).backward()
        optimizer.step()

    return step


def contenders_of(
    kind: str, options: dict[str, object], size: int, compiled: bool, train_step: bool
) -> dict[str, Callable[[Tensor], None]]:
    """All contenders of a case by name."""
    if train_step:
        steps = {"specc": train_step_in_specc, "zuko": train_step_in_zuko}
        return {name: make(kind, options, size) for name, make in steps.items()}
    makers = {"specc": in_specc, "zuko": in_zuko}
    found = {n: stepping(make(kind, options, size), False) for n, make in makers.items()}
    if compiled:
        for name, make in makers.items():
            found[f"{name} compiled"] = stepping(make(kind, options, size), True)
    return found


def measure(
    contenders: dict[str, Callable[[Tensor], None]], x: Tensor, rounds: int, steps: int
) -> dict[str, list[float]]:
    """The seconds per step of each contender, one number for each round."""
    for step in contenders.values():
        for _ in range(3):
            step(x)
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, step in contenders.items():
            began = time.perf_counter()
            for _ in range(steps):
                step(x)
            found[name].append((time.perf_counter() - began) / steps)
    return found


def main() -> None:
    """Print a table of the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--case", default="", help="a word in the names of the cases to run")
    parser.add_argument("--compiled", action="store_true", help="also under torch.compile")
    parser.add_argument("--train-step", action="store_true", help="time training steps")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    for name, (kind, options, size) in CASES.items():
        if chosen.case not in name:
            continue
        contenders = contenders_of(kind, options, size, chosen.compiled, chosen.train_step)
        seconds = measure(contenders, torch.randn(chosen.batch, size), chosen.rounds, chosen.steps)
        print(f"{name}, batch {chosen.batch}, {chosen.threads} thread(s)")
        for mine in [n for n in seconds if n.startswith("specc")]:
            peer = mine.replace("specc", "zuko")
            middle, least, most = ratio(seconds, mine, peer)
            print(f"    {middle:.2f} ({least:.2f} to {most:.2f}) of {peer}", end="; ")
            print(f"{1e3 * min(seconds[mine]):.2f} ms", flush=True)
        torch._dynamo.reset()


if __name__ == "__main__":
    main()
