"""Effective draws a second of the no-U-turn sampler, beside NumPyro in the same rounds.

    python -m benchmarks.samplers --rounds 5 --chains 1
    python -m benchmarks.samplers --rounds 5 --chains 4

Both draw 1,000 times in each chain after 1,000 transitions of warm-up, in float64 on one thread.
The figure is the least bulk effective sample size of a coordinate over the seconds of processor
time of a run that was compiled before; the time to compile is apart. NumPyro runs its chains one
after the other, and in lock step (`vectorized`). Its `MCMC.run` compiles in each call, so a run is
one function of its sampler, compiled once, and its coordinates are the unconstrained ones.

    schools   eight schools, not centred: 10 coordinates
    logistic  logistic regression of 1,000 rows on 20 numbers: 21 coordinates
    radon     919 rows in 85 groups, not centred: 89 coordinates
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

from specc.engine import device

device.prepare()

import numpy as np  # noqa: E402
import torch  # noqa: E402 - after prepare(), which must come first

from specc.compiler import compile as compile_spec  # noqa: E402
from specc.diagnostics.source import Source  # noqa: E402
from specc.engine.options import Options  # noqa: E402
from specc.engine.samplers.driver import Transitions  # noqa: E402
from specc.engine.samplers.nuts import options_of  # noqa: E402
from specc.engine.samplers.sampling import Sampling  # noqa: E402
from specc.engine.selection import new_run  # noqa: E402
from specc.engine.storage.replicated import REPLICATED  # noqa: E402
from specc.evaluate.inference_data import arviz  # noqa: E402

WARMUP = DRAWS = 1000

SCHOOLS = """\
specc: 1
name: schools
data: {source: csv, path: schools.csv, fields: {y: {from: effect}, s: {from: error}, k: {from: k}}}
plates: {schools: 8}
model:
  k: {given: k, plate_index: schools}
  s: {given: s}
  mu: {latent: normal, loc: 0, scale: 5, global: true}
  tau: {latent: half_cauchy, scale: 5, global: true}
  e: {latent: normal, loc: 0, scale: 1, plate: schools}
  y: {observed: normal, loc: "mu + tau * e[k]", scale: s}
"""
LOGISTIC = """\
specc: 1
name: logistic
data: {source: npz, path: logistic.npz, fields: {x: {from: x, shape: [20]}, y: {from: y}}}
model:
  x: {given: x}
  w: {latent: normal, loc: 0, scale: 1, shape: [20], global: true}
  b: {latent: normal, loc: 0, scale: 1, global: true}
  y: {observed: bernoulli, logits: x @ w + b}
"""
RADON = """\
specc: 1
name: radon
data: {source: npz, path: radon.npz, fields: {y: {from: y}, floor: {from: floor}, k: {from: k}}}
plates: {counties: 85}
model:
  k: {given: k, plate_index: counties}
  floor: {given: floor}
  mu: {latent: normal, loc: 0, scale: 10, global: true}
  tau: {latent: half_normal, scale: 1, global: true}
  e: {latent: normal, loc: 0, scale: 1, plate: counties}
  slope: {latent: normal, loc: 0, scale: 10, global: true}
  sigma: {latent: half_normal, scale: 1, global: true}
  y: {observed: normal, loc: "mu + tau * e[k] + slope * floor", scale: sigma}
