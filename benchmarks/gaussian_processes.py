"""Sparse Gaussian processes on the UCI regressions, over their published splits.

    python -m benchmarks.gaussian_processes --data-dir DATA --sets boston --points 100

prints the root mean squared error and the negative log-likelihood of the test rows, in the units of
the target, as mean and standard deviation over splits. The published figures of ZhuSuan's example
`svgp.py`, with 100 inducing points, are 2.90 and 2.52 for Boston, and 4.49 and 2.93 for Protein.

Inputs and target are standardized by the training rows. The predictive distribution of a row is
normal in closed form given the guide.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from specc.cli.main import main as specc
from specc.engine.storage.loaded_run import load_run

SPEC = """specc: 1
name: {name}
constants: {{m: {points}, jitter: 1e-5}}
data:
  source: npz
  path: uci/{name}.npz
  fields:
    x: {{from: features, shape: [{size}], standardize: true}}
    y: {{from: target, shape: [], standardize: true}}
  split: {{test: "is_test[{split}]"}}
model:
  x: {{given: x}}
  z: {{parameter: real, shape: [m, {size}], init: {{normal: 1}}}}
  length_scale: {{parameter: positive, shape: [{size}], init: {start}}}
  amplitude: {{parameter: positive, init: 1}}
  noise: {{parameter: positive, init: 0.5}}
  k: {{let: "rbf(z, z, length_scale)"}}
  factor: {{let: cholesky(k + jitter * eye(m))}}
  a: {{let: "solve_triangular(factor, rbf(x, z, length_scale))"}}
  v: {{latent: multivariate_normal, loc: 0, scale_tril: eye(m), global: true}}
  f:
    latent: normal
    loc: amplitude * dot(a, v)
    scale: amplitude * sqrt(relu(1 - dot(a, a)) + jitter)
  y: {{observed: normal, loc: f, scale: noise}}
guide:
  mean: {{parameter: real, shape: [m], init: zeros}}
  spread: {{parameter: cholesky, shape: [m, m], init: zeros}}
  v: {{latent: multivariate_normal, loc: mean, scale_tril: spread, global: true}}
  f:
    latent: normal
    loc: model.amplitude * dot(model.a, v)
    scale: model.amplitude * sqrt(relu(1 - dot(model.a, model.a)) + jitter)
objective: {{elbo: {{particles: {particles}}}}}
train:
  optimizer: {{adam: {{lr: {rate}}}}}
  schedule: linear
  batch_size: {batch}
  epochs: {epochs}
"""


def moments(model: nn.Module, guide: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the variance of y at the rows of x."""
    with torch.no_grad():
        a = model.a(model.factor(model.k()), x)  # type: ignore[operator]
        left = (1 - a.square().sum(-1)).clamp_min(0.0) + (a @ guide.spread).square().sum(-1)
        mean: Tensor = model.amplitude * (a @ guide.mean)  # type: ignore[operator]
        variance: Tensor = model.amplitude**2 * left + model.noise**2  # type: ignore[operator]
    return mean, variance


def scored(name: str, split: int, chosen: argparse.Namespace, folder: Path) -> tuple[float, float]:
    """The root mean squared error and the negative log-likelihood of a split."""
    file = np.load(chosen.data_dir / f"uci/{name}.npz")
    size, rows = file["features"].shape[1], int((~file["is_test"][split]).sum())
    batch = min(chosen.batch, rows)
    words = {
        "name": name,
        "points": chosen.points,
        "size": size,
        "split": split,
        "start": round(math.sqrt(size), 2),
        "particles": chosen.particles,
        "rate": chosen.rate,
        "batch": batch,
        "epochs": max(1, chosen.steps * batch // rows),
    }
    path, run = folder / f"{name}{split}.yaml", folder / f"{name}{split}"
    path.write_text(SPEC.format(**words), encoding="utf-8")
    data = ["--data-dir", str(chosen.data_dir)]
    code = specc(["train", str(path), *data, "--out", str(run), "--threads", "1", "--quiet"])
    assert code == 0, code
    loaded = load_run(run, data_dir=chosen.data_dir)
    fields = loaded.data.part("test").fields
    x, y = (fields[key].batch(slice(None), None) for key in ("x", "y"))
    scale = float(file["target"][~file["is_test"][split]].astype(np.float64).std())
    mean, variance = moments(loaded.program.model, loaded.program.guide, x)
    squares = (y - mean).double().square()
    variance = variance.double()
    log_p = -0.5 * (squares / variance + variance.log() + math.log(2 * math.pi)) - math.log(scale)
    return scale * squares.mean().sqrt().item(), -log_p.mean().item()


def main() -> None:
    """Train a process for each split, and print the errors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=["boston"])
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--particles", type=int, default=10)
    parser.add_argument("--rate", type=float, default=0.02)
    chosen = parser.parse_args()
    for name in chosen.sets:
        count = len(np.load(chosen.data_dir / f"uci/{name}.npz")["is_test"])
        found = []
        for split in range(min(count, chosen.splits)):
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                found.append(scored(name, split, chosen, Path(folder)))
            error, loss = found[-1]
            seconds = time.monotonic() - began
            print(f"{name} {split}: RMSE {error:.2f}, NLL {loss:.2f}, {seconds:.0f} s", flush=True)
        mean, spread = np.mean(found, 0), np.std(found, 0, ddof=min(1, len(found) - 1))
        print(
            f"{name}, {chosen.points} points, {len(found)} splits: RMSE {mean[0]:.2f} "
            f"({spread[0]:.2f}), NLL {mean[1]:.2f} ({spread[1]:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
