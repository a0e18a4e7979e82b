"""The algebra of objectives: scalars per event, and how they are weighed, summed and reduced.

Every named objective is an expansion into these terms, so explaining, checking and emitting an
objective never asks for its name. `children` is the only function that knows where a term keeps
the terms inside it; `fold` and `walk` are made of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, assert_never

from specc.graph.graph import NETWORKS
from specc.graph.nodes import NodeId
from specc.graph.passes.references import value_name
from specc.language.expressions.tree import Expression

T = TypeVar("T")

Rows = Literal["all", "missing", "known"]
How = Literal["mean", "logmeanexp", "logsumexp", "forward", "integrate", "weighted"]


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
class Value:
    """e(x, z): the value of an expression, a number for each event.

    The expression is a number, or one of nodes, each as `program.node`: the node of the program
    `networks` that has the text of the expression for its name.
    """

    expression: Expression


def value_node(expression: Expression) -> NodeId:
    """The node whose value is that of an expression of a loss."""
    return NETWORKS, value_name(expression)


@dataclass(frozen=True, slots=True)
class Energy:
    """E(x, z), the energy of a program at the values of its nodes: p(x, z) = exp(-E(x, z)) / Z."""

    program: str


class Operation(ABC):
    """A term made of other terms alone, by a `function` of their values.

    What prints, erases and verifies terms needs no more of it than the two properties.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def function(self) -> str:
        """The operator or the function, as a spec writes it."""

    @property
    @abstractmethod
    def operands(self) -> tuple[Term, ...]:
        """The terms that it is of."""


@dataclass(frozen=True, slots=True)
class Apply(Operation):
    """op(t_1, ..., t_n) of the values of terms, for each event.

    `op` is an operator, `*`, `/` or `**`, or the name of an elementwise function of the catalog.
    """

    op: str
    terms: tuple[Term, ...]

    @property
    def function(self) -> str:
        """The operator, or the name of the function."""
        return self.op

    @property
    def operands(self) -> tuple[Term, ...]:
        """The arguments."""
        return self.terms


@dataclass(frozen=True, slots=True)
class Detach(Operation):
    """sg(t): the value of t, with derivative 0.

    The derivative is that of an expectation over draws: a detached term has no gradient through its
    value, and is no cost of any draw.
    """

    term: Term

    @property
    def function(self) -> str:
        """How a spec writes it."""
        return "stop"

    @property
    def operands(self) -> tuple[Term, ...]:
        """The term itself."""
        return (self.term,)


@dataclass(frozen=True, slots=True)
class Normalize(Operation):
    """K exp(t_k) / sum_j exp(t_j) over K draws: self-normalized importance weights, of mean 1.

    `term` are the log-weights; the axis of draws stays.
    """

    term: Term

    @property
    def function(self) -> str:
        """How a formula shows it."""
        return "weights"

    @property
    def operands(self) -> tuple[Term, ...]:
        """The log-weights."""
        return (self.term,)


@dataclass(frozen=True, slots=True)
class Reduce:
    """A term t with axes reduced.

    Over the axis `particle` of K draws: `mean` is 1/K sum_k t_k, and `logmeanexp` is
    log 1/K sum_k exp(t_k). Otherwise `axes` are names of nodes. `logsumexp` is log sum_v exp(t(v))
    over all combinations of values of finite nodes, t a joint log-density; `forward` is the same
    over the states of one sequence, `integrate` is log int exp(t(z)) dz over one normal latent.
    `weighted` is sum_v q(v) t(v), the expectation under the guide's probabilities.
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
    """sum_i c_i w_i t_i over its parts: a coefficient, a weight of the step, and a term each."""

    parts: tuple[Part, ...]


Density = LogProb | Divergence
Leaf = LogProb | Divergence | Value | Energy
Term = Leaf | Apply | Detach | Normalize | Reduce | Sum

PARTICLE = "particle"
KL_WEIGHT = "kl_weight"
"""The factor of divergences while it rises from 0 to 1 (Bowman et al. 2016, section 3.1)."""


def children(term: Term) -> tuple[Term, ...]:
    """The terms directly inside one, in order."""
    match term:
        case LogProb() | Divergence() | Value() | Energy():
            return ()
        case Apply() | Detach() | Normalize():
            return term.operands
        case Reduce(term=inner):
            return (inner,)
        case Sum(parts=parts):
            return tuple(part.term for part in parts)
        case _:
            assert_never(term)


def coefficients(term: Term) -> tuple[float, ...]:
    """What each of the terms directly inside one is multiplied by."""
    if isinstance(term, Sum):
        return tuple(part.coefficient for part in term.parts)
    return (1.0,) * len(children(term))


def fold(term: Term, combine: Callable[[Term, tuple[T, ...]], T]) -> T:
    """The value of a term from those of its children, which are computed first."""
    return combine(term, tuple(fold(child, combine) for child in children(term)))


def walk(term: Term) -> Iterator[Term]:
    """The term and all inside it, outermost first, left to right."""
    yield term
    for child in children(term):
        yield from walk(child)


def densities_in(term: Term, coefficient: float = 1.0) -> Iterator[tuple[float, Density]]:
    """The densities and divergences inside a term, each with the product of the coefficients above.

    Inside a function of terms these are the coefficients of its arguments, times its own.
    """
    if isinstance(term, Density):
        yield coefficient, term
        return
    for factor, child in zip(coefficients(term), children(term), strict=True):
        yield from densities_in(child, coefficient * factor)


def trained(term: Term) -> Iterator[Leaf]:
    """The leaves that a gradient reaches: those outside of `Detach`."""
    if isinstance(term, Leaf):
        yield term
    elif not isinstance(term, Detach):
        for child in children(term):
            yield from trained(child)


def in_steps(term: Term) -> Iterator[Reduce]:
    """What takes densities before they are summed over steps: sums over states, and integrals."""
    return (t for t in walk(term) if isinstance(t, Reduce) and t.how in ("integrate", "forward"))