"""
SPECS = {"schools": SCHOOLS, "logistic": LOGISTIC, "radon": RADON}
EFFECTS = (28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0)
ERRORS = (15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0)

Sampled = Callable[[int], np.ndarray]
"""A function from a seed to draws, [chains, draws, coordinates]."""


def write_data(folder: Path) -> None:
    """Writes the data of all models; those of radon have the sizes of the data of Minnesota."""
    rows = [f"{k},{y},{s}" for k, (y, s) in enumerate(zip(EFFECTS, ERRORS, strict=True))]
    (folder / "schools.csv").write_text("\n".join(["k,effect,error", *rows]) + "\n")
    random = np.random.default_rng(0)
    x, w = random.normal(size=(1000, 20)), random.normal(size=20)
    y = (random.random(1000) < 1 / (1 + np.exp(-x @ w))).astype(np.int64)
    np.savez(folder / "logistic.npz", x=x, y=y)
    k, floor = random.integers(0, 85, size=919), (random.random(919) < 0.17).astype(float)
    means = 1.5 + 0.3 * random.normal(size=85)
    y = means[k] - 0.7 * floor + 0.75 * random.normal(size=919)
    np.savez(folder / "radon.npz", y=y, floor=floor, k=k)


def transitions_of(folder: Path, text: str, sampler: str) -> Transitions:
    """The chains of a spec with a sampler, in a new run."""
    result, checked = compile_spec(Source("spec.yaml", f"{text}sampler: {sampler}\n"))
    assert result is not None, checked.diagnostics
    code = Path(tempfile.mkdtemp(dir=folder))
    for name, content in result.files.items():
        (code / name).write_text(content, encoding="utf-8")
    options = Options(quiet=True, threads=1, data_dir=folder)
    loaded = new_run(code, code / "run", options).load(code / "run", REPLICATED)
    with loaded.computing(1):
        return Transitions(loaded, loaded.manifest.stages[0])


def of_specc(folder: Path, text: str, chains: int) -> tuple[Sampled, float]:
    """The sampler of a spec with a compiled density, and the seconds to compile."""
    sampler = f"{{nuts: {{chains: {chains}, warmup: {WARMUP}, draws: {DRAWS}}}}}"
    own = transitions_of(folder, text, sampler)
    began = time.process_time()
    with own.loaded.computing(1):
        own.chains.record("on", 1)
    seconds = time.process_time() - began

    def draw(seed: int) -> np.ndarray:
        found = np.zeros((chains, WARMUP + DRAWS, own.coordinates.size))

        def record(chain: int, number: int, ended: Any, step: float) -> None:  # noqa: ANN401
            found[chain, number] = ended.point.position

        size = own.coordinates.size
        with own.loaded.computing(1):
            sampling = Sampling(own.target.density, size, options_of(own.sampler, size), seed=seed)
            sampling.start()
            sampling.begin(record, own.target.density.trees(chains))
            sampling.advance(WARMUP + DRAWS)
        return found[:, WARMUP:]

    return draw, seconds


def of_numpyro(folder: Path, name: str, chains: int, method: str) -> Sampled:
    """NumPyro's sampler of the same model."""
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer.hmc import hmc
    from numpyro.infer.util import initialize_model

    jax.config.update("jax_enable_x64", True)
    data, houses = np.load(folder / "logistic.npz"), np.load(folder / "radon.npz")
    x, y = jnp.asarray(data["x"]), jnp.asarray(data["y"])
    county, floor, level = (jnp.asarray(houses[name]) for name in ("k", "floor", "y"))

    def schools() -> None:
        mu = numpyro.sample("mu", dist.Normal(0, 5))
        tau = numpyro.sample("tau", dist.HalfCauchy(5))
        e = numpyro.sample("e", dist.Normal(0, 1).expand([8]))
        loc, scale = mu + tau * e, jnp.array(ERRORS)
        numpyro.sample("y", dist.Normal(loc, scale), obs=jnp.array(EFFECTS))

    def logistic() -> None:
        w = numpyro.sample("w", dist.Normal(0, 1).expand([20]))
        b = numpyro.sample("b", dist.Normal(0, 1))
        numpyro.sample("y", dist.Bernoulli(logits=x @ w + b), obs=y)

    def radon() -> None:
        mu = numpyro.sample("mu", dist.Normal(0, 10))
        tau = numpyro.sample("tau", dist.HalfNormal(1))
        e = numpyro.sample("e", dist.Normal(0, 1).expand([85]))
        slope = numpyro.sample("slope", dist.Normal(0, 10))
        sigma = numpyro.sample("sigma", dist.HalfNormal(1))
        loc = mu + tau * e[county] + slope * floor
        numpyro.sample("y", dist.Normal(loc, sigma), obs=level)

    def draws_of(state: Any) -> Any:  # noqa: ANN401
        state = jax.lax.fori_loop(0, WARMUP, lambda _, own: step(own), state)
        return jax.lax.scan(lambda own, _: 2 * (step(own),), state, length=DRAWS)[1].z

    model = {"schools": schools, "logistic": logistic, "radon": radon}[name]
    info = initialize_model(jax.random.PRNGKey(0), model)
    start, step = hmc(info.potential_fn, algo="NUTS")
    first = start(info.param_info, num_warmup=WARMUP, rng_key=jax.random.PRNGKey(0))
    run = jax.jit(jax.vmap(draws_of) if method == "vectorized" else draws_of)

    def draw(seed: int) -> np.ndarray:
        states = [
            first._replace(rng_key=key)
            for key in jax.random.split(jax.random.PRNGKey(seed), chains)
        ]
        if method == "vectorized":
            found = run(jax.tree.map(lambda *own: jnp.stack(own), *states))
        else:
            found = jax.tree.map(lambda *own: jnp.stack(own), *map(run, states))
        return np.concatenate(
            [np.asarray(v).reshape(chains, DRAWS, -1) for v in found.values()], axis=-1
        )

    return draw


def effective(draws: np.ndarray) -> float:
    """The least bulk effective sample size of a coordinate."""
    az = arviz()
    return float(az.ess(az.convert_to_inference_data({"x": draws})).x.min())


def compare(folder: Path, name: str, text: str, chains: int, rounds: int) -> None:
    """Prints the effective draws a second of each contender: the median and the range."""
    specc, seconds = of_specc(folder, text, chains)
    contenders = {"specc": specc}
    for method in ("sequential", "vectorized") if chains > 1 else ("sequential",):
        contenders[f"numpyro, {method}"] = of_numpyro(folder, name, chains, method)
    for draw in contenders.values():
        draw(0)  # the first run compiles
    rates: dict[str, list[float]] = {key: [] for key in contenders}
    for number in range(rounds):
        for key, draw in contenders.items():
            began = time.process_time()
            draws = draw(number + 1)
            seconds_of_run = time.process_time() - began
            rates[key].append(effective(draws) / seconds_of_run)
    print(f"{name}, {chains} chains; specc compiles in {seconds:.1f} s")
    for key, found in rates.items():
        middle = statistics.median(found)
        print(f"  {key:<22}{middle:8.0f} a second ({min(found):.0f} to {max(found):.0f})")


def main() -> None:
    """Compares the samplers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--models", nargs="+", default=list(SPECS), choices=SPECS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        for name in given.models:
            compare(Path(folder), name, SPECS[name], given.chains, given.rounds)


if __name__ == "__main__":
    main()
