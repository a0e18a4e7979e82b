"""Functions of each entry by itself."""

from __future__ import annotations

import math

from specc.catalog import interval
from specc.catalog.entry import Function, Reference
from specc.catalog.interval import exp_of
from specc.catalog.rules import (
    Supports,
    always,
    constant,
    elementwise_shape,
    increasing,
    integers_if_discrete,
)
from specc.catalog.supports import (
    BOOLEAN,
    NONNEGATIVE,
    OPEN_UNIT_INTERVAL,
    POSITIVE,
    REAL,
    UNIT_INTERVAL,
    Interval,
    Support,
    bounds,
)


def _abs_support(supports: Supports) -> Support:
    """The support of |x|: nonnegative, and integers if x is."""
    return integers_if_discrete(supports, interval.absolute(bounds(supports[0])))


def _clip_support(supports: Supports) -> Support:
    """The support of min(max(x, low), high)."""
    x, low, high = map(bounds, supports)
    return integers_if_discrete(supports, interval.minimum(interval.maximum(x, low), high))


def _expm1_limit(x: float) -> float:
    """e^x - 1, with its limit at infinity."""
    return math.expm1(x) if x < 709.0 else math.inf


def _log_limit(x: float) -> float:
    """The logarithm, with its limit at 0."""
    return math.log(x) if x > 0.0 else -math.inf


def _log1p_limit(x: float) -> float:
    """log(1 + x), with its limit at -1."""
    return math.log1p(x) if x > -1.0 else -math.inf


def _logit_limit(x: float) -> float:
    """log(x / (1 - x)), with its limits at 0 and 1."""
    if x in (0.0, 1.0):
        return math.inf if x == 1.0 else -math.inf
    return math.log(x) - math.log1p(-x)


def _relu_support(supports: Supports) -> Support:
    """The support of max(x, 0): nonnegative, and integers if x is."""
    return integers_if_discrete(supports, interval.maximum(bounds(supports[0]), Interval(0.0, 0.0)))


def _sigmoid(x: float) -> float:
    """1 / (1 + e^-x), without overflow."""
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0.0 else math.exp(x) / (1.0 + math.exp(x))


