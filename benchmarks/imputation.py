"""Imputation of digits of which half is removed, with three methods.

    python -m benchmarks.imputation --epochs 200 --out OUT

The data are the 8x8 digits of scikit-learn, binarized. `random`: a random half of the pixels is
removed in training and test rows. `lower`: the lower half of each test picture is removed, and
training rows are complete. Prints the squared error and the log-likelihood in nats per pixel for
the removed pixels of the test rows, with three methods: the mean of each pixel; the mean over the
ten nearest training rows (`sklearn.impute.KNNImputer`); and weighted draws of the variational
autoencoder of specs/imputation.yaml. `--mask` makes the mask of known pixels an input of the
guide. All probabilities are clipped to [0.01, 0.99].
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits
from sklearn.impute import KNNImputer

SPEC = """
specc: 1
name: imputation
data: {{source: npz, path: digits.npz, fields: {{x: {{from: x, shape: [64], fill: {fill}}}}}}}
model:
  z: {{latent: normal, loc: 0, scale: 1, shape: [16]}}
  x: {{observed: bernoulli, logits: decoder(z), missing: integrate}}
guide:
  z: {{latent: normal, params: "{seen}"}}
links:
  decoder: {{mlp: [200], activation: tanh}}
  encoder: {{mlp: [200], activation: tanh}}
objective: {objective}
train: {{optimizer: {{adam: {{lr: 0.001}}}}, batch_size: 100, epochs: {epochs}}}
"""
Array = npt.NDArray[np.float64]


def removed(pattern: str, seed: int) -> tuple[Array, Array, Array]:
    """The training and test rows with NaN for removed pixels, and the complete test rows."""
    random = np.random.default_rng(seed)
    images = (load_digits().data > 8).astype(np.float64)
    images = images[random.permutation(len(images))]
    train, test = images[:1438].copy(), images[1438:].copy()
    full = test.copy()
    if pattern == "lower":
        test[:, 32:] = np.nan
    else:
        train[random.random(train.shape) < 0.5] = np.nan
        test[random.random(test.shape) < 0.5] = np.nan
    return train, test, full


def figures(full: Array, test: Array, found: Array) -> tuple[float, float]:
    """The mean squared error and the mean log-likelihood of the removed pixels."""
    gone = np.isnan(test)
    x, p = full[gone], np.clip(found[gone], 0.01, 0.99)
    log_p = np.where(x == 1, np.log(p), np.log(1 - p))
    return float(np.square(found[gone] - x).mean()), float(log_p.mean())


def spec(options: argparse.Namespace) -> str:
    """The text of the spec."""
    particles = options.particles
    objective = f"{{iwae: {{particles: {particles}}}}}" if particles > 1 else "elbo"
    seen = "encoder(x, known(x))" if options.mask else "encoder(x)"
    values = {"epochs": options.epochs, "fill": options.fill, "seen": seen, "objective": objective}
    return SPEC.format(**values)


def by_autoencoder(train: Array, test: Array, options: argparse.Namespace, folder: Path) -> Array:
    """The imputed means of a trained run."""
    from specc.run import open_run

    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "digits.npz", train_x=train, test_x=test)
    (folder / "spec.yaml").write_text(spec(options))
    command = [sys.executable, "-m", "specc", "train", str(folder / "spec.yaml")]
    command += ["--out", str(folder / "run"), "--data-dir", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    run = open_run(folder / "run", data_dir=folder)
    filled = run.impute(draws=options.draws, sweeps=options.sweeps)["x"].values
    return np.asarray(filled.double().numpy(), np.float64)


def main() -> None:
    """Impute with all methods and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("imputation"))
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--draws", type=int, default=16)
    parser.add_argument("--sweeps", type=int, default=100)
    parser.add_argument("--particles", type=int, default=20, help="of the bound in training")
    parser.add_argument("--fill", choices=("zero", "mean"), default="zero")
    parser.add_argument("--mask", action="store_true", help="give the guide the mask of pixels")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for pattern in ("random", "lower"):
        train, test, full = removed(pattern, options.seed)
        mean = np.where(np.isnan(test), np.nanmean(train, 0), test)
        near = KNNImputer(n_neighbors=10).fit(train).transform(test)
        own = by_autoencoder(train, test, options, options.out / pattern)
        for name, found in (("mean", mean), ("neighbours", near), ("specc", own)):
            error, log_p = figures(full, test, found)
            print(f"{pattern:7} {name:11} squared error {error:.4f}, log p {log_p:.4f}")


if __name__ == "__main__":
    main()
