"""Times of log p of a hidden Markov model and its gradient, by the number of steps.

    python -m benchmarks.sequences --rows 16

Compares the generated code for 16 states and 8 pixels per step, forward and backward, with a plain
loop under autograd and, if they are installed, the parallel scan of Pyro (`DiscreteHMM`) and a
`lax.scan` in JAX with value and gradient in one compiled function. Checks that all compute the same
number, and prints the medians over rounds in milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

STATES, PIXELS = 16, 8
SPEC = """
specc: 1
name: bench
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [%d, 8], binarize: threshold}}}
plates: {t: {scan: %d}}
model:
  table: {parameter: real, shape: [16, 16]}
  light: {parameter: real, shape: [16, 8]}
  z: {latent: categorical, logits: "table[z[t-1]]", initial: 0, classes: 16, plate: t}
  x: {observed: bernoulli, logits: "light[z]", plate: t}
objective: mle
"""

Way = Callable[[], tuple[float, float, float]]
"""A computation: log p, and the seconds forward and backward (0 if both are one call)."""


def timed(log_p: Callable[[], Tensor], weights: list[Tensor]) -> tuple[float, float, float]:
    """The value, and the seconds of the forward and the backward pass."""
    began = time.perf_counter()
    value = log_p().sum()
    middle = time.perf_counter()
    torch.autograd.grad(value, weights)
    return value.item(), middle - began, time.perf_counter() - middle


def in_specc(steps: int, x: Tensor, table: Tensor, light: Tensor) -> Way:
    """The generated code."""
    from specc.compiler import compile
    from specc.diagnostics.source import Source
    from specc.runtime.program import load

    result, checked = compile(Source("bench.yaml", SPEC % (steps, steps)))
    assert result is not None, checked.diagnostics
    folder = Path(tempfile.mkdtemp()) / "bench"
    folder.mkdir()
    for name, content in result.files.items():
        (folder / name).write_text(content, encoding="utf-8")
    model = load(folder).model
    with torch.no_grad():
        model.table.copy_(table)
        model.light.copy_(light)
    return lambda: timed(lambda: model.log_prob(x=x), [model.table, model.light])


def emissions(x: Tensor, light: Tensor) -> Tensor:
    """log p(x_t | z_t), [rows, steps, states]."""
    return torch.distributions.Bernoulli(logits=light).log_prob(x.unsqueeze(-2)).sum(-1)


def in_a_loop(steps: int, x: Tensor, table: Tensor, light: Tensor) -> Way:
    """The forward algorithm as a plain loop, with autograd."""
    weights = [table.clone().requires_grad_(), light.clone().requires_grad_()]

    def log_p() -> Tensor:
        moves, seen = weights[0].log_softmax(-1), emissions(x, weights[1])
        alpha = moves[0] + seen[:, 0]
        for t in range(1, steps):
            alpha = torch.logsumexp(alpha.unsqueeze(-1) + moves, -2) + seen[:, t]
        return alpha.logsumexp(-1)

    return lambda: timed(log_p, weights)


def in_pyro(steps: int, x: Tensor, table: Tensor, light: Tensor) -> Way:
    """Pyro's parallel scan."""
    from pyro.distributions import Bernoulli, DiscreteHMM

    weights = [table.clone().requires_grad_(), light.clone().requires_grad_()]
    del steps

    def log_p() -> Tensor:
        seen = Bernoulli(logits=weights[1]).to_event(1)
        start = torch.full((STATES,), -1e9).index_fill(0, torch.tensor([0]), 0.0)
        # The first state has a transition before the first observation, as in the spec.
        return DiscreteHMM(start, weights[0].log_softmax(-1), seen).log_prob(x)

    return lambda: timed(log_p, weights)


def in_jax(steps: int, x: Tensor, table: Tensor, light: Tensor) -> Way:
    """A `lax.scan` over the steps, with value and gradient in one compiled function."""
    import jax
    import jax.numpy as jnp

    del steps
    data = jnp.asarray(x.numpy())

    def log_p(weights: Any) -> Any:  # noqa: ANN401
        moves, logits = jax.nn.log_softmax(weights[0], -1), weights[1]
        shown = data[:, :, None, :]
        seen = (shown * logits - jax.nn.softplus(logits)).sum(-1).swapaxes(0, 1)

        def step(alpha: Any, now: Any) -> Any:  # noqa: ANN401
            return jax.nn.logsumexp(alpha[..., None] + moves, -2) + now, None

        alpha, _ = jax.lax.scan(step, moves[0] + seen[0], seen[1:])
        return jax.nn.logsumexp(alpha, -1).sum()

    both = jax.jit(jax.value_and_grad(log_p))
    weights = [jnp.asarray(table.numpy()), jnp.asarray(light.numpy())]

    def way() -> tuple[float, float, float]:
        began = time.perf_counter()
        value, grads = both(weights)
        jax.block_until_ready(grads)
        return float(value), time.perf_counter() - began, 0.0

    return way


WAYS = {"specc": in_specc, "a plain loop": in_a_loop, "Pyro": in_pyro, "JAX": in_jax}


def main() -> None:
    """Time all installed implementations by the number of steps."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, nargs="+", default=[250, 500, 1000, 2000])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    table, light = torch.randn(STATES, STATES), torch.randn(STATES, PIXELS)
    for steps in chosen.steps:
        x = (torch.rand(chosen.rows, steps, PIXELS) > 0.5).float()
        reference = None
        for name, way in WAYS.items():
            try:
                run = way(steps, x, table, light)
            except ImportError:
                continue
            rounds = [run() for _ in range(chosen.rounds + 1)][1:]
            reference = rounds[0][0] if reference is None else reference
            assert abs(rounds[0][0] / reference - 1) < 1e-4, (name, rounds[0][0], reference)
            there, back = (1e3 * statistics.median(r[i] for r in rounds) for i in (1, 2))
            print(f"{steps:5} steps  {name:12}  {there:7.1f} + {back:6.1f} ms", flush=True)


if __name__ == "__main__":
    main()
