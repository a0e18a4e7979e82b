"""An objective with every choice made: terms per player, a draw per node, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specc.catalog.objective import Objective as Entry
from specc.diagnostics.source import Span
from specc.graph.graph import MODEL, TypedGraph
from specc.objective.terms import LogProb, Part, Sum, Term


@dataclass(frozen=True, slots=True)
class Draw:
    """How the value of a random node comes about.

    `program` is where it is drawn: the guide, or the model for what no guide covers. `option` is
    the draw's own choice: `sticking` for pathwise, the baseline for score. `fills` says that it is
    for the rows alone in which the data have no value.
    """

    node: str
    program: str
    kind: str
    option: str
    reason: str
    fills: bool = False

    @property
    def density(self) -> LogProb:
        """The density of the draw, in the rows in which it is made."""
        return LogProb(self.program, self.node, "missing" if self.fills else "all")

    @property
    def is_sampled(self) -> bool:
        """Whether a particle axis runs over the node's values."""
        return self.kind in ("pathwise", "score")

    @property
    def has_axis(self) -> bool:
        """Whether an axis runs over its values, or over a basis of them."""
        return self.kind in ("enumerate", "integrate")


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
class Player:
    """One loss, and who minimizes it: every parameter where `links` is None."""

    name: str
    minimize: Sum
    surrogates: tuple[Surrogate, ...] = ()
    links: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """What is optimized: the loss of each player is the negative of the entry's bound.

    `warm_up` is the share of the run in which the weight of divergences rises from 0 to 1.
    """

    graph: TypedGraph
    entry: Entry
    particles: int
    players: tuple[Player, ...]
    draws: Mapping[str, Draw]
    enumerated: tuple[str, ...] = ()
    warm_up: float = 0.0
    decisions: tuple[Decision, ...] = field(default=())

    @property
    def has_likelihood(self) -> bool:
        """Whether log p(x) is exact: no latent, finite ones that are summed out, or points."""
        draws = self.draws.values()
        return all(d.program == MODEL and (d.has_axis or d.kind == "delta") for d in draws)
