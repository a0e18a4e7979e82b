"""An objective with every choice made: players of terms, a draw for each node, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from specc.catalog.objective import Draw as DrawEntry
from specc.catalog.objective import Objective as Entry
from specc.catalog.objective import Variant
from specc.diagnostics.source import Span
from specc.graph.graph import TypedGraph
from specc.language.schema.objective import Order
from specc.objective.experiment import Experiment
from specc.objective.terms import LogProb, Part, Reduce, Sum, Term, densities_in


@dataclass(frozen=True, slots=True)
class Draw:
    """How the value of a random node comes about.

    `program` is where it is drawn: the guide, or the model for what no guide covers. `entry` has
    the traits, and `variant` the value of its option: `sticking` for pathwise, the baseline for
    score. With `fills` it is for the rows alone in which the data have no value.
    """

    node: str
    program: str
    entry: DrawEntry
    variant: Variant
    reason: str
    fills: bool = False

    @property
    def kind(self) -> str:
        """The name of the draw, to be shown."""
        return self.entry.name

    @property
    def option(self) -> str:
        """The value of its option, to be shown."""
        return self.variant.name

    @property
    def density(self) -> LogProb:
        """The density of the draw, in the rows in which it is made."""
        return LogProb(self.program, self.node, "missing" if self.fills else "all")

    @property
    def is_sampled(self) -> bool:
        """Whether a particle axis runs over the node's values."""
        return self.entry.sampled

    @property
    def has_axis(self) -> bool:
        """Whether an axis runs over its values, or over a basis of them."""
        return self.entry.has_axis

    @property
    def is_pathwise(self) -> bool:
        """Whether gradients pass through the sample."""
        return self.entry.pathwise

    @property
    def is_enumerated(self) -> bool:
        """Whether every value of it is summed over."""
        return self.entry.enumerated

    @property
    def is_integrated(self) -> bool:
        """Whether it is integrated out, by way of a basis of its values."""
        return self.entry.integrated

    @property
    def is_point(self) -> bool:
        """Whether its value is a parameter."""
        return self.entry.point

    @property
    def stops_parameters(self) -> bool:
        """Whether its log-density has constants for parameters (sticking the landing)."""
        return self.variant.stops_parameters


@dataclass(frozen=True, slots=True)
class Surrogate:
    """The score-function gradient of one node: log q(node) times the costs downstream of it.

    `dropped` are the terms left out because the node cannot influence them
    (Schulman et al. 2015, theorem 1).
    """

    node: str
    baseline: str
    costs: tuple[Part, ...]
    dropped: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that the compiler chose, with its reason, as `explain` prints it."""

    subject: str
    choice: str
    reason: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A tensor that a loss reads and replaces at each step: a running mean, a chain, a buffer."""

    name: str
    shape: tuple[int, ...]
    initial: float


@dataclass(frozen=True, slots=True)
class Player:
    """One loss with all that it needs, and what it trains.

    The loss `minimize` is the negative of a bound: the reduction over particles of a sum of terms.
    `links` are the links and parameters that the player trains, all of them where it is None.
    `draws` are in the order in which they are made; `enumerated` are those with an axis. `warm_up`
    is the share of the run in which the weight of divergences rises from 0 to 1.
    """

    name: str
    entry: Entry
    minimize: Sum
    particles: int
    draws: Mapping[str, Draw]
    surrogates: tuple[Surrogate, ...] = ()
    links: tuple[str, ...] | None = None
    state: tuple[State, ...] = ()
    enumerated: tuple[str, ...] = ()
    warm_up: float = 0.0
    decisions: tuple[Decision, ...] = ()

    @property
    def is_bound(self) -> bool:
        """Whether the loss is the negative of a bound, or of densities: else it is of values."""
        return bool(self.surrogates) or any(True for _ in densities_in(self.minimize))

    @property
    def variable(self) -> str:
        """What the code calls what is computed: `elbo`, or `loss` where no density is in it."""
        return self.entry.variable if self.is_bound else "loss"

    @property
    def bound(self) -> Reduce:
        """What the loss is the negative of."""
        (part,) = self.minimize.parts
        assert part.coefficient == -1.0 and isinstance(part.term, Reduce)
        return part.term

    @property
    def parts(self) -> tuple[Part, ...]:
        """The terms under the reduction over particles."""
        inner = self.bound.term
        assert isinstance(inner, Sum)
        return inner.parts


@dataclass(frozen=True, slots=True)
class Objective:
    """What is optimized, and by whom.

    `experiment` has what the spec states beside it. `simultaneous` players take their gradients at
    the same parameters; `alternating` ones move in turn, each from where the one before has moved
    to. `likelihood` has the terms of log p(x), where it is in closed form. The methods of the
    programs are made from `first`, the first player with the draws of all.
    """

    graph: TypedGraph
    players: tuple[Player, ...]
    experiment: Experiment
    order: Order = "alternating"
    likelihood: Sum | None = None
    first: Player = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        draws = {n: d for player in reversed(self.players) for n, d in player.draws.items()}
        lead = self.players[0]
        if len(self.players) > 1:
            axes = tuple(name for name, draw in draws.items() if draw.has_axis)
            lead = replace(lead, draws=MappingProxyType(draws), enumerated=axes)
        object.__setattr__(self, "first", lead)

    def is_likelihood(self, player: Player) -> bool:
        """Whether a player minimizes -log p(x): its terms are those of the likelihood."""
        return self.likelihood is not None and player.parts == self.likelihood.parts

    @property
    def draws(self) -> Mapping[str, Draw]:
        """The draws of all players; where several draw a node, that of the first of them."""
        return self.first.draws
