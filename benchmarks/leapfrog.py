"""A leapfrog step of many chains, beside a scan of JAX in the same rounds.

    python -m benchmarks.leapfrog --rounds 11 --chains 1024

Both make 20 steps from the same positions, in float64 on one thread: specc in one call of its
library, JAX in one compiled `lax.scan`. The ends are compared. Times are of the processor, and the
models are those of `benchmarks.samplers`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.samplers import EFFECTS, ERRORS, LOGISTIC, SCHOOLS, transitions_of, write_data

import numpy as np  # isort: skip - torch is prepared by the import above
import torch  # isort: skip

from specc.engine.samplers.lock_step import LockStep  # isort: skip

STEPS, STEP = 20, 0.01

Run = Callable[[], np.ndarray]
"""The positions after all steps."""


def of_specc(folder: Path, text: str, inputs: tuple[np.ndarray, np.ndarray]) -> Run:
    """The trajectories of a spec, in C++ of its own."""
    chains = len(inputs[0])
    own = transitions_of(folder, text, f"{{hmc: {{chains: {chains}, warmup: 1, draws: 1}}}}")
    assert isinstance(own.chains, LockStep)
    with own.loaded.computing(1):
        own.chains.record("on", 1)
        like = own.chains.density.like
        start, first = (torch.as_tensor(values).to(like) for values in inputs)
        still = torch.zeros_like(start)
        _, _, slopes, values = own.chains.advanced((start, still, still, start[:, 0]), 1, 0.0)

    def run() -> np.ndarray:
        found: np.ndarray = own.chains.advanced((start, first, slopes, values), STEPS, STEP)[
            0
        ].numpy()
        return found

    return run


def of_jax(folder: Path, name: str, inputs: tuple[np.ndarray, np.ndarray]) -> Run:
    """All steps in one compiled scan."""
    import jax
    import jax.numpy as jnp
    from jax.scipy.stats import cauchy, norm

    jax.config.update("jax_enable_x64", True)
    data = np.load(folder / "logistic.npz")
    x, y = jnp.asarray(data["x"]), jnp.asarray(data["y"], dtype=float)
    effects, errors = jnp.array(EFFECTS), jnp.array(ERRORS)

    def schools(q):  # noqa: ANN001, ANN202 - JAX is not typed here
        mu, tau, e = q[0], jnp.exp(q[1]), q[2:]
        prior = norm.logpdf(mu, 0, 5) + cauchy.logpdf(tau, 0, 5) + norm.logpdf(e).sum() + q[1]
        return prior + norm.logpdf(effects, mu + tau * e, errors).sum()

    def logistic(q):  # noqa: ANN001, ANN202
        logits = x @ q[:20] + q[20]
        return (y * logits - jnp.logaddexp(0.0, logits)).sum() + norm.logpdf(q).sum()

    density = jax.vmap(jax.value_and_grad({"schools": schools, "logistic": logistic}[name]))

    @jax.jit
    def scan(positions, momenta):  # noqa: ANN001, ANN202
        def step(state, _):  # noqa: ANN001, ANN202
            positions, momenta, slopes = state
            middle = momenta + 0.5 * STEP * slopes
            after = positions + STEP * middle
            slopes = density(after)[1]
            return (after, middle + 0.5 * STEP * slopes, slopes), None

        first = (positions, momenta, density(positions)[1])
        return jax.lax.scan(step, first, None, length=STEPS)[0][0]

    start, first = map(jnp.asarray, inputs)
    return lambda: np.asarray(scan(start, first).block_until_ready())


def compare(folder: Path, name: str, text: str, size: int, chains: int, rounds: int) -> None:
    """Prints the time of a step of each, and the median ratio of neighbours in time."""
    random = np.random.default_rng(0)
    inputs = 0.1 * random.normal(size=(chains, size)), random.normal(size=(chains, size))
    runs = {"specc": of_specc(folder, text, inputs), "jax": of_jax(folder, name, inputs)}
    ends = [run() for run in runs.values()]  # the first run compiles
    seconds: dict[str, list[float]] = {key: [] for key in runs}
    for _ in range(rounds):
        for key, run in runs.items():
            began = time.process_time()
            run()
            seconds[key].append((time.process_time() - began) / STEPS)
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    print(f"{name}, {chains} chains; the ends differ by {np.abs(ends[0] - ends[1]).max():.1e}")
    for key, found in seconds.items():
        print(f"  {key:<6}{min(found) * 1e6:8.0f} us a step at best")
    print(f"  ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def main() -> None:
    """Compares the steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--chains", type=int, default=1024)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        for name, text, size in (("schools", SCHOOLS, 10), ("logistic", LOGISTIC, 21)):
            compare(Path(folder), name, text, size, given.chains, given.rounds)


if __name__ == "__main__":
    main()
