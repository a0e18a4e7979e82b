"""Latents of rows that a Markov chain draws inside an objective: Monte Carlo EM.

The gradient of log p(x) is the mean of the gradient of the joint density over the posterior,

    grad log p(x) = E_p(z|x)[grad log p(x, z)]

so an update along the gradient of log p(x, z) at a draw of z from p(z | x) climbs log p(x) (Wei and
Tanner 1990; with persistent chains, Gu and Kong 1998). If a guide draws other latents u, the chain
has the target p(z | x, u), and the same holds for the gradients by the parameters and by u.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from specc.catalog.objective import Draw as DrawEntry
from specc.catalog.registry import CHAINS
from specc.catalog.transforms import Transform, biject_to
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, ROWS, Graph, TypedGraph
from specc.graph.nodes import Node
from specc.objective.objective import Decision, Draw, Moves, State
from specc.objective.passes.bounds import Expansion

MOVED = DrawEntry(
    name="chain",
    summary="A state of a Markov chain whose stationary distribution is p(z | x), for each row.",
    formula="z = f(u), with u moved by the sampler",
    references=(),
    example="",
    chain=True,
)
"""The draw of latents of rows by the sampler of an objective, which no node asks for by name."""

FORMULA = "E_p(z|x)[log p(x, z)], whose gradient is that of log p(x)"
GUIDED = "E_q(u|x)[E_p(z|x,u)[log p(x, z, u)] - log q(u | x)], z by the chain and u by the guide"


def with_moves(graph: Graph, found: Expansion, findings: Findings) -> Expansion | None:
    """Return a loss whose latents of rows are drawn by the sampler of the spec, if it has one.

    Report a loss that is not the mean of a sum of log-densities (E0484).
    """
    sampler = graph.spec.document.chain
    if sampler is None:
        return found
    entry = found.entry
    reason = ""
    if graph.model.energy is not None:
        reason = "the chain of an energy draws its nodes"
    elif entry.reduction != "mean" or found.reweighs:
        reason = "it needs the density of each draw, which a chain does not have"
    elif found.particles > 1:
        reason = f"it has {found.particles} particles, and a row has one chain"
    elif len(graph.spec.document.sources) > 1:
        reason = "the data have several sources, whose rows are not paired"
    if reason:
        refuse_moves(graph, entry.name, reason, findings)
        return None
    options = {k: v for k, v in sampler.options.items() if k not in ("steps", "persistent")}
    moves = Moves(
        CHAINS[sampler.name],
        {key: value for key, value in options.items() if value is not None},
        int(sampler.options["steps"]),
        bool(sampler.options["persistent"]),
    )
    is_guided = entry.guided and graph.guide is not None
    drawn = replace(
        entry,
        title=f"{entry.title}, by Monte Carlo EM",
        formula=GUIDED if is_guided else FORMULA,
        variable="objective" if is_guided else "log_joint",
    )
    return replace(found, entry=drawn, moves=moves)


def refuse_moves(graph: Graph, objective: str, reason: str, findings: Findings) -> bool:
    """Report a sampler beside an objective that has no use for it (E0484)."""
    sampler = graph.spec.document.chain
    if sampler is None:
        return False
    span = graph.spec.spans.key(("sampler",))
    found = diagnose("E0484", span, sampler=sampler.name, objective=objective, reason=reason)
    findings.add(found)
    return True


def moved(typed: TypedGraph, drawn_in: dict[str, str], moves: Moves | None) -> tuple[str, ...]:
    """Return the latents that the chain draws.

    These are continuous latents of rows that no guide draws, and that ask for no other draw.
    """
    if moves is None:
        return ()
    nodes = (
        (name, typed.graph.model.nodes.get(name)) for name, p in drawn_in.items() if p == MODEL
    )
    return tuple(name for name, node in nodes if node is not None and _is_moved(typed, node))


def _is_moved(typed: TypedGraph, node: Node) -> bool:
    kind = typed.types.get(node.id)
    if kind is None or node.entry is None or node.role != "latent" or node.draw is not None:
        return False
    return kind.is_local and node.entry.continuous and node.joint is None


def moved_draw(node: Node, moves: Moves) -> Draw:
    """Return the draw of a latent by the chain."""
    many = f"{moves.steps:,} steps" if moves.steps > 1 else "one step"
    start = "where the chain of the row stopped" if moves.persistent else "normal numbers"
    reason = f"{many} of {moves.entry.name} from {start}"
    return Draw(node.name, node.program, MOVED, MOVED.variants[0], reason)


def check_moves(
    typed: TypedGraph, names: Iterable[str], expansion: Expansion, findings: Findings
) -> None:
    """Report a chain without latents to draw (E0485)."""
    sampler, spans = typed.graph.spec.document.chain, typed.graph.spec.spans
    if expansion.moves is not None and sampler is not None and not any(True for _ in names):
        findings.add(diagnose("E0485", spans.key(("sampler",)), sampler=sampler.name))


def unconstrained(typed: TypedGraph, node: Node) -> tuple[Transform, tuple[int, ...]]:
    """Return the map from the unconstrained numbers of a row's latent, and their shape."""
    kind = typed.types[node.id]
    onto = biject_to(kind.support)
    assert onto is not None
    plates = tuple(typed.graph.size_of(plate) for plate in kind.plates if plate != ROWS)
    return onto, (*plates, *onto.unconstrained(kind.shape))


def moved_states(
    typed: TypedGraph, names: tuple[str, ...], moves: Moves | None
) -> tuple[State, ...]:
    """Return the states of the chains of rows, the unconstrained numbers of all their latents.

    They start at standard normal numbers.
    """
    if moves is None or not moves.persistent or not names:
        return ()
    nodes = typed.graph.model.nodes
    found = [unconstrained(typed, nodes[name]) for name in names]
    if len(found) == 1:
        ((onto, shape),) = found
        return (State(onto.raw.format(names[0]), shape, 0.0, of_rows=True, spread=1.0),)
    return (State(LATENTS, (sum(_size(s) for _, s in found),), 0.0, of_rows=True, spread=1.0),)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for each in shape:
        size *= each
    return size


LATENTS = "latents"
"""The state of the chain of a row with several latents, as a vector."""


def moves_decisions(names: tuple[str, ...], moves: Moves | None) -> list[Decision]:
    """Return what the loss and its gradient are, for `explain`."""
    if moves is None or not names:
        return []
    choice = f"at draws of {', '.join(names)} from the posterior"
    reason = "its mean is the gradient with these latents integrated out"
    return [Decision("gradient", choice, reason)]
