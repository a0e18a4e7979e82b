"""Python names for the names of a spec: the same where possible, with `_` where they clash."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable

from specc.catalog.distributions import index as distributions
from specc.catalog.functions import index as functions

# What generated code itself says beside the spec's names.
OWN = frozenset(
    """
    self model guide noise rows particles data_size kl_weight loss math torch nn init score
    Tensor Noise Model Guide Program program logmeanexp take pick cholesky_factor concat one_hot
    """.split()  # noqa: SIM905
)

# The attributes of torch.nn.Module, which a link or a parameter of that name would hide.
MODULE_ATTRIBUTES = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
    get_submodule half ipu load_state_dict modules mtia named_buffers named_children
    named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state
    set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
    """.split()  # noqa: SIM905
)

# The methods of generated classes.
METHODS = frozenset(["log_joint", "log_prior", "log_prob", "sample", "mean", "predict", "complete"])


def reserved() -> frozenset[str]:
    """Names that no local variable of generated code may take."""
    words = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
    return OWN | words | set(distributions.names()) | set(functions.names())


class Names:
    """Gives every name of a spec one Python name, and fresh names to what is computed from it."""

    def __init__(self, names: Iterable[str]) -> None:
        self._taken = set(reserved())
        self._python: dict[str, str] = {}
        for name in sorted(names):
            self._python[name] = self.fresh(name)

    def __getitem__(self, name: str) -> str:
        """The Python name of a name of the spec."""
        return self._python[name]

    def call(self, name: str, wanted: str) -> None:
        """Give a name of the spec another Python name, or as near as can be."""
        if name not in self._python:
            self._python[name] = self.fresh(wanted)

    def fresh(self, wanted: str) -> str:
        """`wanted`, with as many `_` after it as it takes to be new."""
        while wanted in self._taken:
            wanted += "_"
        self._taken.add(wanted)
        return wanted


class Attributes:
    """Names on one generated class, kept off torch's own and off each other."""

    def __init__(self) -> None:
        self._taken = set(MODULE_ATTRIBUTES | METHODS | set(keyword.kwlist))

    def fresh(self, wanted: str) -> str:
        """`wanted`, with as many `_` after it as it takes to be new."""
        while wanted in self._taken:
            wanted += "_"
        self._taken.add(wanted)
        return wanted
