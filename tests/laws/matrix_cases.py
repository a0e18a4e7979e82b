"""Oracles in numpy and scipy of functions of matrices and of kernels, with shapes of arguments."""

from __future__ import annotations

import numpy as np
from scipy import linalg, spatial

from specc.catalog.supports import CHOLESKY, POSITIVE_DEFINITE, REAL, Interval


def distances(x, z, scale):
    """The scaled distances of points, by cdist."""
    return spatial.distance.cdist(np.atleast_2d(x) / scale, z / scale)


def of_points(kernel):
    """The kernel of distances as an oracle; a single point gives a row."""

    def oracle(x, z, scale):
        found = kernel(distances(x, z, scale))
        return found if x.ndim == 2 else found[0]

    return oracle


def waves(x, z, scale, period):
    apart = np.atleast_2d(x)[:, None] - z[None]
    found = np.exp(-2 * np.sum((np.sin(np.pi * apart / period) / scale) ** 2, -1))
    return found if x.ndim == 2 else found[0]


FEW = Interval(low=0.5, high=3.0)
POINTS = [((4, 2), (3, 2), ()), ((4, 2), (3, 2), (2,)), ((2,), (5, 2), (2,)), ((), (5, 1), ())]
KERNELS = {
    "rbf": lambda r: np.exp(-0.5 * r**2),
    "matern12": lambda r: np.exp(-r),
    "matern32": lambda r: (1 + np.sqrt(3) * r) * np.exp(-np.sqrt(3) * r),
    "matern52": lambda r: (1 + np.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-np.sqrt(5) * r),
}
KERNEL_CASES = {name: (of_points(k), (REAL, REAL, FEW), POINTS) for name, k in KERNELS.items()}
KERNEL_CASES["periodic"] = (waves, (REAL, REAL, FEW, FEW), [(*s, s[2]) for s in POINTS])
MATRIX_CASES = {}
MATRIX_CASES["diag"] = (np.diag, (REAL,), [((4,),), ((1,),)])
MATRIX_CASES["diagonal"] = (np.diag, (REAL,), [((4, 4),), ((1, 1),)])
MATRIX_CASES["outer"] = (np.outer, (REAL, REAL), [((4,), (3,)), ((1,), (2,))])
MATRIX_CASES["transpose"] = (np.transpose, (REAL,), [((4, 3),), ((1, 2),)])
MATRIX_CASES["solve"] = (
    np.linalg.solve,
    (REAL, REAL),
    [((3, 3), (3,)), ((3, 3), (3, 2)), ((1, 1), (1,))],
)
SYSTEMS = [((3, 3), (3,)), ((3, 3), (3, 4)), ((1, 1), (1, 1))]
MATRIX_CASES["solve_triangular"] = (
    lambda a, b: linalg.solve_triangular(a, b, lower=True),
    (CHOLESKY, REAL),
    SYSTEMS,
)
SQUARE = [((3, 3),), ((1, 1),), ((6, 6),)]
MATRIX_CASES["cholesky"] = (np.linalg.cholesky, (POSITIVE_DEFINITE,), SQUARE)
MATRIX_CASES["inverse_cholesky"] = (
    lambda a: np.linalg.cholesky(np.linalg.inv(a)),
    (POSITIVE_DEFINITE,),
    SQUARE,
)
MATRIX_CASES["logdet"] = (lambda a: np.linalg.slogdet(a)[1], (POSITIVE_DEFINITE,), SQUARE)
