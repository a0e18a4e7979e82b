"""The declaration of an energy in a manifest: its units, their conditionals and their blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specc.runtime.json_object import JsonObject, ManifestError


@dataclass(frozen=True, slots=True)
class Colors:
    """The colors of the entries of a unit that interact: entries of one color do not.

    Attributes:
        buffer: The buffer of the program with the number of the color of each entry.
        count: The number of colors.
        neutral: The value that an entry has in the unit from which its own conditional is computed.

    """

    buffer: str
    count: int
    neutral: float


@dataclass(frozen=True, slots=True)
class Unit:
    """A node of an energy, with the method that computes its conditional given the others.

    Attributes:
        role: `observed` or `latent`.
        distribution: The distribution of the node given the others.
        shape: The shape of one draw.
        method: The method of the program that computes the parameters of the conditional; empty if
            the conditional has no closed form.
        given: The units that the method takes, in its order.
        parameters: The names of what the method returns.
        total: The total count of a multinomial unit, if the spec states it.
        colors: The colors of the entries, if they interact; the method takes the unit, too.

    """

    role: str
    distribution: str
    shape: tuple[int, ...]
    method: str
    given: tuple[str, ...]
    parameters: tuple[str, ...]
    total: int | None = None
    colors: Colors | None = None

    @property
    def is_moved(self) -> bool:
        """Whether a chain along a gradient moves the unit, as no closed form draws it."""
        return not self.method

    @property
    def is_summable(self) -> bool:
        """Whether the unit can be summed out in closed form, given all others."""
        return bool(self.method) and self.colors is None


@dataclass(frozen=True, slots=True)
class Let:
    """A value that is computed from units and from what is given.

    It has the method of the program, and what that takes.
    """

    method: str
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Energy:
    """An energy E(x) of units with p(x) = exp(-E(x)) / Z.

    `energy` are the inputs of the method of that name, and `free_energy` those of its method, None
    if the latent units are not summed out in closed form. The units of each of the `blocks` are
    independent given all others. `lets` are values that the methods take, each after those that it
    takes itself.
    """

    energy: tuple[str, ...]
    free_energy: tuple[str, ...] | None
    units: Mapping[str, Unit]
    blocks: tuple[tuple[str, ...], ...]
    lets: Mapping[str, Let] = field(default_factory=dict)

    @property
    def given(self) -> tuple[str, ...]:
        """The given nodes on which the energy or a conditional depends."""
        of_units = (name for unit in self.units.values() for name in unit.given)
        of_lets = (name for let in self.lets.values() for name in let.given)
        names = dict.fromkeys((*self.energy, *of_units, *of_lets))
        return tuple(n for n in names if n not in self.units and n not in self.lets)


def parse_energy(item: JsonObject) -> Energy:
    """The energy of a manifest; raises ManifestError."""
    units = {name: _unit(own) for name, own in item.child("units").children()}
    blocks = _blocks(item)
    lets = item.child("lets").children() if "lets" in item.value else ()
    strange = [name for block in blocks for name in block if name not in units]
    if strange:
        raise ManifestError(f"`{item.path}.blocks` has `{strange[0]}`, which is no unit")
    return Energy(
        energy=item.names("energy"),
        free_energy=None if item.value.get("free_energy") is None else item.names("free_energy"),
        units=units,
        blocks=blocks,
        lets={n: _let(own) for n, own in lets},
    )


def _let(item: JsonObject) -> Let:
    return Let(method=item.get("method", str), given=item.names("given"))


def _unit(item: JsonObject) -> Unit:
    return Unit(
        role=item.get("role", str),
        distribution=item.get("distribution", str),
        shape=item.sizes("shape"),
        method=item.get("method", str, ""),
        given=item.names("given") if "given" in item.value else (),
        parameters=item.names("parameters") if "parameters" in item.value else (),
        total=item.optional("total", int),
        colors=_colors(item.child("colors")) if "colors" in item.value else None,
    )


def _colors(item: JsonObject) -> Colors:
    return Colors(
        buffer=item.get("buffer", str),
        count=item.get("count", int),
        neutral=item.get("neutral", float),
    )


def _blocks(item: JsonObject) -> tuple[tuple[str, ...], ...]:
    found = item.get("blocks", list)
    return tuple(
        JsonObject({"block": block}, f"{item.path}.blocks").names("block") for block in found
    )
