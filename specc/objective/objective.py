"""An objective with all choices made: losses of players, a draw for each node, and reasons."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, field

from specc.catalog.chain import Chain as ChainEntry
from specc.catalog.objective import Draw as DrawEntry
from specc.catalog.objective import Objective as Entry
from specc.catalog.objective import Variant
from specc.diagnostics.source import Span
from specc.graph.graph import TypedGraph
from specc.language.schema.objective import Order
from specc.objective.experiment import Experiment
from specc.objective.terms import LogProb, Normalized, Part, Reduce, Sum, Term, densities_in, walk


class Draw(Struct, frozen=True):
    """How the value of a random node is determined.

    `program` is where it is drawn: the guide, or the model if the guide lacks the node. `entry` has
    the traits, and `variant` the value of its option: `sticking` for pathwise, the baseline for
    score. `numbers` are its other options, and `baseline` is the node of a learnt one. With `fills`
    it applies only to rows in which the data have no value.
    """

    node: str
    program: str
    entry: DrawEntry
    variant: Variant
    reason: str
    fills: bool = False
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    baseline: str = ""

    @property
    def kind(self) -> str:
        """The name of the draw."""
        return self.entry.name

    @property
    def option(self) -> str:
        """The values of its options: `gumbel, temperature = 0.5`."""
        numbers = (f"{name} = {number:g}" for name, number in self.numbers.items())
        return ", ".join((self.variant.name, *numbers))

    @property
    def density(self) -> LogProb:
        """The log-density of the draw, in the rows in which it is drawn."""
        return LogProb(self.program, self.node, "missing" if self.fills else "all")

    @property
    def is_sampled(self) -> bool:
        """Whether the value has an axis of particles."""
        return self.entry.sampled

    @property
    def has_axis(self) -> bool:
        """Whether the value has an axis of its own, for all its values or for probe points."""
        return self.entry.has_axis

    @property
    def is_pathwise(self) -> bool:
        """Whether gradients pass through the sample (reparameterization)."""
        return self.entry.pathwise

    @property
    def is_relaxed(self) -> bool:
        """Whether a continuous value takes the place of a discrete one."""
        return self.entry.relaxed

    @property
    def is_enumerated(self) -> bool:
        """Whether the value is summed over."""
        return self.entry.enumerated

    @property
    def is_integrated(self) -> bool:
        """Whether the value is integrated out, by evaluation at probe points."""
        return self.entry.integrated

    @property
    def is_point(self) -> bool:
        """Whether the value is a learnable parameter."""
        return self.entry.point

    @property
    def stops_parameters(self) -> bool:
        """Whether parameters are detached in its log-density (sticking the landing)."""
        return self.variant.stops_parameters


def with_axes(draws: Mapping[str, Draw]) -> tuple[str, ...]:
    """Return the nodes whose draws have an axis of values, in their order."""
    return tuple(name for name, draw in draws.items() if draw.has_axis)


class Surrogate(Struct, frozen=True):
    """The score-function gradient of one node: log q(node) times the downstream costs.

    `dropped` are the terms that are left out because they do not depend on the node (Schulman et
    al. 2015, theorem 1).
    """

    node: str
    baseline: str
    costs: tuple[Part, ...]
    dropped: tuple[Term, ...]


class Decision(Struct, frozen=True):
    """A choice of the compiler with its reason, as `explain` prints it."""

    subject: str
    choice: str
    reason: str
    span: Span | None = None


class State(Struct, frozen=True):
    """A tensor that a loss reads and replaces at each step: a running mean, a buffer.

    At first its entries are normal with the mean `initial` and the standard deviation `spread`.
    If it `is_divided`, each micro-batch has a part of it along the first axis. A tensor `of_rows`
    has a value of this shape for each training row, and a micro-batch has those of its rows.
    Otherwise the tensor after the step is the mean over micro-batches.
    """

    name: str
    shape: tuple[int, ...]
    initial: float
    dtype: Literal["float32", "int64"] = "float32"
    is_divided: bool = False
    spread: float = 0.0
    of_rows: bool = False


class Chain(Struct, frozen=True):
    """The Markov chains that draw the units of a program with an energy, block by block.

    They start at the data, or, if `persistent`, `count` of them go on where they stopped. Latent
    nodes at the data that are not summed out are mean-field means, up to a `tolerance`.
    """

    program: str
    steps: int
    persistent: bool = False
    count: int = 0
    tolerance: float = 0.0


class Moves(Struct, frozen=True):
    """The Markov chain of each row, which draws latents of the row that no guide draws.

    In an update it makes `steps` transitions, from where it stopped if it is `persistent`, else
    from random numbers. `options` are those of the catalog `entry`.
    """

    entry: ChainEntry
    options: Mapping[str, object]
    steps: int
    persistent: bool


class Player(Struct, frozen=True):
    """The loss of a player, and what it trains.

    The loss `minimize` is the negative of a bound: the reduction over particles of a sum of terms.
    `links` are the links and parameters that the player trains, None for all. `draws` are in the
    order of drawing. `warm_up` is the fraction of the run in which the weight of divergences rises
    from 0 to 1. `chain` draws the units of an energy, and `moves` latents of rows.
    """

    name: str
    entry: Entry
    minimize: Sum
    particles: int
    draws: Mapping[str, Draw]
    surrogates: tuple[Surrogate, ...] = ()
    links: tuple[str, ...] | None = None
    state: tuple[State, ...] = ()
    warm_up: float = 0.0
    decisions: tuple[Decision, ...] = ()
    chain: Chain | None = None
    moves: Moves | None = None

    @property
    def moved(self) -> tuple[str, ...]:
        """The latents that the chains of rows draw, in the order of the model."""
        own = self.draws.items() if self.moves is not None else ()
        return tuple(name for name, draw in own if draw.entry.chain)

    @property
    def enumerated(self) -> tuple[str, ...]:
        """The nodes with an axis of values, in the order of their axes."""
        return with_axes(self.draws)

    @property
    def is_bound(self) -> bool:
        """Whether the loss contains densities, and so is the negative of a bound."""
        if self.surrogates or any(True for _ in densities_in(self.minimize)):
            return True
        return any(isinstance(term, Normalized) for term in walk(self.minimize))

    @property
    def variable(self) -> str:
        """The variable of the bound in the code, such as `elbo`; `loss` without densities."""
        return self.entry.variable if self.is_bound else "loss"

    @property
    def bound(self) -> Reduce:
        """The bound, whose negative is the loss."""
        (part,) = self.minimize.parts
        assert part.coefficient == -1.0 and isinstance(part.term, Reduce)
        return part.term

    @property
    def parts(self) -> tuple[Part, ...]:
        """The terms under the reduction over particles."""
        inner = self.bound.term
        assert isinstance(inner, Sum)
        return inner.parts


class Copy(Struct, frozen=True):
    """A link or a parameter that takes the values of another one when a stage starts.

    If it is `transposed` the two axes of the matrix `source` are swapped.
    """

    target: str
    source: str
    transposed: bool = False

    def __str__(self) -> str:
        """Return the right side of the copy as the spec writes it."""
        return f"transpose({self.source})" if self.transposed else self.source


class Stage(Struct, frozen=True):
    """The players of one stage by name, the order of their updates, and what starts it.

    `rows` are the classes of its rows, by the node that has the field; empty for all rows.
    """

    name: str
    players: tuple[str, ...]
    order: Order = "alternating"
    copies: tuple[Copy, ...] = ()
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


class Objective(Struct, frozen=True, dict=True):
    """The losses of all players.

    `experiment` has the other parts of the spec. `simultaneous` players compute their gradients at
    the same parameters; `alternating` ones update one after the other. `likelihood` has the terms
    of log p(x), if it has a closed form, and `joint` those of log p(x, z), with z the latents that
    chains or a guide draw, if others are summed out. `coupled` are latents of elements that are
    summed out, whose rows depend on each other. `draws` are those of all players, which the methods
    of the programs use; a node that several players draw has that of the first of them. `evaluated`
    are the draws of a guide that no loss uses, for the figures under `evaluate:`. `stages` are
    trained one after the other, each with some of the players; without any, all train together.
    """

    graph: TypedGraph
    players: tuple[Player, ...]
    experiment: Experiment
    order: Order = "alternating"
    likelihood: Sum | None = None
    joint: Sum | None = None
    coupled: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    evaluated: Mapping[str, Draw] = field(default_factory=dict)

    @cached_property
    def draws(self) -> Mapping[str, Draw]:
        """The draws of all players; a node that several draw has that of the first of them."""
        trained = {n: d for player in reversed(self.players) for n, d in player.draws.items()}
        return MappingProxyType({**self.evaluated, **trained})

    @property
    def enumerated(self) -> tuple[str, ...]:
        """The nodes with an axis of values in the loss of any player."""
        return with_axes(self.draws)

    @property
    def is_sampled(self) -> bool:
        """Whether a sampler draws the latents, from the density of their unconstrained numbers."""
        return any(player.entry.unconstrained for player in self.players)

    def is_likelihood(self, player: Player) -> bool:
        """Whether the loss of a player is -log p(x), with the terms of the likelihood."""
        return self.likelihood is not None and player.parts == self.likelihood.parts
