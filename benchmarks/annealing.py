"""Log Z of binary machines: its time against hand-written PyTorch, and its error against the truth.

    python -m benchmarks.annealing time --threads 1 --rounds 10
    python -m benchmarks.annealing truth --data DATA/binarized_mnist/binarized_mnist.npz

`time` compares 100 chains of a 784-500 machine at a few of 10,000 temperatures, in rounds that all
contenders share; ratios of processor times are computed within a round, so use one thread. `truth`
compares 784-20 machines, of random weights and trained by contrastive divergence, with the sum over
all 2^20 states.

The contenders by hand are float32 and eager: `plain` evaluates the free energy at both temperatures
and then the conditionals, as the formulas are written; `shared` computes each product once.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from specc.engine import device

device.prepare()

import numpy as np  # noqa: E402
import torch  # noqa: E402 - after prepare(), which must come first
from torch import Tensor, nn  # noqa: E402
from torch.nn.functional import softplus  # noqa: E402

from specc.evaluate.energies import annealing  # noqa: E402
from specc.evaluate.energies.log_z import Annealing, annealed_log_z, exact_log_z  # noqa: E402
from specc.evaluate.energies.model import EnergyModel  # noqa: E402
from specc.evaluate.energies.path import Path as Annealed  # noqa: E402
from specc.evaluate.energies.path import base_of, largest_block, neutral_base  # noqa: E402
from specc.runtime.energies import Energy, Unit  # noqa: E402
from specc.runtime.noise import Noise  # noqa: E402

CHAINS = 100
Contender = Callable[[int], Tensor]
"""A function from a number of temperatures to the log-weights of the chains."""


class Machine(nn.Module):
    """E(v, h) = -v W h - a v - b h with the methods of generated code."""

    def __init__(self, visible: int, hidden: int, scale: float) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.w = nn.Parameter(scale * torch.randn(visible, hidden, generator=generator))
        self.a = nn.Parameter(0.1 * torch.randn(visible, generator=generator))
        self.b = nn.Parameter(0.1 * torch.randn(hidden, generator=generator))
        unit = ("bernoulli", ("logits",))
        units = {
            "v": Unit("observed", unit[0], (visible,), "v_given_h", ("h",), unit[1]),
            "h": Unit("latent", unit[0], (hidden,), "h_given_v", ("v",), unit[1]),
        }
        self.declared = Energy(("v", "h"), ("v",), units, (("h",), ("v",)))

    def energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E: [rows]."""
        return -((v @ self.w) * h).sum(1) - v @ self.a - h @ self.b

    def free_energy(self, v: Tensor) -> Tensor:
        """F: [rows]."""
        return -v @ self.a - softplus(self.h_given_v(v)).sum(1)

    def h_given_v(self, v: Tensor) -> Tensor:
        """The logits of h."""
        return v @ self.w + self.b

    def v_given_h(self, h: Tensor) -> Tensor:
        """The logits of v."""
        return h @ self.w.T + self.a


def inner(temperatures: int) -> list[float]:
    """A few of 10,000 temperatures, in the middle, with the distance that all of them have."""
    return [0.5 + k / 10_000 for k in range(temperatures + 1)]


def plain(machine: Machine) -> Contender:
    """The formulas as they are written, with torch.bernoulli."""
    w, a, b = machine.w, machine.a, machine.b
    base = torch.zeros_like(a)

    def log_density(v: Tensor, beta: float) -> Tensor:
        return v @ ((1 - beta) * base + beta * a) + softplus(beta * (v @ w + b)).sum(1)

    def run(temperatures: int) -> Tensor:
        v = torch.bernoulli(torch.sigmoid(base).expand(CHAINS, -1))
        log_w = torch.zeros(CHAINS)
        for before, beta in pairwise(inner(temperatures)):
            log_w += log_density(v, beta) - log_density(v, before)
            h = torch.bernoulli(torch.sigmoid(beta * (v @ w + b)))
            v = torch.bernoulli(torch.sigmoid((1 - beta) * base + beta * (h @ w.T + a)))
        return log_w + softplus(base).sum() + len(b) * np.log(2)

    return run


def shared(machine: Machine, uniform: bool) -> Contender:
    """One product in each direction for a temperature."""
    w, a, b = machine.w, machine.a, machine.b
    base = torch.zeros_like(a)

    def draw(logits: Tensor) -> Tensor:
        p = torch.sigmoid(logits)
        return (torch.rand(p.shape) < p).float() if uniform else torch.bernoulli(p)

    def run(temperatures: int) -> Tensor:
        v = draw(base.expand(CHAINS, -1))
        log_w = torch.zeros(CHAINS)
        x = v @ w + b
        for before, beta in pairwise(inner(temperatures)):
            log_w += (beta - before) * (v @ (a - base))
            log_w += softplus(beta * x).sum(1) - softplus(before * x).sum(1)
            v = draw((1 - beta) * base + beta * (draw(beta * x) @ w.T + a))
            x = v @ w + b
        return log_w + softplus(base).sum() + len(b) * np.log(2)

    return run


