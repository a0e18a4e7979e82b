"""Tables of latents: the mean, the deviation and quantiles of each number, or its values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.05, 0.5, 0.95)
LEVELS = tuple(f"{100 * level:g}%" for level in QUANTILES)

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Spread:
    """The draws of one number: their mean, standard deviation, and `QUANTILES`."""

    mean: float
    sd: float
    quantiles: tuple[float, ...]

    def as_json(self) -> dict[str, float]:
        """The numbers as JSON, with quantiles by their levels: `5%`."""
        return {"mean": self.mean, "sd": self.sd, **self.levels()}

    def levels(self) -> dict[str, float]:
        """The quantiles by their levels."""
        return dict(zip(LEVELS, self.quantiles, strict=True))


def spreads(draws: Arrays, most: int) -> Iterator[tuple[str, Spread]]:
    """The spread of each number of some latents, by its name as in `w[0, 1]`.

    `draws` has the values of each latent, [draws, *shape]. Latents are left out from the first one
    on with which there are more than `most` numbers.
    """
    left = most
    for name, value in draws.items():
        shape = value.shape[1:]
        left -= math.prod(shape)
        if left < 0:
            return
        own = np.asarray(value, dtype=np.float64).reshape(len(value), -1)
        levels = np.quantile(own, QUANTILES, axis=0)
        means, deviations = own.mean(0), own.std(0, ddof=1 if len(own) > 1 else 0)
        for number, label in enumerate(_labels(name, shape)):
            quantiles = tuple(float(each) for each in levels[:, number])
            yield label, Spread(float(means[number]), float(deviations[number]), quantiles)


def frequencies(draws: Arrays, most: int) -> Iterator[tuple[str, dict[str, float]]]:
    """The fraction of draws with each value of each whole number of some latents, by its name.

    `draws` and `most` are as of `spreads`; values of no draw are absent.
    """
    left = most
    for name, value in draws.items():
        shape = value.shape[1:]
        left -= math.prod(shape)
        if left < 0:
            return
        own = np.asarray(value).reshape(len(value), -1)
        for label, column in zip(_labels(name, shape), own.T, strict=True):
            values, counts = np.unique(column, return_counts=True)
            fractions = (counts / len(column)).tolist()
            yield label, dict(zip((f"{int(v)}" for v in values), fractions, strict=True))


def _labels(name: str, shape: tuple[int, ...]) -> Iterator[str]:
    """The names of the numbers of a latent: `w[0, 1]`, or `w` of a single one."""
    for index in np.ndindex(*shape):
        yield f"{name}[{', '.join(map(str, index))}]" if index else name


def of_group(data: Any, group: str, most: int) -> dict[str, Spread]:  # noqa: ANN401
    """The spreads of a group of an `InferenceData`, over all chains; empty without the group."""
    if group not in data.groups():
        return {}
    found = {str(name): np.asarray(own) for name, own in data[group].data_vars.items()}
    flat = {name: own.reshape(-1, *own.shape[2:]) for name, own in found.items()}
    return dict(spreads(flat, most))
