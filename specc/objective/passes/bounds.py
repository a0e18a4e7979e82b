"""The terms of a loss before draws are chosen, and bounds as sums of log-densities."""

from __future__ import annotations

from msgspec import Struct, field

from specc.catalog.objective import Objective as Entry
from specc.diagnostics.source import Span
from specc.graph.graph import GUIDE, MODEL, Graph
from specc.language.schema.spec import Path
from specc.objective.objective import Chain, Moves
from specc.objective.terms import KL_WEIGHT, LogProb, Normalize, Part, Sum, walk

WRITTEN = Entry(
    name="minimize",
    title="negative of what the spec minimizes",
    summary="An expression over the programs.",
    formula="",
    references=(),
    example='objective: {minimize: "-elbo(model, guide)"}',
    guided=True,
    variable="objective",
)


class Shaping(Struct, frozen=True):
    """Modifications of divergences during training: warm-up, and free bits (a floor in nats)."""

    warm_up: float = 0.0
    free_bits: float = 0.0


class Expansion(Struct, frozen=True):
    """The terms of one loss, with the traits and the number of particles.

    `inner` is the sum under the reduction over particles. `player` is empty if the spec has a
    single objective. `links` are those that the player trains, None for all, and `chain` draws the
    units of an energy. `path` is the place of the player, the stage or the objective in the spec,
    and `frozen` are the names that its stage freezes. `sampler` is the name of what draws from the
    density instead of an optimizer, empty if there is none. `moves` draws latents of rows. With
    `by_step` one random step of a noising chain stands for all of them.
    """

    entry: Entry
    particles: int
    inner: Sum
    span: Span
    shaping: Shaping = field(default_factory=Shaping)
    player: str = ""
    links: tuple[str, ...] | None = None
    chain: Chain | None = None
    path: Path = ("objective",)
    frozen: tuple[str, ...] = ()
    sampler: str = ""
    moves: Moves | None = None
    by_step: bool = False

    @property
    def reweighs(self) -> bool:
        """Whether draws of the guide are importance-weighted; no gradient passes through them."""
        return any(isinstance(term, Normalize) for term in walk(self.inner))


def bound_terms(graph: Graph, entry: Entry, shaping: Shaping | None = None) -> Sum:
    """Return log p of every random node of the model, minus log q of every latent of the guide.

    `shaping` gives weight and floor of both terms of such a latent. A part of a joint draw has a
    term in the model only, which is not weighted. The guide's density of missing data counts in the
    rows where it draws them.
    """
    guided: dict[str, None] = {}
    if entry.guided and graph.guide is not None:
        nodes, own = graph.model.nodes, graph.guide.nodes
        drawn = (own[n] for n in graph.guide.order if n in nodes and nodes[n].is_drawn)
        guided = dict.fromkeys(node.joint or node.name for node in drawn)
    weight = KL_WEIGHT if shaping is not None and shaping.warm_up else ""
    floor = 0.0 if shaping is None else shaping.free_bits
    parts = []
    for name in graph.model.order:
        term = LogProb(MODEL, name)
        if graph.model.nodes[name].is_random:
            shaped = name in guided and not graph.model.nodes[name].missing
            parts.append(Part(1.0, term, weight, floor) if shaped else Part(1.0, term))
    for name in guided:
        in_model = graph.model.nodes.get(name)  # None for a joint draw
        fills = in_model is not None and in_model.missing is not None
        is_weighted = in_model is not None and in_model.joint is None and not fills
        term = LogProb(GUIDE, name, "missing" if fills else "all")
        parts.append(Part(-1.0, term, weight if is_weighted else "", 0.0 if fills else floor))
    return Sum(tuple(parts))
