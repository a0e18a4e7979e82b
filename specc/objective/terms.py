"""The algebra of objectives: scalar terms for each event, sums and reductions.

Every named objective expands into these terms, so that explaining, checking and generating code do
not depend on its name. Only `children` depends on the fields of each type; `fold` and `walk` use
it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, assert_never

from msgspec import Struct

from specc.graph.graph import NETWORKS
from specc.graph.nodes import NodeId
from specc.graph.passes.references import value_name
from specc.language.expressions.tree import Expression, Number

T = TypeVar("T")

Rows = Literal["all", "missing", "known"]
How = Literal["mean", "logmeanexp", "logsumexp", "elements", "forward", "integrate", "weighted"]


class LogProb(Struct, frozen=True):
    """The log-density of a node in a program at the value of the node: log p(x | z).

    The guide's density of data that may be missing counts in some rows only: those in which it
    draws a value (`missing`), or as a mean over those with a value (`known`).
    """

    program: str
    node: str
    rows: Rows = "all"


class Divergence(Struct, frozen=True):
    """KL(q(z | ...) || p(z | ...)) in closed form, in place of log q(z) - log p(z)."""

    node: str


class Noising(Struct, frozen=True):
    """A noising chain: a sequence whose values are normal given those before the first step.

    The guide draws the `steps` steps of `latent` and then `end`, each normal, with a mean that is
    affine in the value before, entry by entry. The model draws `latent` backward from `end`, and
    all else depends on its value at the step `place` alone, the node `reader` of the model, if any.
    """

    latent: str
    end: str
    steps: int
    reader: str = ""
    place: int = 0


class ChainDivergence(Divergence, frozen=True):
    """The divergence of a node of a noising chain, given what is before its first step.

    That of its latent is one of q(z[t] | z[t+1], start) from p(z[t] | z[t+1]) at a random step t,
    and that of its end one of q(end | start).
    """

    chain: Noising

    @property
    def is_random(self) -> bool:
        """Whether it is that of a random step, in place of the mean over all steps."""
        return self.node == self.chain.latent


class Value(Struct, frozen=True):
    """The value of an expression e(x, z), a scalar for each event.

    The expression is a constant, or one of nodes as `program.node`. The latter is a node of the
    program `networks` with the text of the expression as its name.
    """

    expression: Expression


def value_node(expression: Expression) -> NodeId:
    """Return the node with the value of an expression of a loss."""
    return NETWORKS, value_name(expression)


class Energy(Struct, frozen=True):
    """The energy of a program, or its free energy, a deterministic `node` of it.

    p(x, z) = exp(-E(x, z)) / Z, and p(x) = exp(-F(x)) / Z. A draw of the program has the energy at
    the values of the draw.
    """

    program: str
    node: str

    @property
    def bound(self) -> tuple[str, ...]:
        """The units that the term sums over, so that it does not depend on values of them."""
        return ()

    @property
    def kind(self) -> str:
        """The kind of the term, in texts and digests."""
        return "energy"


class StateSum(Energy, frozen=True):
    """log sum exp(-E) over all states of `units`, where E is the value of the `node`.

    It is log Z if all other units are summed out of E.
    """

    units: tuple[str, ...]

    @property
    def bound(self) -> tuple[str, ...]:
        """All units that the term sums over."""
        return self.units

    @property
    def kind(self) -> str:
        """The kind of the term, with the units."""
        return "sum over states"


class Conditionals(Energy, frozen=True):
    """sum_i log p(x_i | x_-i) over the entries of the observed units, the latent ones summed out.

    The `node` is the energy of the observed units alone.
    """

    @property
    def kind(self) -> str:
        """The kind of the term."""
        return "conditionals"


Normalized = StateSum | Conditionals
"""Terms that make a normalized density of an energy."""


class Operation(ABC):
    """A function of other terms.

    Printing, renaming and verification need only these two properties.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def function(self) -> str:
        """The operator or the name of the function, as in a spec."""

    @property
    @abstractmethod
    def operands(self) -> tuple[Term, ...]:
        """The terms to which the function is applied."""


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
    """stop(t): the value of t with derivative 0.

    It also has no derivative as an expectation: it is not a cost of any score-function gradient.
    """

    term: Term

    @property
    def function(self) -> str:
        """The name of the function in a spec."""
        return "stop"

    @property
    def operands(self) -> tuple[Term, ...]:
        """The term itself."""
        return (self.term,)


