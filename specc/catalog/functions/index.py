"""The functions there are, by name; each one's module is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from specc.catalog.entry import Function

NAMES = (
    "abs",
    "clip",
    "concat",
    "cos",
    "dot",
    "erf",
    "exp",
    "expm1",
    "eye",
    "flatten",
    "known",
    "log",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "one_hot",
    "prod",
    "relu",
    "sigmoid",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "stop",
    "sum",
    "tanh",
)


def names() -> tuple[str, ...]:
    """The names of all functions, sorted."""
    return NAMES


def contains(name: str) -> bool:
    """Whether there is a function of this name."""
    return name in NAMES


def function(name: str) -> Function:
    """The function of this name. Raises `KeyError` where there is none."""
    if name not in NAMES:
        raise KeyError(name)
    entry: Function = import_module(f"{__package__}.{name}").ENTRY
    return entry