def _softplus(x: float) -> float:
    """log(1 + e^x), without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _square_support(supports: Supports) -> Support:
    """The support of x^2: nonnegative, and integers if x is."""
    return integers_if_discrete(supports, interval.power(bounds(supports[0]), Interval(2.0, 2.0)))


def _unchanged(supports: Supports) -> Support:
    """The support of x, also of a vector or a matrix."""
    return supports[0]


ENTRIES: tuple[Function, ...] = (
    Function(
        name="abs",
        summary="The absolute value.",
        formula="abs(x) = |x|",
        target="torch.abs",
        arity=(1, 1),
        shape=elementwise_shape,
        support=_abs_support,
        constant=constant(abs),
        example="abs(x)",
    ),
    Function(
        name="clip",
        summary="A value clipped to the range between two others.",
        formula="clip(x, low, high) = min(max(x, low), high)",
        target="specc.runtime.functions.elementwise.clip",
        arity=(3, 3),
        shape=elementwise_shape,
        support=_clip_support,
        constant=constant(lambda x, low, high: min(max(x, low), high)),
        example="clip(x, 0.01, 0.99)",
    ),
    Function(
        name="cos",
        summary="The cosine of an angle in radians.",
        formula="cos(x) = sum_k (-1)^k x^(2 k) / (2 k)!",
        references=(
            Reference("NIST Digital Library of Mathematical Functions", "equation 4.14.2"),
        ),
        target="torch.cos",
        arity=(1, 1),
        shape=elementwise_shape,
        support=always(Interval(-1.0, 1.0)),
        constant=constant(math.cos),
        example="cos(x)",
    ),
    Function(
        name="erf",
        summary="The error function, from all numbers onto (-1, 1).",
        formula="erf(x) = 2 / sqrt(pi) integral_0^x exp(-t^2) dt",
        references=(Reference("NIST Digital Library of Mathematical Functions", "equation 7.2.1"),),
        target="torch.erf",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(math.erf),
        constant=constant(math.erf),
        example="erf(x)",
        monotone=True,
    ),
    Function(
        name="exp",
        summary="The exponential function.",
        formula="exp(x) = e^x",
        references=(
            Reference("NIST Digital Library of Mathematical Functions", "equation 4.2.19"),
        ),
        target="torch.exp",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(exp_of),
        constant=constant(math.exp),
        example="exp(x)",
        monotone=True,
    ),
    Function(
        name="expm1",
        summary="The exponential minus 1, accurate near 0.",
        formula="expm1(x) = e^x - 1",
        references=(
            Reference(
                "Higham, Accuracy and Stability of Numerical Algorithms, 2002", "section 1.14.1"
            ),
        ),
        target="torch.expm1",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(_expm1_limit),
        constant=constant(math.expm1),
        example="expm1(x)",
        monotone=True,
    ),
    Function(
        name="known",
        summary="The mask of known values of data: 1 where it has a value, 0 where it is missing.",
        formula="known(x)_i = 1 where x_i has a value, else 0",
        target="specc.runtime.functions.elementwise.known",
        arity=(1, 1),
        shape=elementwise_shape,
        support=always(BOOLEAN),
        constant=constant(lambda x: 1.0),
        example="known(x)",
        of_data=True,
    ),
    Function(
        name="lgamma",
        summary="The logarithm of the gamma function; log x! is lgamma(x + 1).",
        formula="lgamma(x) = log integral_0^inf t^(x - 1) exp(-t) dt",
        references=(Reference("NIST Digital Library of Mathematical Functions", "equation 5.2.1"),),
        target="torch.lgamma",
        arity=(1, 1),
        shape=elementwise_shape,
        support=always(REAL),
        constant=constant(math.lgamma),
        example="lgamma(x + 1)",
        domain=POSITIVE,
    ),
    Function(
        name="log",
        summary="The natural logarithm.",
        formula="log(x) = the y of e^y = x",
        references=(Reference("NIST Digital Library of Mathematical Functions", "equation 4.2.2"),),
        target="torch.log",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(_log_limit, NONNEGATIVE),
        constant=constant(math.log),
        example="log(x)",
        monotone=True,
        domain=POSITIVE,
    ),
    Function(
        name="log_probs",
        summary="The logarithm of probabilities, with the gradient 0 at 0.",
        formula="log_probs(x) = log(x)",
        references=(Reference("NIST Digital Library of Mathematical Functions", "equation 4.2.2"),),
        target="specc.runtime.functions.elementwise.log_probs",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(_log_limit, NONNEGATIVE),
        constant=constant(math.log),
        example="log_probs(x)",
        monotone=True,
        domain=POSITIVE,
    ),
    Function(
        name="log1p",
        summary="The logarithm of 1 + x, accurate near 0.",
        formula="log1p(x) = log(1 + x)",
        references=(
            Reference(
                "Higham, Accuracy and Stability of Numerical Algorithms, 2002", "problem 1.5"
            ),
        ),
        target="torch.log1p",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(_log1p_limit, Interval(low=-1.0)),
        constant=constant(math.log1p),
        example="log1p(x)",
        monotone=True,
        domain=Interval(low=-1.0, low_open=True),
    ),
    Function(
        name="logit",
        summary="The inverse of the logistic function, from (0, 1) onto all numbers.",
        formula="logit(x) = log(x / (1 - x))",
        references=(Reference("Berkson, Application of the logistic function to bio-assay, 1944"),),
        target="specc.runtime.functions.elementwise.logit",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(_logit_limit, UNIT_INTERVAL),
        constant=constant(_logit_limit),
        example="logit(x)",
        monotone=True,
        domain=OPEN_UNIT_INTERVAL,
    ),
    Function(
        name="relu",
        summary="The positive part.",
        formula="relu(x) = max(x, 0)",
        references=(
            Reference(
                "Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, "
                "2010"
            ),
        ),
        target="torch.relu",
        arity=(1, 1),
        shape=elementwise_shape,
        support=_relu_support,
        constant=constant(lambda x: max(x, 0.0)),
        example="relu(x)",
    ),
    Function(
        name="sigmoid",
        summary="The logistic function, from all numbers onto (0, 1).",
        formula="sigmoid(x) = 1 / (1 + e^-x)",
        references=(Reference("Berkson, Application of the logistic function to bio-assay, 1944"),),
        target="torch.sigmoid",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(_sigmoid),
        constant=constant(_sigmoid),
        example="sigmoid(x)",
        monotone=True,
    ),
    Function(
        name="sin",
        summary="The sine of an angle in radians.",
        formula="sin(x) = sum_k (-1)^k x^(2 k + 1) / (2 k + 1)!",
        references=(
            Reference("NIST Digital Library of Mathematical Functions", "equation 4.14.1"),
        ),
        target="torch.sin",
        arity=(1, 1),
        shape=elementwise_shape,
        support=always(Interval(-1.0, 1.0)),
        constant=constant(math.sin),
        example="sin(x)",
    ),
    Function(
        name="softplus",
        summary="A smooth function from all numbers onto the positive ones.",
        formula="softplus(x) = log(1 + e^x)",
        references=(
            Reference(
                "Dugas et al., Incorporating second-order functional knowledge for better option "
                "pricing, 2001"
            ),
        ),
        target="specc.runtime.functions.elementwise.softplus",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(_softplus),
        constant=constant(_softplus),
        example="softplus(x)",
        monotone=True,
    ),
    Function(
        name="sqrt",
        summary="The square root.",
        formula="sqrt(x) = x^(1/2)",
        target="torch.sqrt",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(math.sqrt, NONNEGATIVE),
        constant=constant(math.sqrt),
        example="sqrt(x)",
        monotone=True,
        domain=NONNEGATIVE,
    ),
    Function(
        name="square",
        summary="The square.",
        formula="square(x) = x^2",
        target="torch.square",
        arity=(1, 1),
        shape=elementwise_shape,
        support=_square_support,
        constant=constant(lambda x: x * x),
        example="square(x)",
    ),
    Function(
        name="stop",
        summary="A value without a gradient.",
        formula="stop(x) = x, d stop(x)/dx = 0",
        target="torch.detach",
        detaches=True,
        arity=(1, 1),
        shape=elementwise_shape,
        support=_unchanged,
        constant=constant(lambda x: x),
        example="stop(x)",
    ),
    Function(
        name="tanh",
        summary="The hyperbolic tangent, from all numbers onto (-1, 1).",
        formula="tanh(x) = (e^x - e^-x) / (e^x + e^-x)",
        references=(
            Reference("NIST Digital Library of Mathematical Functions", "equation 4.28.4"),
        ),
        target="torch.tanh",
        arity=(1, 1),
        shape=elementwise_shape,
        support=increasing(math.tanh),
        constant=constant(math.tanh),
        example="tanh(x)",
        monotone=True,
    ),
)
