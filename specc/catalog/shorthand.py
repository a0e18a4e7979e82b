"""What an objective says of itself that is short for several players.

Its long form is text of a spec: `players` with what each of them minimizes, and programs for random
numbers that belong to no model. The language reads that text like one that a user wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Named, NoOptions

_NO_WORDS = frozenset({"null", "true", "false"})
"""Names that YAML would read as something else."""

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
# A YAML list; strict mode would refuse it where a tuple is wanted.
NodeNames = Annotated[tuple[NodeName, ...], Field(strict=False, max_length=100)]


class Outline(Protocol):
    """What a long form depends on beside the options: the names in the rest of the spec."""

    def random(self, program: str) -> tuple[str, ...]:
        """The nodes of a program that have a distribution; none where there is no such program."""

    def trainable(self, program: str, nodes: Iterable[str]) -> tuple[str, ...]:
        """The links and learnable parameters that feed some nodes, at any distance."""

    def fresh(self, name: str) -> str:
        """A name for a further program: this one, or one like it that is not taken."""


class NoLongForm(Exception):
    """There is no long form in this spec; the text says why.

    `option` is the option that does not fit, or empty.
    """

    def __init__(self, reason: str, option: str = "") -> None:
        super().__init__(reason)
        self.option = option


@dataclass(frozen=True, slots=True)
class Shorthand:
    """An objective that is short for several players.

    `expand` makes the long form from the options, all of them by name, and the outline of the spec.
    `named` are the options whose value is an entry of a catalog, by its name with its options.
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
    """A player, as lines below its name; a setting that is None or 1 is left out."""
    names = (f'"{name}"' if name.lower() in _NO_WORDS else name for name in links)
    lines = [f'minimize: "{minimize}"', f"links: [{', '.join(names)}]"]
    lines += [f"{key}: {value}" for key, value in settings.items() if value not in (None, 1)]
    return "\n".join(lines)


def long_form(
    players: Mapping[str, str], programs: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> str:
    """The text of players, each as `player` makes it, and of the nodes of further programs."""
    lines = ["programs:"] if programs else []
    for name, nodes in programs.items():
        lines += [f"  {name}:", *(f"    {node}: {what}" for node, what in nodes.items())]
    lines += ["objective:", "  players:"]
    for name, text in players.items():
        lines += [f"    {name}:", *(f"      {line}" for line in text.splitlines())]
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """A number as a spec has it: `10`, `0.5`."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def node_of(reference: str) -> str:
    """The node in `model.x`."""
    return reference.partition(".")[2]


def feeding(outline: Outline, reference: str, without: str = "") -> tuple[str, ...]:
    """The links and learnable parameters that feed the node `model.x`, but for one of them.

    Raises `NoLongForm` where there are none.
    """
    program, _, node = reference.partition(".")
    found = tuple(name for name in outline.trainable(program, [node]) if name != without)
    if not found:
        raise NoLongForm(f"no link or parameter feeds `{reference}`, so nothing learns", "sample")
    return found


def model_and_guide(outline: Outline) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What trains the model and what trains the guide; what both use belongs to the model.

    Raises `NoLongForm` where either has no density, or nothing to train.
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


def log_densities(outline: Outline, program: str, values: str = "") -> tuple[str, ...]:
    """The log-densities of a program, at the values of another where that is named."""
    at = f", at={values}" if values else ""
    return tuple(f"log_prob({program}.{node}{at})" for node in outline.random(program))


def negative(terms: Iterable[str]) -> str:
    """The negative of a sum: `-a - b`."""
    return "-" + " - ".join(terms)
