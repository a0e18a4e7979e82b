"""From any real number to a support: how a link's output, or a learnt tensor, is mapped onto it.

The maps are those of torch.distributions.transform_to, so that a scale is exp of what is learnt.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from specc.catalog.supports import CHOLESKY, REAL, SIMPLEX, Interval, Support


@dataclass(frozen=True, slots=True)
class Constrainer:
    """A map onto a support.

    `raw` names what is mapped (`log_{}` for exp), `code` is the Python expression of the map with
    `{}` for its argument, `inverse` its inverse for one number, used for `init:`.
    """

    raw: str
    code: str
    inverse: Callable[[float], float]
    runtime: str = ""


def _identity(value: float) -> float:
    return value


def _logit(value: float) -> float:
    return math.log(value) - math.log1p(-value)


IDENTITY = Constrainer("{}", "{}", _identity)
EXP = Constrainer("log_{}", "{}.exp()", math.log)
SIGMOID = Constrainer("{}_logit", "{}.sigmoid()", _logit)
SOFTMAX = Constrainer("{}_logits", "{}.softmax(-1)", math.log)
CHOLESKY_FACTOR = Constrainer(
    "{}_free", "cholesky_factor({})", _identity, "specc.runtime.functions.cholesky_factor"
)


def constrainer(support: Support) -> Constrainer | None:
    """The map onto `support`; None where no smooth map reaches it, as for whole numbers."""
    if support == REAL:
        return IDENTITY
    if support == SIMPLEX:
        return SOFTMAX
    if support == CHOLESKY:
        return CHOLESKY_FACTOR
    if isinstance(support, Interval) and support.low == 0.0:
        if support.high == math.inf:
            return EXP
        if support.high == 1.0:
            return SIGMOID
    return None
