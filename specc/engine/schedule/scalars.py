"""The scalar arguments of losses, as functions of the position of a run.

Only this module defines the kinds of scalars:

data_size           the rows of the training set
observed_fraction   the fraction of rows with a value of a field, `of`
kl_weight           min(1, step / (warm_up steps)), the annealed weight of divergences
(Bowman et al. 2016, section 3.1)
progress            step / steps, the fraction of the run that is done
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from specc.runtime.failure import RunFailure
from specc.runtime.losses import Loss

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a run: the steps done, the length of the run, and counts of its rows.

    `data_size` counts training rows; `observed` is the fraction of rows with a value, by field, 1
    for a field that is not in it.
    """

    step: int
    steps: int
    data_size: int
    observed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """The function of options and position that gives a scalar; whether it varies between steps.

    A varying scalar is a tensor input of a compiled step; the others are constants in its graph.
    """

    value: Callable[[Options, Position], float]
    varies: bool = False


def _kl_weight(options: Options, at: Position) -> float:
    rising = float(options["warm_up"]) * at.steps
    return min(1.0, at.step / rising) if rising else 1.0


def _progress(options: Options, at: Position) -> float:
    del options
    return at.step / at.steps if at.steps else 1.0


def _data_size(options: Options, at: Position) -> int:
    del options
    return at.data_size


def _observed_fraction(options: Options, at: Position) -> float:
    return at.observed.get(str(options["of"]), 1.0)


KINDS: Mapping[str, Kind] = {
    "data_size": Kind(_data_size),
    "observed_fraction": Kind(_observed_fraction),
    "kl_weight": Kind(_kl_weight, varies=True),
    "progress": Kind(_progress, varies=True),
}


def scalars_at(loss: Loss, at: Position) -> dict[str, float]:
    """The scalars of a loss by argument.

    Raises RunFailure: E0808, if the loss declares a scalar of an unknown kind.
    """
    return {name: _kind(loss, name).value(own.options, at) for name, own in loss.scalars.items()}


def final_scalars(
    loss: Loss, data_size: int, observed: Mapping[str, float] | None = None
) -> dict[str, float]:
    """The scalars at the end of a run, with which losses of held-out rows are computed."""
    return scalars_at(loss, Position(1, 1, data_size, observed or {}))


def varying_scalars(loss: Loss) -> tuple[str, ...]:
    """The names of the scalars that vary between steps; raises RunFailure E0808."""
    return tuple(name for name in loss.scalars if _kind(loss, name).varies)


def _kind(loss: Loss, argument: str) -> Kind:
    kind = loss.scalars[argument].kind
    if kind not in KINDS:
        message = f"the loss `{loss.name}` takes a scalar of the unknown kind `{kind}`"
        raise RunFailure("E0808", message, hint=f"kinds are {', '.join(KINDS)}")
    return KINDS[kind]
