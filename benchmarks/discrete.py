"""The ratio of the step times of VIMCO and of score gradients in Pyro, both with ten particles.

    python -m benchmarks.discrete --rounds 10

A sigmoid belief network of two layers of 200 on 784 pixels, batch 24. Pyro has no VIMCO; its
TraceGraph_ELBO draws its particles in a loop.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from specc.engine import device

device.prepare()

import torch  # noqa: E402 - after prepare(), which must come first
from torch import Tensor, nn  # noqa: E402

from benchmarks.peers import Step  # noqa: E402

SPEC = """
specc: 1
name: bench
data: {source: mnist, fields: {x: {from: image, binarize: threshold}}}
model:
  top: {parameter: real, shape: [200], init: zeros}
  h2: {latent: bernoulli, logits: top}
  h1: {latent: bernoulli, logits: down2(h2), shape: [200]}
  x: {observed: bernoulli, logits: down1(h1)}
guide:
  h1: {latent: bernoulli, logits: up1(x)}
  h2: {latent: bernoulli, logits: up2(h1)}
links: {down1: linear, down2: linear, up1: linear, up2: linear}
objective: {vimco: {particles: 10}}
"""


def in_specc() -> Step:
    """The generated code with fused Adam, as in the engine."""
    from specc.compiler import compile
    from specc.diagnostics.source import Source
    from specc.engine.schedule.scalars import final_scalars
    from specc.runtime.noise import Noise
    from specc.runtime.program import load

    result, checked = compile(Source("bench.yaml", SPEC))
    assert result is not None, checked.diagnostics
    folder = Path(tempfile.mkdtemp()) / "bench"
    folder.mkdir()
    for name, content in result.files.items():
        (folder / name).write_text(content, encoding="utf-8")
    program = load(folder)
    scalars = final_scalars(program.manifest.losses[0], 60000)
    optimizer = torch.optim.Adam(program.parameters(), lr=1e-3, fused=True)
    count = 0

    def step(x: Tensor) -> Tensor:
        nonlocal count
        count += 1
        loss, *_ = program.loss("loss", {}, {"x": x}, Noise.at(0, count), scalars)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    return step


def in_pyro() -> Step:
    """TraceGraph_ELBO with ten particles."""
    import pyro
    import pyro.distributions as dist
    from pyro.infer import SVI, TraceGraph_ELBO
    from pyro.optim import Adam

    layers = nn.ModuleDict(
        {
            "down2": nn.Linear(200, 200),
            "down1": nn.Linear(200, 784),
            "up1": nn.Linear(784, 200),
            "up2": nn.Linear(200, 200),
        }
    )

    def model(x: Tensor) -> None:
        pyro.module("layers", layers)
        top = pyro.param("top", torch.zeros(200))
        with pyro.plate("rows", x.shape[0]):
            logits = top.expand(x.shape[0], 200)
            h2 = pyro.sample("h2", dist.Bernoulli(logits=logits).to_event(1))
            h1 = pyro.sample("h1", dist.Bernoulli(logits=layers["down2"](h2)).to_event(1))
            pyro.sample("x", dist.Bernoulli(logits=layers["down1"](h1)).to_event(1), obs=x)

    def guide(x: Tensor) -> None:
        pyro.module("layers", layers)
        with pyro.plate("rows", x.shape[0]):
            h1 = pyro.sample("h1", dist.Bernoulli(logits=layers["up1"](x)).to_event(1))
            pyro.sample("h2", dist.Bernoulli(logits=layers["up2"](h1)).to_event(1))

    pyro.clear_param_store()
    return SVI(model, guide, Adam({"lr": 1e-3}), TraceGraph_ELBO(num_particles=10)).step


def main() -> None:
    """Print the median, the minimum and the maximum of the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    x = (torch.rand(24, 784) > 0.8).float()
    made = {"specc": in_specc(), "Pyro": in_pyro()}
    seconds: dict[str, list[float]] = {name: [] for name in made}
    for step in made.values():
        step(x)
    for _ in range(chosen.rounds):
        for name, step in made.items():
            began = time.perf_counter()
            for _ in range(chosen.steps):
                step(x)
            seconds[name].append((time.perf_counter() - began) / chosen.steps)
    ratios = [a / b for a, b in zip(seconds["specc"], seconds["Pyro"], strict=True)]
    own = statistics.median(seconds["specc"]) * 1e3
    middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
    print(f"VIMCO K=10: {own:.2f} ms a step, {middle:.3f} ({low:.3f} to {high:.3f}) of Pyro")


if __name__ == "__main__":
    main()
