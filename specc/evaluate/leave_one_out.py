"""The leave-one-out log predictive density of rows, by Pareto-smoothed importance sampling.

With draws w_s and the weights r_s = p(data, w_s) / q(w_s) of their density q,

    log p(y_i | all other rows) ~ log sum_s v_is p(y_i | w_s) / sum_s v_is
    v_is = r_s / p(y_i | w_s), the largest of them smoothed by a generalized Pareto distribution

Draws from the posterior have equal r_s. Vehtari, Gelman and Gabry 2017; Magnusson, Andersen,
Jonasson and Vehtari 2019, Bayesian leave-one-out cross-validation for large data, for draws from
an approximation. ArviZ smooths the weights.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specc.evaluate.pareto import UNTRUSTED

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The sum over rows in nats, its standard error, and the number of rows without trust.

    A single row has no standard error, which is nan.
    """

    value: float
    standard_error: float
    untrusted: int

    @classmethod
    def of_arviz(cls, found: Any) -> LeaveOneOut:  # noqa: ANN401 - an ELPDData of ArviZ
        """What `arviz.loo` found for draws from the posterior."""
        bad = int((found.pareto_k > UNTRUSTED).sum())
        error = float(found.se) if found.n_data_points > 1 else math.nan
        return cls(float(found.elpd_loo), error, bad)

    def warning(self) -> str | None:
        """What should not be trusted, in words; None if all rows are well."""
        if not self.untrusted:
            return None
        return (
            f"leaving out {self.untrusted:,} of the rows changes the posterior too much (Pareto k "
            f"above {UNTRUSTED}): their leave-one-out estimates are not to be trusted"
        )

    def as_json(self) -> dict[str, float]:
        """The figure for result.json."""
        return {
            "value": self.value,
            "standard_error": self.standard_error,
            "pareto_k_above_0.7": self.untrusted,
        }


def of_rows(az: Any, log_r: Numbers, log_p: Numbers) -> tuple[Numbers, Numbers]:  # noqa: ANN401
    """The log-density of each row given all others, and the shape k of its weights: [rows] each.

    `az` is the module ArviZ, `log_r` the log-weights [draws], and `log_p` log p(y_i | w_s), [draws,
    rows].
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        smoothed, shapes = az.psislw((log_r[:, None] - log_p).T)
    found: Numbers = np.logaddexp.reduce(smoothed + log_p.T, axis=-1)
    return found, np.asarray(shapes)


def leave_one_out(az: Any, log_r: Numbers, log_p: Numbers) -> LeaveOneOut:  # noqa: ANN401
    """The sum over the rows, with the arguments of `of_rows`."""
    values, shapes = of_rows(az, log_r, log_p)
    error = (len(values) * values.var()) ** 0.5 if len(values) > 1 else math.nan
    untrusted = int((~(shapes <= UNTRUSTED)).sum())
    return LeaveOneOut(float(values.sum()), float(error), untrusted)
