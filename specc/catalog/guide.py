"""The catalog entries of guides that the compiler derives: `guide: auto`.

An entry writes the nodes of the guide and their links as a spec would have them, so that later
stages do not know whether a guide is derived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from specc.catalog.entry import Reference, Shape
from specc.catalog.metric import NoOptions


class NoGuide(Exception):
    """Raised if there is no guide of a kind for a latent; `latent` is its name."""

    def __init__(self, latent: str, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.latent, self.hint = latent, hint


class Unknown(Struct, frozen=True):
    """A latent that needs a guide, as the graph has typed it.

    `plate` repeats it, `repeats` times; `shape` is that of one value, `base` that of the real
    numbers which `onto`, the text of a bijection, maps onto its support ("" for all real numbers).
    `start` is the location of its distribution, if that is a number. `given` are the inputs of the
    link that makes the guide of a latent with a value for each row. `distribution` is that of a
    finite latent, empty for a continuous one, with its number of `classes`. `ends` are the texts of
    the ends of its support that other values determine, which differ between the elements of a
    plate if `ends_vary`.
    """

    name: str
    shape: Shape
    base: Shape
    onto: str = ""
    plate: str = ""
    repeats: int = 1
    start: float = 0.0
    given: tuple[str, ...] = ()
    distribution: str = ""
    classes: int = 0
    is_local: bool = False
    ends: tuple[str, ...] = ()
    ends_vary: bool = False

    @property
    def piece(self) -> str:
        """The latent as a piece of a vector, as the bijection `onto` has it."""
        shape = (self.repeats, *self.shape) if self.plate else self.shape
        onto = f", onto: {self.constrained}" if self.onto else ""
        return f"{{shape: {list(shape)}{onto}}}"

    @property
    def size(self) -> int:
        """The number of real numbers, over all elements of the plate."""
        total = self.repeats
        for each in self.base:
            total *= each
        return total

    @property
    def constrained(self) -> str:
        """The support of the latent, as the bijection `onto` has it."""
        known = {"{exp: true}": "positive", "{sigmoid: true}": "unit_interval"}
        return known.get(self.onto) or self.onto.removeprefix("{onto: ").removesuffix("}")


Fresh = Callable[[str], str]
"""A function that makes a name unique in the spec."""


class LongForm(Struct, frozen=True):
    """The nodes of a guide, changes of nodes of the model, and links, as lines of YAML by name."""

    guide: Mapping[str, str]
    links: Mapping[str, str]
    model: Mapping[str, str]

    def with_more(self, other: LongForm) -> LongForm:
        """The lines of both long forms."""
        guide, links = {**self.guide, **other.guide}, {**self.links, **other.links}
        return LongForm(guide, links, {**self.model, **other.model})

    @property
    def text(self) -> str:
        """The long form as a part of a spec."""
        sections = {"model": self.model, "guide": self.guide, "links": self.links}
        return "".join(_section(key, lines) for key, lines in sections.items() if lines)


def _section(key: str, lines: Mapping[str, str]) -> str:
    return f"{key}:\n" + "".join(f"  {name}: {value}\n" for name, value in lines.items())


class Guide(Struct, frozen=True):
    """A kind of derived guide: its name, its options, and its nodes for some latents.

    With `local` it draws latents with a value for each row; otherwise those that rows share. The
    `standard` ones are for latents whose kind of guide the spec does not state. Those of a `point`
    are no random values.
    `expand` returns the nodes of the guide; it raises `NoGuide` for a latent that it cannot draw.
    """

    name: str
    title: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    Options: type[NoOptions]
    expand: Callable[[Mapping[str, Any], Sequence[Unknown], Fresh], LongForm]
    local: bool = False
    standard: bool = False
    point: bool = False


def require_continuous(latents: Iterable[Unknown]) -> None:
    """Raises `NoGuide` for a finite latent."""
    for each in latents:
        if each.distribution:
            reason = f"its distribution, {each.distribution}, is discrete"
            raise NoGuide(each.name, reason, "write its node in the guide")


def parameter(support: str, shape: Shape, plate: str = "", init: str = "") -> str:
    """The declaration of a parameter: `{parameter: real, shape: [3]}`."""
    sizes = f", shape: {list(shape)}" if shape else ""
    repeated = f", plate: {plate}" if plate else ""
    start = f", init: {init}" if init else ""
    return f"{{parameter: {support}{sizes}{repeated}{start}}}"


def onto(latent: Unknown, fresh: Fresh, links: dict[str, str]) -> str:
    """The end of a node that maps its draw onto the support; adds the bijection to `links`."""
    if not latent.onto:
        return ""
    name = fresh(f"{latent.name}_onto")
    links[name] = latent.onto
    return f", through: {applied(name, latent.ends)}"


def applied(link: str, ends: Sequence[str]) -> str:
    """A bijection, with the ends of its range if they are values."""
    text = f"{link}({', '.join(ends)})" if ends else link
    return f'"{text}"' if set(text) & set(",[]{}") else text


class Vector(Struct, frozen=True):
    """The node that draws latents as one vector: its name, its `head`, and its bijections.

    `prefix` begins the names of its parameters, and `start` is their location at the start.
    """

    name: str
    prefix: str
    head: str
    steps: tuple[str, ...]
    start: str
    links: dict[str, str]

    def node(self, distribution: str) -> str:
        """The declaration of the node with a distribution."""
        through = _through(self.steps)
        return f"{{{self.head}{distribution}{through}}}"


def drawn_together(latents: Sequence[Unknown], fresh: Fresh, *, flow: bool = False) -> Vector:
    """The node of latents that are drawn as one vector.

    A single vector of real numbers is a latent node, anything else a joint node. The first of
    its bijections is the flow, if there is one.
    """
    first, links = latents[0], dict[str, str]()
    is_vector = len(latents) == 1 and not first.onto and not first.plate and len(first.shape) == 1
    name = first.name if is_vector else fresh("latents")
    parts = ", ".join(f"{each.name}: latent" for each in latents)
    head = "latent: " if is_vector else f"joint: {{{parts}}}, distribution: "
    for each in latents:
        if each.ends_vary:
            reason = f"its ends differ between the elements of `{each.plate}`"
            raise NoGuide(each.name, reason, "choose `mean_field` for it")
    prefix = first.name if len(latents) == 1 else name
    steps = [fresh(f"{prefix}_flow")] if flow else []
    if any(each.onto for each in latents):
        link = fresh(f"{prefix}_onto")
        links[link] = f"{{onto: [{', '.join(each.piece for each in latents)}]}}"
        steps.append(applied(link, [end for each in latents for end in each.ends]))
    starts = [each.start for each in latents for _ in range(each.size)]
    start = str([float(f"{each:g}") for each in starts]) if any(starts) else ""
    return Vector(name, prefix, head, tuple(steps), start, links)


def _through(steps: Sequence[str]) -> str:
    if not steps:
        return ""
    return f", through: {steps[0]}" if len(steps) == 1 else f", through: [{', '.join(steps)}]"
