"""Ratios of the step times of specc and of hand-written eager PyTorch, for two GANs.

    python -m benchmarks.adversarial --rounds 15 --threads 1

A step of the Wasserstein GAN with gradient penalty is five updates of the critic and one of the
generator, on points of the plane (networks 2 x 128, batch 256); a step of the DCGAN is one update
of each, on images 28 x 28 (batch 64). Every contender takes its rows from the same tensor, draws
its latents, and updates its networks; those of specc are the steps of the engine. Each round times
a few steps of all contenders in turn, and the ratios are those within a round: their median,
minimum and maximum are printed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

from specc.engine import device

device.prepare()

import torch  # noqa: E402 - after prepare(), which must come first
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from benchmarks.step import program_of_text, ratio  # noqa: E402
from specc.data.load import Rows  # noqa: E402

ROWS = 4096

WGAN_GP = """
specc: 1
name: wgan_gp
data: {source: toy, density: ring, rows: 4096, fields: {x: {from: x}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {let: generator(z), shape: [2]}
links: {generator: {mlp: [128, 128]}, critic: {mlp: [128, 128]}}
objective: {gan: {critic: critic, loss: wasserstein, penalty: {gradient: 0.5}, steps: 5}}
train: {optimizer: {adam: {lr: 0.0002, betas: [0.5, 0.9]}}, batch_size: 256, epochs: 1}
"""

DCGAN = """
specc: 1
name: dcgan
data: {source: mnist, fields: {x: {from: image, shape: [1, 28, 28]}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [64]}
  x: {let: "sigmoid(generator(z))", shape: [1, 28, 28]}
links:
  generator: {deconv: [128, 64], kernel: 4, normalization: batch}
  critic: {conv: [64, 128], kernel: 4, activation: leaky_relu}
objective: {gan: {critic: critic, loss: non_saturating}}
train: {optimizer: {adam: {lr: 0.0002, betas: [0.5, 0.999]}}, batch_size: 64, epochs: 1}
"""

Contender = Callable[[list[Tensor]], object]
"""A function that makes a step on the rows at indices, one index tensor for each update."""


def rows_of(x: Tensor, name: str = "x") -> Rows:
    """A part of the data with the rows of one tensor."""

    class Fixed(Rows):
        @property
        def count(self) -> int:
            return len(x)

        def batch(self, index: Tensor, noise: object) -> dict[str, Tensor]:  # type: ignore[override]
            del noise
            return {name: x[index]}

        def observed_fractions(self, visits: bool = False) -> dict[str, float]:
            del visits
            return {}

    return Fixed("train", {})


def in_specc(text: str, x: Tensor, *, compiled: bool, name: str = "x") -> Contender:
    """The step of the engine."""
    from specc.engine.compile.compile_step import compile_step
    from specc.engine.settings import settings_of
    from specc.engine.step.player import players_of
    from specc.engine.step.step import Step

    program, cpu = program_of_text(text), torch.device("cpu")
    settings = settings_of(program.manifest.train)
    step = Step(program, players_of(program, settings, cpu), rows_of(x, name), settings, cpu)
    if compiled:
        compile_step(step)
    count = 0

    def run(indices: list[Tensor]) -> object:
        nonlocal count
        count += 1
        return step(0, count, *indices)

    return run


def wgan_gp(x: Tensor) -> Contender:
    """A Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, algorithm 1)."""

    def network(outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, outputs)
        )

    generator, critic = network(2), network(1)
    options = {"lr": 2e-4, "betas": (0.5, 0.9)}
    of_generator = torch.optim.Adam(generator.parameters(), **options)
    of_critic = torch.optim.Adam(critic.parameters(), **options)

    def run(indices: list[Tensor]) -> None:
        for index in indices:
            real = x[index]
            with torch.no_grad():
                fake = generator(torch.randn(len(index), 2))
            t = torch.rand(len(index), 1)
            between = (t * real + (1 - t) * fake).requires_grad_()
            (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
            penalty = ((slope.norm(dim=1) - 1) ** 2).mean()
            loss = critic(fake).mean() - critic(real).mean() + 0.5 * penalty
            of_critic.zero_grad()
            loss.backward()
            of_critic.step()
        loss = -critic(generator(torch.randn(len(indices[0]), 2))).mean()
        of_generator.zero_grad()
        loss.backward()
        of_generator.step()

    return run


def dcgan(x: Tensor) -> Contender:
    """A GAN of convolutions (Radford, Metz and Chintala 2016), with the non-saturating loss."""
    generator = nn.Sequential(
        nn.Linear(64, 6272),
        nn.Unflatten(-1, (128, 7, 7)),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1),
        nn.Sigmoid(),
    )
    critic = nn.Sequential(
        nn.Conv2d(1, 64, 4, stride=2, padding=1),
        nn.LeakyReLU(),
        nn.Conv2d(64, 128, 4, stride=2, padding=1),
        nn.LeakyReLU(),
        nn.Flatten(),
        nn.Linear(6272, 1),
    )
    options = {"lr": 2e-4, "betas": (0.5, 0.999)}
    of_generator = torch.optim.Adam(generator.parameters(), **options)
    of_critic = torch.optim.Adam(critic.parameters(), **options)
    bce = functional.binary_cross_entropy_with_logits

    def run(indices: list[Tensor]) -> None:
        real = x[indices[0]]
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        fake = generator(torch.randn(len(real), 64))
        of_critic.zero_grad()
        (bce(critic(real), ones) + bce(critic(fake.detach()), zeros)).backward()
        of_critic.step()
        of_generator.zero_grad()
        bce(critic(fake), ones).backward()
        of_generator.step()

    return run


@dataclass(frozen=True, slots=True)
class Case:
    """A model as a spec and by hand, the shape of its rows, its batch and updates in a step."""

    text: str
    by_hand: Callable[[Tensor], Contender]
    shape: tuple[int, ...]
    batch: int
    updates: int


CASES = {
    "wgan_gp, points of the plane, 2 x 128, batch 256": Case(WGAN_GP, wgan_gp, (2,), 256, 5),
    "dcgan, images 28 x 28, batch 64": Case(DCGAN, dcgan, (1, 28, 28), 64, 1),
}


def measure(case: Case, rounds: int, steps: int) -> dict[str, list[float]]:
    """The seconds per step of each contender, one number for each round."""
    x = torch.rand(ROWS, *case.shape)
    made = {
        "by hand": case.by_hand(x),
        "specc": in_specc(case.text, x, compiled=False),
        "specc compiled": in_specc(case.text, x, compiled=True),
    }
    order = torch.randperm(ROWS)
    starts = [order[at * case.batch : (at + 1) * case.batch] for at in range(ROWS // case.batch)]
    indices = starts[: case.updates]
    for run in made.values():
        run(indices)
        run(indices)
    found: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, run in made.items():
            began = time.perf_counter()
            for _ in range(steps):
                run(indices)
            found[name].append((time.perf_counter() - began) / steps)
    return found


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--case", default="", help="a word in the names of the cases to run")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    for name, case in CASES.items():
        if chosen.case not in name:
            continue
        seconds = measure(case, chosen.rounds, chosen.steps)
        print(f"{name}, {chosen.threads} thread(s)")
        for mine in ("specc", "specc compiled"):
            middle, least, most = ratio(seconds, mine, "by hand")
            own = sorted(seconds[mine])[len(seconds[mine]) // 2] * 1e3
            shown = f"{middle:.3f} ({least:.3f} to {most:.3f}) of by hand"
            print(f"    {mine}: {shown}, {own:.3f} ms a step", flush=True)


if __name__ == "__main__":
    main()
