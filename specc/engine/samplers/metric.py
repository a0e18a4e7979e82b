"""Estimation of the metric from the draws of a chain and from the gradients at them.

    diagonal   L_i = (var q_i / var g_i)^(1/4)
    dense      L L^T = S with S cov(g) S = cov(q)

A normal target with the covariance S has g = -S^-1 (q - m), so both are exact after as many draws
as it has coordinates (two, if they are independent), also from chains that are still on their way.
In general they minimize the Fisher divergence between the target and a normal distribution
(Seyboldt, Carlson and Carpenter 2024, section 3).
"""

from __future__ import annotations

import numpy as np

from specc.engine.samplers.dynamics import Array, Metric, Point

SHRINKAGE = 5.0
"""The weight of independent coordinates in the dense estimate, in draws (Stan 2024, 15.2)."""

FEWEST = 3
"""The number of draws without which nothing is estimated."""

FEWEST_DENSE, FOR_EACH = 40, 5
"""The least number of draws, and of draws for each coordinate, for which correlations are used.

Those of a few draws on the way to the typical set can be far off, and a chain can get stuck.
"""

LEAST_LOG_DENSITY = -1e8
"""The log-density below which a chain is not near a normal target, so that scales alone adapt."""

SMALLEST, LARGEST = 1e-20, 1e20
"""The range of variances that are used."""


class Moments:
    """Means and sums of squared deviations of positions and gradients (Welford 1962)."""

    def __init__(self, size: int, *, is_dense: bool) -> None:
        self.is_dense = is_dense
        self.count, self.least = 0, float(np.inf)
        shape = (size, size) if is_dense else (size,)
        self.position_mean, self.gradient_mean = np.zeros(size), np.zeros(size)
        self.position_sum, self.gradient_sum = np.zeros(shape), np.zeros(shape)

    def add(self, point: Point) -> None:
        """Adds one draw."""
        self.count += 1
        self.least = min(self.least, point.log_density)
        before = point.position - self.position_mean
        slope = point.gradient - self.gradient_mean
        self.position_mean += before / self.count
        self.gradient_mean += slope / self.count
        self.position_sum += self._product(before, point.position - self.position_mean)
        self.gradient_sum += self._product(slope, point.gradient - self.gradient_mean)

    def _product(self, a: Array, b: Array) -> Array:
        return np.outer(a, b) if self.is_dense else a * b

    def metric(self, before: Metric) -> Metric:
        """The metric from these draws; the one before if there are too few, or they are equal."""
        if self.count < FEWEST:
            return before
        n = self.count - 1
        of_position, of_gradient = self.position_sum / n, self.gradient_sum / n
        if not self.is_dense:
            return Metric(scales_of(of_position, of_gradient, before.factor))
        known = np.sqrt((before.factor**2).sum(1))
        scales = scales_of(np.diagonal(of_position), np.diagonal(of_gradient), known)
        is_known = self.count >= max(FEWEST_DENSE, FOR_EACH * len(scales))
        if not is_known or self.least < LEAST_LOG_DENSITY:
            return Metric(np.diag(scales))
        pairs, weight = np.outer(scales, scales), self.count / (self.count + SHRINKAGE)
        covariance = weight * of_position / pairs + (1.0 - weight) * np.eye(len(scales))
        slopes = weight * of_gradient * pairs + (1.0 - weight) * np.eye(len(scales))
        try:
            factor = np.linalg.cholesky(_between(covariance, slopes))
        except np.linalg.LinAlgError:
            return before
        return Metric(scales[:, None] * factor) if np.isfinite(factor).all() else before


def scales_of(of_position: Array, of_gradient: Array, before: Array) -> Array:
    """The scale of each coordinate from two variances; the one before where they are not known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(of_position / of_gradient)
    usable = np.isfinite(ratio) & (ratio > SMALLEST) & (ratio < LARGEST)
    return np.where(usable, np.sqrt(np.where(usable, ratio, 1.0)), before)


def _between(covariance: Array, slopes: Array) -> Array:
    """The positive definite S with S slopes S = covariance: their geometric mean.

    With R the root of `slopes`, S = R^-1 (R covariance R)^(1/2) R^-1 (Bhatia 2007, section 4.1).
    """
    values, vectors = np.linalg.eigh(slopes)
    roots = np.sqrt(np.clip(values, SMALLEST, LARGEST))
    root, inverse = (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T
    values, vectors = np.linalg.eigh(root @ covariance @ root)
    middle = (vectors * np.sqrt(np.clip(values, SMALLEST, LARGEST))) @ vectors.T
    found: Array = inverse @ middle @ inverse
    return 0.5 * (found + found.T)
