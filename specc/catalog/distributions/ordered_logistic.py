"""The ordered logistic distribution of graded classes."""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.entry import Distribution, Parameter, Reference
from specc.catalog.supports import NATURAL, ORDERED, REAL, Integers, Support


def _grades(known: Mapping[str, float]) -> Support:
    return Integers(0, known["n"]) if "n" in known else NATURAL


ENTRY = Distribution(
    name="ordered_logistic",
    summary="A grade 0 to n: the number of n cut points below a logistic variable (proportional "
    "odds).",
    formula="sigmoid(c_(x + 1) - predictor) - sigmoid(c_x - predictor), x in {0, ..., n}, "
    "c = cutpoints with c_0 = -inf and c_(n + 1) = inf",
    references=(
        Reference(
            "McCullagh, Regression models for ordinal data, Journal of the Royal Statistical "
            "Society B 42, 1980",
            "section 2",
        ),
    ),
    parameters=(
        Parameter("predictor", REAL, "the location of the logistic variable"),
        Parameter("cutpoints", ORDERED, "the n ends between neighbouring grades", dims=("n",)),
    ),
    result=_grades,
    example="y: {latent: ordered_logistic, predictor: 0, cutpoints: [-1, 0, 2]}",
    continuous=False,
    finite=True,
    mean=False,
)
