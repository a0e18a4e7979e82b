"""Python names for the names of a spec: the same where possible, with `_` appended on a clash."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from specc.catalog.registry import module_names
from specc.graph.graph import DATA
from specc.language.reserved import MODULE_ATTRIBUTES

# Names that occur in generated code for other purposes.
OWN = frozenset(
    """
    self model guide networks noise rows particles data_size kl_weight loss math torch nn init score
    progress
    Tensor Noise Model Guide Networks Program program
    logmeanexp cholesky_factor concat one_hot stack to_float gather_nd index_select
    lag lead initial_value expand_steps sequence_mask masked_update stack_steps
    forward_algorithm gaussian_marginal kalman_filter probe_points
    """.split()  # noqa: SIM905
)

# The methods of generated classes.
METHODS = frozenset(
    """
    log_joint log_prior log_prob sample conditional_mean impute gibbs
    sample_and_log_prob sample_global predict_log_proba
    """.split()  # noqa: SIM905
)


def reserved() -> frozenset[str]:
    """Return the names that no local variable of generated code may have."""
    words = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
    return OWN | words | module_names()


def function_of(player: str) -> str:
    """Return the name of the loss of a player: that of the player, with `_` if it is reserved."""
    return f"{player}_" if player in reserved() - {"loss"} else player


def python_name(name: str) -> str:
    """Return the Python name of a name of the spec or of the text of an expression.

    `model.x` becomes `model_x`, `data.x` becomes `x`, and `d(model.x)` becomes `d_model_x`.
    """
    words = [w for w in re.split(r"\W+", name.removeprefix(f"{DATA}.")) if w and w != DATA]
    words = words or [DATA]
    if len(words) > LONGEST:
        words = words[: LONGEST - 1] + words[-1:]
    return "_".join(words) if not words[0][0].isdigit() else "_".join(["value", *words])


LONGEST = 4
"""The largest number of words of an expression in the name of its value."""


class Names:
    """Python names by names of the spec, and new names for other variables."""

    def __init__(self, names: Iterable[str], further: Iterable[str] = ()) -> None:
        self._taken = set(reserved()) | set(further)
        self._python: dict[str, str] = {}
        for name in sorted(names):
            self._python[name] = self.fresh(python_name(name))

    def __getitem__(self, name: str) -> str:
        """Return the Python name of a name of the spec."""
        return self._python[name]

    def call(self, name: str, wanted: str) -> None:
        """Give a name of the spec the Python name `wanted`, made unique, unless it has one."""
        if name not in self._python:
            self._python[name] = self.fresh(wanted)

    def share(self, name: str, other: str) -> None:
        """Give a name of the spec the Python name of another one."""
        self._python[name] = self._python[other]

    def fresh(self, wanted: str) -> str:
        """Return `wanted` with as many `_` appended as make it unique, and reserve the name."""
        while wanted in self._taken:
            wanted += "_"
        self._taken.add(wanted)
        return wanted


class Attributes:
    """Names of attributes of a generated class, distinct from those of `torch.nn.Module`."""

    def __init__(self) -> None:
        self._taken = set(MODULE_ATTRIBUTES | METHODS | set(keyword.kwlist))

    def fresh(self, wanted: str) -> str:
        """Return `wanted` with as many `_` appended as make it unique, and reserve the name."""
        while wanted in self._taken:
            wanted += "_"
        self._taken.add(wanted)
        return wanted
