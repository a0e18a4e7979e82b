"""Python names for the names of a spec: the same where possible, with `_` appended on a clash."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Container, Iterable, Sequence

from specc.catalog.registry import module_names
from specc.graph.graph import DATA
from specc.language.reserved import MODULE_ATTRIBUTES

# Names that occur in generated code for other purposes.
OWN = frozenset(
    """
    self model guide networks noise rows particles draws data_size kl_weight loss math torch nn init
    score progress
    Tensor Noise Model Guide Networks Program program
    logmeanexp cholesky_factor corr_cholesky_factor positive_definite_matrix
    concat one_hot stack to_float gather_nd index_select
    lag lead initial_value expand_steps sequence_mask masked_update stack_steps
    first_entry last_entry element_of_plate first_over_plate last_over_plate flatten_over_plate
    sum_over_plate mean_over_plate max_over_plate min_over_plate
    forward_algorithm gaussian_marginal kalman_filter probe_points
    """.split()  # noqa: SIM905
)

# The methods of generated classes.
METHODS = frozenset(
    """
    log_joint log_prior log_prob log_det sample sample_prior sample_posterior sample_elements
    posterior_probs
    conditional_mean impute gibbs sample_and_log_prob sample_global sample_global_and_log_prob
    predict_log_proba
    """.split()  # noqa: SIM905
)


def reserved() -> frozenset[str]:
    """Return the names that no local variable of generated code may have."""
    words = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
    return OWN | words | module_names()


def function_of(player: str) -> str:
    """Return the name of the loss of a player: that of the player, with `_` if it is reserved."""
    return f"{player}_" if player in reserved() - {"loss"} else player


LONGEST = 4
"""The largest number of words of an expression in the name of its value, if that is unique."""


def python_name(name: str, longest: int = LONGEST) -> str:
    """Return the Python name of a name of the spec or of the text of an expression.

    `model.x` becomes `model_x`, `data.x` becomes `x`, and `d(model.x)` becomes `d_model_x`. Of more
    than `longest` words it has the first ones and the last.
    """
    words = _words(name)
    if len(words) > longest:
        words = words[: longest - 1] + words[-1:]
    return "_".join(words) if not words[0][0].isdigit() else "_".join(["value", *words])


def python_names(name: str) -> list[str]:
    """Return the Python names of an expression, with more and more of its words."""
    lengths = range(LONGEST, max(LONGEST, len(_words(name))) + 1)
    return [python_name(name, longest) for longest in lengths]


def _words(name: str) -> list[str]:
    words = [w for w in re.split(r"\W+", name.removeprefix(f"{DATA}.")) if w and w != DATA]
    return words or [DATA]


def unique(wanted: Sequence[str], taken: Container[str]) -> str:
    """Return the first name that is not taken, else the first with as many `_` as it needs."""
    free = next((name for name in wanted if name not in taken), None)
    name = wanted[0] if free is None else free
    while name in taken:
        name += "_"
    return name


class Names:
    """Python names by names of the spec, and new names for other variables."""

    def __init__(self, names: Iterable[str], further: Iterable[str] = ()) -> None:
        self._taken = set(reserved()) | set(further)
        self._python: dict[str, str] = {}
        for name in sorted(names, key=lambda name: (len(_words(name)), name)):
            self._python[name] = self.fresh(*python_names(name))

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

    def fresh(self, *wanted: str) -> str:
        """Return the first name that is not taken, with `_` appended if all are, and reserve it."""
        name = unique(wanted, self._taken)
        self._taken.add(name)
        return name


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