def in_specc(machine: Machine) -> Contender:
    """The forward pass of `specc.evaluate.energies`."""
    model = EnergyModel.of(machine, machine.declared)
    path = Annealed(model, neutral_base(model), largest_block(model))

    def run(temperatures: int) -> Tensor:
        noise = Noise.at(1)
        betas = inner(temperatures)
        return annealing.forward(path, CHAINS, betas, noise).log_weights

    return run


def products(machine: Machine) -> Contender:
    """The matrix products alone, which no contender can omit."""
    w = machine.w

    def run(temperatures: int) -> Tensor:
        v = torch.ones(CHAINS, len(machine.a))
        for _ in range(temperatures):
            v @ w
            torch.ones(CHAINS, len(machine.b)) @ w.T
        return v

    return run


@torch.inference_mode()
def measure_time(rounds: int, temperatures: int) -> None:
    """Print the time of each contender and the ratios to specc within rounds."""
    machine = Machine(784, 500, 0.05)
    contenders = {
        "specc": in_specc(machine),
        "plain": plain(machine),
        "shared, torch.bernoulli": shared(machine, False),
        "shared, uniform numbers": shared(machine, True),
        "products": products(machine),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            began = time.process_time()
            found = run(temperatures)
            if number:
                seconds[name].append((time.process_time() - began) / temperatures)
            elif name != "products":
                shown = annealing.log_mean(found.double()).value
                print(f"{name}: log of the mean weight {shown:.3f}")
    for name, own in seconds.items():
        ratios = [a / b for a, b in zip(seconds["specc"], own, strict=True)]
        print(
            f"{name}: {1e3 * statistics.median(own):.3f} ms a temperature; specc takes "
            f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}) of it"
        )


@torch.inference_mode()
def train(machine: Machine, x: Tensor, epochs: int, rate: float = 0.05) -> None:
    """Contrastive divergence with one step, by hand: Hinton (2002)."""
    generator = torch.Generator().manual_seed(2)
    mean = x.mean(0).clamp(1e-3, 1 - 1e-3)
    machine.a.copy_(mean.logit())
    for _ in range(epochs):
        for index in torch.randperm(len(x), generator=generator).split(100):
            v = x[index]
            ph = torch.sigmoid(machine.h_given_v(v))
            h = (torch.rand(ph.shape, generator=generator) < ph).float()
            pv = torch.sigmoid(machine.v_given_h(h))
            u = (torch.rand(pv.shape, generator=generator) < pv).float()
            pu = torch.sigmoid(machine.h_given_v(u))
            step = rate / len(v)
            machine.w += step * (v.T @ ph - u.T @ pu)
            machine.a += step * (v - u).sum(0)
            machine.b += step * (ph - pu).sum(0)


def compare(name: str, machine: Machine, rows: Tensor | None, options: Annealing) -> None:
    """Print log Z by enumeration and by both directions."""
    model = EnergyModel.of(machine, machine.declared)
    began = time.perf_counter()
    exact = exact_log_z(model).value
    print(f"{name}: exact {exact:.4f} ({time.perf_counter() - began:.1f} s)")
    if rows is not None:
        with torch.inference_mode():
            log_p = -machine.free_energy(rows).double() - exact
        print(f"    log p of {len(rows)} held-out rows {log_p.mean():.3f}")
    bases = {"neutral base": neutral_base(model)}
    if rows is not None:
        bases["base of the data"] = base_of(model, {"v": rows})
    for which, base in bases.items():
        began = time.perf_counter()
        found = annealed_log_z(model, base, options)
        assert found.forward is not None and found.backward is not None
        for way, own in (("forward", found.forward), ("backward", found.backward)):
            z = (own.value - exact) / own.standard_error
            print(
                f"    {which}, {way}: {own.value:.4f} +- {own.standard_error:.4f}, "
                f"{z:+.2f} standard errors, effective {own.effective:.1f} of {options.chains}"
            )
        print(f"    {time.perf_counter() - began:.1f} s")


def measure_truth(data: Path | None, options: Annealing, epochs: int) -> None:
    """Compare with enumeration: random weights, and weights trained on binarized MNIST."""
    for scale in (0.05, 0.2, 0.5):
        compare(f"784-20, weights N(0, {scale}^2)", Machine(784, 20, scale), None, options)
    if data is None:
        return
    found = np.load(data)
    train_rows, test_rows = (
        torch.from_numpy(found[part].reshape(-1, 784)).float() for part in ("train", "test")
    )
    machine = Machine(784, 20, 0.01)
    train(machine, train_rows, epochs)
    compare(f"784-20, CD-1, {epochs} epochs", machine, test_rows, options)


def main() -> None:
    """Measure the time or the truth."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["time", "truth"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--temperatures", type=int, default=None)
    parser.add_argument("--chains", type=int, default=CHAINS)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    if chosen.what == "time":
        measure_time(chosen.rounds, chosen.temperatures or 100)
    else:
        count = chosen.temperatures or 10_000
        options = Annealing(chosen.chains, count, "both")
        measure_truth(chosen.data, options, chosen.epochs)


if __name__ == "__main__":
    main()
