"""The distributions there are, by name; each one's module is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from specc.catalog.entry import Distribution

_NAMES = (
    "bernoulli",
    "beta",
    "binomial",
    "categorical",
    "cauchy",
    "continuous_bernoulli",
    "dirichlet",
    "discretized_logistic",
    "exponential",
    "gamma",
    "gumbel",
    "half_cauchy",
    "half_normal",
    "inverse_gamma",
    "laplace",
    "log_normal",
    "logistic",
    "multinomial",
    "multivariate_normal",
    "negative_binomial",
    "normal",
    "one_hot_categorical",
    "poisson",
    "student_t",
    "uniform",
)


def names() -> tuple[str, ...]:
    """The names of all distributions, sorted."""
    return _NAMES


def contains(name: str) -> bool:
    """Whether there is a distribution of this name."""
    return name in _NAMES


def distribution(name: str) -> Distribution:
    """The distribution of this name. Raises `KeyError` where there is none."""
    if not contains(name):
        raise KeyError(name)
    entry: Distribution = import_module(f"{__package__}.{name}").ENTRY
    return entry