@dataclass(frozen=True, slots=True)
class Normalize(Operation):
    """K exp(t_k) / sum_j exp(t_j) over K draws: self-normalized importance weights, of mean 1.

    `term` are the log-weights; the result keeps the axis of draws.
    """

    term: Term

    @property
    def function(self) -> str:
        """The name of the function in formulas."""
        return "weights"

    @property
    def operands(self) -> tuple[Term, ...]:
        """The log-weights."""
        return (self.term,)


class Reduce(Struct, frozen=True):
    """A reduction of a term t over axes.

    Over the axis `particle` of K draws, `mean` is 1/K sum_k t_k, and `logmeanexp` is log 1/K sum_k
    exp(t_k). Otherwise `axes` are names of nodes: `logsumexp` is log sum_v exp(t(v)) over all
    combinations of values v of finite nodes, where t is a joint log-density; `forward` is the same
    over the states of a sequence; `integrate` is log int exp(t(z)) dz over a normal latent;
    `elements` is the sum over the elements k of a plate of log sum_v exp(t_k(v)), or, if t has
    terms of rows, that of all terms of k and its rows minus that of the terms of k alone;
    `weighted` is sum_v q(v) t(v), the expectation under the guide.
    """

    how: How
    axes: tuple[str, ...]
    term: Term


class Part(Struct, frozen=True):
    """A term with its coefficient in a sum.

    `weight` is the name of a further factor that the loss takes at each step (`kl_weight`), if any.
    The mean of the term over rows is at least `floor` nats.
    """

    coefficient: float
    term: Term
    weight: str = ""
    floor: float = 0.0


class Sum(Struct, frozen=True):
    """sum_i c_i w_i t_i over its parts, with coefficients c, weights w of the step, and terms t."""

    parts: tuple[Part, ...]


Density = LogProb | Divergence
Leaf = LogProb | Divergence | Value | Energy
Term = Leaf | Apply | Detach | Normalize | Reduce | Sum

PARTICLE = "particle"
KL_WEIGHT = "kl_weight"
"""The weight of divergences while it rises from 0 to 1 (Bowman et al. 2016, section 3.1)."""


def children(term: Term) -> tuple[Term, ...]:
    """Return the terms directly inside a term, in order."""
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


def parts_of(term: Term) -> tuple[Part, ...]:
    """Return the parts of a sum; another term is its own only part."""
    return term.parts if isinstance(term, Sum) else (Part(1.0, term),)


def coefficients(term: Term) -> tuple[float, ...]:
    """Return the coefficients of the terms directly inside a term."""
    if isinstance(term, Sum):
        return tuple(part.coefficient for part in term.parts)
    return (1.0,) * len(children(term))


def fold(term: Term, combine: Callable[[Term, tuple[T, ...]], T]) -> T:
    """Return `combine` of a term and the results of its children, from the leaves up."""
    return combine(term, tuple(fold(child, combine) for child in children(term)))


def walk(term: Term) -> Iterator[Term]:
    """Yield a term and all terms inside it, in preorder."""
    yield term
    for child in children(term):
        yield from walk(child)


def is_number(term: Term) -> bool:
    """Whether a term is a number of the step, such as `progress() / 2`: the same for all draws."""
    leaves = (t for t in walk(term) if isinstance(t, Leaf))
    return all(isinstance(t, Value) and isinstance(t.expression, Number) for t in leaves)


def densities_in(term: Term, coefficient: float = 1.0) -> Iterator[tuple[float, Density]]:
    """Yield the densities and divergences inside a term, with their coefficients.

    The coefficient of a density is the product of those above it; functions are ignored.
    """
    if isinstance(term, Density):
        yield coefficient, term
        return
    for factor, child in zip(coefficients(term), children(term), strict=True):
        yield from densities_in(child, coefficient * factor)


def trained(term: Term) -> Iterator[Leaf]:
    """Yield the leaves with a gradient: those outside of `Detach`."""
    if isinstance(term, Leaf):
        yield term
    elif not isinstance(term, Detach):
        for child in children(term):
            yield from trained(child)


def noising_chain(term: Term) -> Noising | None:
    """Return the noising chain of which a term has one random step; None without one."""
    return next((t.chain for t in walk(term) if isinstance(t, ChainDivergence)), None)


def in_steps(term: Term) -> Iterator[Reduce]:
    """Yield the reductions that need densities by step: sums over states, and integrals."""
    return (t for t in walk(term) if isinstance(t, Reduce) and t.how in ("integrate", "forward"))
