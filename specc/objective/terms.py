"""The algebra of objectives: scalars per event, and how they are weighed, summed and reduced.

Every named objective is an expansion into these terms, so explaining, checking and emitting an
objective never asks for its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Rows = Literal["all", "missing", "known"]
How = Literal["mean", "sum", "logmeanexp", "logsumexp", "forward", "integrate", "weighted"]


@dataclass(frozen=True, slots=True)
class LogProb:
    """log of the density of a node in a program, at the node's value: log p(x | z).

    Of data that may be missing, a guide's density counts in some rows only: where it draws a value
    (`missing`), or as the mean over the rows that have one (`known`).
    """

    program: str
    node: str
    rows: Rows = "all"


@dataclass(frozen=True, slots=True)
class Divergence:
    """KL(q(z | ...) || p(z | ...)) in closed form, in place of log q(z) - log p(z)."""

    node: str


@dataclass(frozen=True, slots=True)
class Reduce:
    """A term with axes taken away.

    `axis` is `particle`, or the names of enumerated nodes: `logsumexp` over them sums a joint
    density, and `forward` that of the states of a sequence, which has one name, as has the normal
    latent that `integrate` takes away; `weighted` is the
    expectation under the guide's probabilities of their values.
    """

    how: How
    axes: tuple[str, ...]
    term: Term


@dataclass(frozen=True, slots=True)
class Part:
    """A term with its coefficient in a sum.

    `weight` is the name of a further factor, given to the loss at each step (`kl_weight`), if there
    is one; the mean of the term over rows counts as `floor` nats at least.
    """

    coefficient: float
    term: Term
    weight: str = ""
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Sum:
    """A weighted sum of terms."""

    parts: tuple[Part, ...]


Term = LogProb | Divergence | Reduce | Sum

PARTICLE = "particle"
KL_WEIGHT = "kl_weight"
"""The factor of divergences while it rises from 0 to 1 (Bowman et al. 2016, section 3.1)."""


def leaves(term: Term, coefficient: float = 1.0) -> Iterator[tuple[float, LogProb | Divergence]]:
    """The factors inside a term with the product of the coefficients above each."""
    match term:
        case Sum(parts=parts):
            for part in parts:
                yield from leaves(part.term, coefficient * part.coefficient)
        case Reduce(term=inner):
            yield from leaves(inner, coefficient)
        case _:
            yield coefficient, term


def in_steps(term: Term) -> Iterator[Reduce]:
    """What takes densities before they are summed over steps: sums over states, and integrals."""
    match term:
        case Sum(parts=parts):
            for part in parts:
                yield from in_steps(part.term)
        case Reduce(how="integrate" | "forward"):
            yield term
        case Reduce(term=inner):
            yield from in_steps(inner)
