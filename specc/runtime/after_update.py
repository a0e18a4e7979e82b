"""Tensors that follow parameters: a rule changes them after each update of these.

    power_iteration   u and v of a spectrally normalized layer (`specc.runtime.links.spectral_norm`)
    moving_average    the parameters theta' of one module follow theta of another, which has the
                      same layers: theta' <- decay theta' + (1 - decay) theta
                      (Tarvainen and Valpola 2017, equation 1)

The tensors are parameters without gradient or buffers of a module, so that checkpoints have them.
The manifest lists the rules in the order in which they are applied; no loss and no evaluation
changes the tensors. A skipped update leaves them unchanged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import cast

import torch
from torch import Tensor, nn

from specc.runtime.links.spectral_norm import START_ITERATIONS, SpectralNorm
from specc.runtime.update_rules import AfterUpdate, is_inside, moved_by


@torch.no_grad()
def start(root: nn.Module, rules: Iterable[AfterUpdate], loaded: Collection[str] = ()) -> None:
    """Initializes the tensors from the initial parameters.

    A moving average starts as a copy of the parameters that it follows, unless `loaded`, the names
    of the tensors that have values already, has one of its names.
    """
    for rule in rules:
        own, of = root.get_submodule(rule.module), root.get_submodule(rule.of)
        if rule.rule == "power_iteration":
            cast("SpectralNorm", own).iterate(START_ITERATIONS)
        elif not any(is_inside(name, rule.module) for name in loaded):
            pairs = zip(own.state_dict().values(), of.state_dict().values(), strict=True)
            for mine, followed in pairs:
                mine.copy_(followed)


@torch.no_grad()
def advance(root: nn.Module, rules: Iterable[AfterUpdate], skipped: Tensor | None = None) -> None:
    """Applies rules after an update; if `skipped` is 1 nothing changes."""
    for rule in rules:
        own, of = root.get_submodule(rule.module), root.get_submodule(rule.of)
        if rule.rule == "power_iteration":
            power_iteration(own, skipped)
        else:
            moving_average(own, of, rule.options["decay"], skipped)


def power_iteration(own: nn.Module, skipped: Tensor | None = None) -> None:
    """One power iteration of a spectrally normalized layer."""
    layer = cast("SpectralNorm", own)
    for current, new in zip((layer.u, layer.v), layer.next_vectors(), strict=True):
        current.copy_(new if skipped is None else torch.where(skipped.bool(), current, new))


def moving_average(
    own: nn.Module, of: nn.Module, decay: float, skipped: Tensor | None = None
) -> None:
    """theta' <- theta' + (1 - decay) (theta - theta'), number by number."""
    for mine, followed in zip(own.parameters(), of.parameters(), strict=True):
        current, value = _local(mine), _local(followed)
        new = torch.lerp(current, value, 1.0 - decay)
        current.copy_(new if skipped is None else torch.where(skipped.bool(), current, new))


def _local(tensor: Tensor) -> Tensor:
    """The rows of a sharded tensor in this process, else the tensor."""
    rows: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return rows


__all__ = ["AfterUpdate", "advance", "moved_by", "start"]
