"""Matrix factorization of the ratings of MovieTweetings, by a guide, beside least squares.

    python -m benchmarks.ratings --data-dir DATA

The model is that of `specs/matrix_factorization.yaml` with a mean for each user and each film, and
standard deviations that are latents too; the guide is a mean field. The others are the mean of all
ratings, a mean for each user and film (ridge regression), and alternating least squares with as
many factors (Zhou et al. 2008). The figure is the root mean squared error of the test ratings.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import specc

SPEC = """specc: 1
name: ratings
data:
  source: npz
  path: movietweetings/movietweetings_100k.npz
  fields:
    rating: {{from: rating, standardize: true}}
    user: {{from: user}}
    item: {{from: item}}
  split: {{test: is_test}}
plates: {{users: {users}, items: {items}}}
model:
  user: {{given: user, plate_index: users}}
  item: {{given: item, plate_index: items}}
  sd: {{latent: half_normal, scale: 1, global: true}}
  sd_user: {{latent: half_normal, scale: 1, global: true}}
  sd_item: {{latent: half_normal, scale: 1, global: true}}
  sd_factor: {{latent: half_normal, scale: 1, global: true}}
  of_user: {{latent: normal, loc: 0, scale: sd_user, plate: users}}
  of_item: {{latent: normal, loc: 0, scale: sd_item, plate: items}}
  u: {{latent: normal, loc: 0, scale: 1, shape: [{factors}], plate: users}}
  v: {{latent: normal, loc: 0, scale: sd_factor, shape: [{factors}], plate: items}}
  rating:
    observed: normal
    loc: of_user[user] + of_item[item] + sum(u[user] * v[item])
    scale: sd
guide: auto
objective: elbo
train:
  optimizer: {{adam: {{lr: {rate}}}}}
  schedule: {{cosine: {{}}}}
  batch_size: 1000
  epochs: {epochs}
"""
Numbers = NDArray[np.float64]
Integers = NDArray[np.int64]
WEIGHTS = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""The weights of a penalty, of which the best for a tenth of the training ratings is taken."""

SWEEPS = 15


def of_specc(chosen: argparse.Namespace, users: int, items: int) -> tuple[float, float]:
    """The test error of the guide, and the coverage of its central 90 %."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        spec = folder / "ratings.yaml"
        words = {"users": users, "items": items, "factors": chosen.factors}
        words |= {"rate": chosen.rate, "epochs": chosen.epochs}
        spec.write_text(SPEC.format(**words), encoding="utf-8")
        run = specc.load(spec).train(folder / "run", data_dir=chosen.data_dir, threads=1)
        found = run.predict(part="test", draws=chosen.draws)["rating"].summary()
    return found["rmse"], found["coverage"]


class Ratings(NamedTuple):
    """Some of the ratings."""

    user: Integers
    item: Integers
    rating: Numbers

    def chosen(self, rows: NDArray[np.bool_]) -> Ratings:
        """The ratings of some rows."""
        return Ratings(*(own[rows] for own in self))


class Fit:
    """Means of users and items, and their factors, by alternating ridge regressions."""

    def __init__(
        self, data: Ratings, shape: tuple[int, int], factors: int, of_means: float, weight: float
    ) -> None:
        """A fit with weights of the penalties on means and on factors."""
        self.mean = data.rating.mean()
        self.of_user, self.of_item = np.zeros(shape[0]), np.zeros(shape[1])
        self.u = np.zeros((shape[0], factors))
        self.v = 0.1 * np.random.default_rng(0).normal(size=(shape[1], factors))
        self.of_means, self.weight = of_means, weight
        for _ in range(SWEEPS):
            self._sweep(data)

    def _sweep(self, data: Ratings) -> None:
        """Means, and then factors, each given all others."""
        for index, own in ((data.item, self.of_item), (data.user, self.of_user)):
            left = data.rating - self(data) + own[index]
            count = np.bincount(index, minlength=len(own))
            own[:] = np.bincount(index, left, len(own)) / (count + self.of_means)
        if not self.v.size:
            return
        for index, own, across, others in (
            (data.user, self.u, data.item, self.v),
            (data.item, self.v, data.user, self.u),
        ):
            other = others[across]
            left = data.rating - self(data) + (own[index] * other).sum(1)
            size = other.shape[1]
            square, right = np.zeros((len(own), size, size)), np.zeros((len(own), size))
            np.add.at(square, index, other[:, :, None] * other[:, None, :])
            np.add.at(right, index, other * left[:, None])
            square += self.weight * np.eye(size)
            own[:] = np.linalg.solve(square, right[..., None])[..., 0]

    def __call__(self, data: Ratings) -> Numbers:
        """The predictions of some ratings."""
        means = self.mean + self.of_user[data.user] + self.of_item[data.item]
        found: Numbers = means + (self.u[data.user] * self.v[data.item]).sum(1)
        return found

    def error(self, data: Ratings) -> float:
        """The root mean squared error of some ratings."""
        return float(np.sqrt(np.mean((self(data) - data.rating) ** 2)))


def best(data: Ratings, shape: tuple[int, int], factors: int) -> Fit:
    """The fit with the weights that are best for a tenth of the ratings, those of means first."""
    held = np.random.default_rng(1).random(len(data.rating)) < 0.1
    some, rest = data.chosen(~held), data.chosen(held)

    def chosen(fits: Iterable[Fit]) -> Fit:
        return min(fits, key=lambda own: own.error(rest))

    found = chosen(Fit(some, shape, 0, weight, 0.0) for weight in WEIGHTS)
    if factors:
        of_means = found.of_means
        found = chosen(Fit(some, shape, factors, of_means, weight) for weight in WEIGHTS)
    return Fit(data, shape, factors, found.of_means, found.weight)


def main() -> None:
    """Prints the test error of each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--factors", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--draws", type=int, default=200)
    chosen = parser.parse_args()
    file = np.load(chosen.data_dir / "movietweetings" / "movietweetings_100k.npz")
    every = Ratings(file["user"], file["item"], file["rating"].astype(float))
    train, test = every.chosen(~file["is_test"]), every.chosen(file["is_test"])
    shape = int(every.user.max()) + 1, int(every.item.max()) + 1
    print(
        f"the mean of all ratings: {np.sqrt(np.mean((test.rating - train.rating.mean()) ** 2)):.4f}"
    )
    for name, factors in (("ridge regression", 0), ("alternating least squares", chosen.factors)):
        fit = best(train, shape, factors)
        weights = (
            f"weights {fit.of_means:g} and {fit.weight:g}"
            if factors
            else f"weight {fit.of_means:g}"
        )
        print(f"{name}, {weights}: {fit.error(test):.4f}", flush=True)
    began = time.process_time()
    error, coverage = of_specc(chosen, *shape)
    seconds = time.process_time() - began
    print(f"guide: {error:.4f}, {100 * coverage:.1f} % within the central 90 %, {seconds:.0f} s")


if __name__ == "__main__":
    main()
