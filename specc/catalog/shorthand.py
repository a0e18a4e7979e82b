"""The catalog entry of an objective that is short for several players.

Its long form is text of a spec: the losses of the `players`, and programs for further random
numbers. The language reads this text like that of a user.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Protocol

from msgspec import Struct, field
from pydantic import AfterValidator, BaseModel, Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Named, NoOptions

_NO_WORDS = frozenset({"null", "true", "false"})
"""Names that are not words in YAML."""

_WORD = re.compile(r"[A-Za-z]\w*", re.ASCII)


def _link(name: str) -> str:
    if _WORD.fullmatch(name) is None:
        raise ValueError("the name of a link")
    return name


def _reference(name: str) -> str:
    parts = name.split(".")
    if len(parts) != 2 or any(_WORD.fullmatch(part) is None for part in parts):
        raise ValueError("a node of a program, such as `model.x`")
    return name


LinkName = Annotated[str, AfterValidator(_link)]
NodeName = Annotated[str, AfterValidator(_reference)]
# A list in YAML; strict mode would refuse it for a tuple.
NodeNames = Annotated[tuple[NodeName, ...], Field(strict=False, max_length=100)]


class Outline(Protocol):
    """The names in a spec on which a long form depends, beside its options."""

    def random(self, program: str) -> tuple[str, ...]:
        """The nodes of a program with a distribution; empty for an unknown program."""

    def units(self, program: str) -> tuple[str, ...]:
        """The random nodes on which the energy of a program depends; empty without an energy."""

    def trainable(self, program: str, nodes: Iterable[str]) -> tuple[str, ...]:
        """The links and learnable parameters on which some nodes depend, directly or indirectly."""

    def fresh(self, name: str) -> str:
        """An unused name for a further program: this one, or a similar one."""

    def observed(self, program: str) -> Mapping[str, str]:
        """The observed nodes of a program, with the data field of each."""

    def energy(self, program: str, values: Mapping[str, str]) -> str | None:
        """The energy of a program, with other values in place of some nodes; None without one.

        The text is that of an expression of a loss. It is None, too, if the energy depends on nodes
        of the program that are neither parameters nor among the `values`.
        """


class NoLongForm(Exception):
    """Raised if a spec has no long form; the text gives the reason.

    `option` is the invalid option, or "".
    """

    def __init__(self, reason: str, option: str = "") -> None:
        super().__init__(reason)
        self.option = option


class Shorthand(Struct, frozen=True):
    """An objective that is short for several players.

    `expand` returns the long form from all options by name and the outline of the spec. `named` has
    the options whose value is a catalog entry with its options.
    """

    name: str
    title: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    expand: Callable[[Mapping[str, Any], Outline], str]
    Options: type[BaseModel] = NoOptions
    named: Mapping[str, Mapping[str, Named]] = field(default_factory=lambda: MappingProxyType({}))


def player(minimize: str, links: Iterable[str], **settings: object) -> str:
    """The text of a player, without its name; settings that are None or 1 are omitted."""
    names = (f'"{name}"' if name.lower() in _NO_WORDS else name for name in links)
    lines = [f'minimize: "{minimize}"', f"links: [{', '.join(names)}]"]
    lines += [f"{key}: {value}" for key, value in settings.items() if value not in (None, 1)]
    return "\n".join(lines)


def long_form(
    players: Mapping[str, str], programs: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> str:
    """The text of a long form, from the texts of players and the nodes of further programs."""
    lines = ["programs:"] if programs else []
    for name, nodes in programs.items():
        lines += [f"  {name}:", *(f"    {node}: {what}" for node, what in nodes.items())]
    lines += ["objective:", "  players:"]
    for name, text in players.items():
        lines += [f"    {name}:", *(f"      {line}" for line in text.splitlines())]
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """A number in a spec: `10`, `0.5`."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def weighted(weight: float, term: str) -> str:
    """A term with its weight, as in a spec: `10 * x`, and `x` with the weight 1."""
    return term if weight == 1 else f"{number(weight)} * {term}"


def node_of(reference: str) -> str:
    """The name of the node in a reference, `x` of `model.x`."""
    return reference.partition(".")[2]


def trainable_for(outline: Outline, reference: str, without: str = "") -> tuple[str, ...]:
    """The links and learnable parameters on which the node `model.x` depends, except `without`.

    Raises `NoLongForm` if there are none.
    """
    program, _, node = reference.partition(".")
    found = tuple(name for name in outline.trainable(program, [node]) if name != without)
    if not found:
        raise NoLongForm(f"no link or parameter feeds `{reference}`, so nothing learns", "sample")
    return found


class EnergyOfData(Struct, frozen=True):
    """The energy of a model with one node, which is observed, as text of a loss.

    `node` is a reference to the data, and `trained` are the links and parameters of the energy.
    """

    node: str
    trained: tuple[str, ...]
    outline: Outline

    def at(self, value: str) -> str:
        """The energy at another value, such as `noisy.value`."""
        name = next(iter(self.outline.observed("model")))
        found = self.outline.energy("model", {name: value})
        assert found is not None
        return found

    @property
    def gradient(self) -> str:
        """The gradient of the energy at the data."""
        return f"grad({self.at(self.node)}, {self.node})"


def energy_of_data(outline: Outline) -> EnergyOfData:
    """The energy of the model, whose only random node is observed.

    Raises `NoLongForm` if there is none, or if it depends on other nodes or has nothing to train.
    """
    observed = outline.observed("model")
    if outline.energy("model", {}) is None and not outline.trainable("model", ["energy"]):
        raise NoLongForm("the model has no `energy:` with a link or parameter to train")
    if len(observed) != 1 or len(outline.random("model")) != 1:
        raise NoLongForm("the energy has to be of one node, which is observed")
    ((name, field),) = observed.items()
    if outline.energy("model", {name: f"data.{field}"}) is None:
        raise NoLongForm("the energy depends on given data, or is too large")
    trained = outline.trainable("model", ["energy"])
    if not trained:
        raise NoLongForm("no link or parameter of the energy can be trained")
    return EnergyOfData(f"data.{field}", trained, outline)


def model_and_guide(outline: Outline) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The links and parameters of the model and of the guide; shared ones belong to the model.

    Raises `NoLongForm` if a program has no node with a distribution, or nothing to train.
    """
    found: list[tuple[str, ...]] = []
    for program in ("model", "guide"):
        nodes = outline.random(program)
        links = outline.trainable(program, nodes)
        trained = tuple(name for name in links if not found or name not in found[0])
        if not nodes:
            raise NoLongForm(f"there is no {program} with a density")
        if not trained:
            raise NoLongForm(f"no link or parameter of the {program} can be trained")
        found.append(trained)
    model, guide = found
    return model, guide


def below_energy(outline: Outline, program: str) -> tuple[str, ...]:
    """The random nodes of a program that are no units of its energy; all of them, without one."""
    units = outline.units(program)
    return tuple(node for node in outline.random(program) if node not in units)


def log_densities(outline: Outline, program: str, values: str = "") -> tuple[str, ...]:
    """The terms `log_prob(...)` of a program, at the values of another if `values` names one.

    The units of an energy have no such terms.
    """
    at = f", at={values}" if values else ""
    return tuple(f"log_prob({program}.{node}{at})" for node in below_energy(outline, program))


def negative(terms: Iterable[str]) -> str:
    """The negative of a sum of terms: `-a - b`."""
    return "-" + " - ".join(terms)
