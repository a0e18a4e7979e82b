"""Stages in the manifest: losses that are trained one after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from specc.runtime.json_object import JsonObject, ManifestError
from specc.runtime.losses import Loss

if TYPE_CHECKING:
    from torch import nn

ORDERS = ("alternating", "simultaneous")
"""The orders in which players update their parameters."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A module or parameter that takes the values of another one; `transposed` for a matrix."""

    target: str
    source: str
    transposed: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of training: its losses, and what is copied when it starts.

    A program without stages has one without a name, `number` 0 of `count` 1. In the `order`
    `simultaneous` the gradients of all its losses are computed before any parameter is updated.
    `rows` are the classes of its rows by field; empty for all rows.
    """

    losses: tuple[Loss, ...]
    order: str = ORDERS[0]
    name: str = ""
    copies: tuple[Copy, ...] = ()
    number: int = 0
    count: int = 1
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The stage in messages: `stage 2 of 3, second`; empty if there is only one."""
        return f"stage {self.number + 1} of {self.count}, {self.name}" if self.name else ""


def parse_order(found: str) -> str:
    """The order of updates; raises ManifestError."""
    if found not in ORDERS:
        raise ManifestError(f"`order` is {found!r}, not one of {ORDERS}")
    return found


def parse_stages(items: Sequence[JsonObject], losses: Sequence[Loss]) -> tuple[Stage, ...]:
    """The stages in a manifest; raises ManifestError unless each loss is in one of them."""
    known = {loss.name: loss for loss in losses}
    names = [name for item in items for name in item.names("losses")]
    if items and sorted(names) != sorted(known):
        raise ManifestError(f"the losses of `stages` are {names}, not {list(known)}")
    return tuple(
        Stage(
            losses=tuple(known[name] for name in item.names("losses")),
            order=parse_order(item.get("order", str, ORDERS[0])),
            name=item.get("name", str),
            copies=tuple(_copy(own) for own in item.items("copies", [])),
            number=number,
            count=len(items),
            rows={name: tuple(own) for name, own in item.get("rows", dict, {}).items()},
        )
        for number, item in enumerate(items)
    )


def _copy(item: JsonObject) -> Copy:
    of = item.get("target", str), item.get("source", str)
    return Copy(*of, item.get("transposed", bool, False))


def belongs(name: str, owners: Collection[str]) -> bool:
    """Whether a tensor has one of these prefixes: `model.decoder` of `model.decoder.0.weight`."""
    return any(name == owner or name.startswith(f"{owner}.") for owner in owners)


def held_still(program: nn.Module, losses: Iterable[Loss]) -> Iterator[nn.Module]:
    """The modules inside the programs with parameters none of which the losses train."""
    owners = {owner for loss in losses for owner in loss.parameters}
    trained = {id(p) for name, p in program.named_parameters() if belongs(name, owners)}
    for part in program.children():
        for module in part.children():
            parameters = list(module.parameters())
            if parameters and not any(id(p) in trained for p in parameters):
                yield module


def transfers(
    copies: Iterable[Copy], tensors: Mapping[str, object]
) -> Iterator[tuple[str, str, bool]]:
    """The tensors that copies set, the tensors that they are set from, and whether transposed.

    Raises ManifestError if there is no such tensor.
    """
    for copy in copies:
        found = [name for name in tensors if belongs(name, (copy.source,))]
        for name in found:
            target = copy.target + name.removeprefix(copy.source)
            if target not in tensors:
                raise ManifestError(f"a copy sets `{target}`, which is no tensor")
            yield target, name, copy.transposed
        if not found:
            raise ManifestError(f"a copy is of `{copy.source}`, which has no tensors")
