"""One random step of a noising chain in place of all steps, with closed-form marginals."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
from msgspec import Struct

from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, ROWS, Program, TypedGraph
from specc.graph.nodes import Deterministic, Lagged, Latent, Node
from specc.graph.queries import parameter_of
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression, Index, Name, Number, Over
from specc.language.expressions.walk import names
from specc.objective.objective import Decision
from specc.objective.passes.bounds import Expansion
from specc.objective.passes.linearity import Degree, Degrees
from specc.objective.passes.marginalize import Axes
from specc.objective.terms import ChainDivergence, LogProb, Noising, Part, Sum, Term

HINT = (
    "delete `steps: random`; the bound then has all steps, from draws of the whole sequence of "
    "the guide"
)
"""What helps if the guide is meant as it is."""


class _NoChainError(Exception):
    """The reason why there is no noising chain, with the place that shows it."""

    def __init__(self, reason: str, span: Span, hint: str = HINT) -> None:
        super().__init__(reason)
        self.reason, self.span, self.hint = reason, span, hint


def find_chain(
    typed: TypedGraph, expansion: Expansion, axes: Axes, findings: Findings
) -> Noising | None:
    """Return the noising chain of model and guide; report E0499 if there is none.

    A guide z_t = a_t z_(t-1) + c_t + s_t e, entry by entry, has closed-form marginals q(z_t | x)
    and bridges q(z_t | z_(t+1), x), so that the bound is

        E_q[log p(x | z_0)] - KL(q(top | x) || p(top))
            - sum_t E_q KL(q(z_t | z_(t+1), x) || p(z_t | z_(t+1)))

    (Sohl-Dickstein et al. 2015, equation 14), and one random t has the expectation of the sum over
    their number (Kingma et al. 2021, equation 18).
    """
    try:
        return _Finder(typed, expansion, axes).chain()
    except _NoChainError as problem:
        reason, hint = problem.reason, problem.hint
        findings.add(diagnose("E0499", problem.span, reason=reason, hint=hint))
    return None


def take_one_step(inner: Sum, chain: Noising | None) -> tuple[Sum, list[Decision]]:
    """Return a bound with one random step of a chain, times their number, and the decisions."""
    if chain is None:
        return inner, []
    parts: dict[Term, Part] = {part.term: part for part in inner.parts}
    decisions = []
    for name, count in ((chain.latent, chain.steps), (chain.end, 1)):
        log_p, log_q = parts[LogProb(MODEL, name)], LogProb(GUIDE, name)
        term = ChainDivergence(name, chain)
        parts[log_q] = Part(-float(count), term, log_p.weight, log_p.floor)
        del parts[log_p.term]
        reason = f"q({name} | ...) is normal given the start"
        if name == chain.latent:
            reason = f"that of one random step, times {count}; {reason}"
        decisions.append(Decision(f"KL({name})", "closed form", reason))
    return Sum(tuple(parts.values())), decisions


class _Finder(Struct, frozen=True):
    """Finds the noising chain of a model and its guide."""

    typed: TypedGraph
    expansion: Expansion
    axes: Axes

    @property
    def model(self) -> Program:
        """The program that takes noise away."""
        return self.typed.graph.model

    @property
    def guide(self) -> Program:
        """The program that adds noise."""
        return self.typed.graph.programs[GUIDE]

    def chain(self) -> Noising:
        """Return the chain, or raise _NoChainError."""
        latent = self._latent()
        for program in (self.model, self.guide):
            self._check_normal(program, program.nodes[latent])
            self._check_alone(program, latent)
        end = self._end(latent)
        self._check_normal(self.model, self.model.nodes[end])
        self._check_normal(self.guide, self.guide.nodes[end])
        self._check_affine(latent, self._lagged(self.guide, latent).name)
        self._check_affine(end, self._last(latent, end))
        self._check_rest(latent, end)
        reader, place = self._reader(latent)
        return Noising(latent, end, self._size(latent), reader, place)

    def _size(self, latent: str) -> int:
        scan = self.model.nodes[latent].scan
        assert scan is not None
        return self.typed.graph.size_of(scan)

    def _latent(self) -> str:
        """The only latent that the model draws backward, and the guide forward."""
        drawn = {n for n, draw in self.axes.draws.items() if draw.program == GUIDE}
        on = [n for n in drawn if n in self.model.nodes and self.model.nodes[n].scan]
        found = sorted(n for n in on if self.model.nodes[n].reverse)
        found = [n for n in found if not self.guide.nodes[n].reverse]
        if len(found) == 1:
            return found[0]
        reason = f"there are several: {', '.join(f'`{n}`' for n in found)}"
        if not found and on:
            name = sorted(on)[0]
            way = "backward" if self.model.nodes[name].reverse else "forward"
            reason = f"model and guide both draw `{name}` {way}"
        elif not found:
            reason = "there is none: the guide draws no sequence"
        hint = (
            "let the model draw the sequence backward, by `reverse: true` and `z[t+1]`, and the "
            "guide forward from the data, by `z[t-1]`"
        )
        raise _NoChainError(reason, self.expansion.span, HINT if found else hint)

    def _check_normal(self, program: Program, node: Node) -> None:
        """The node is drawn entry by entry from a normal, with a gradient through the draw."""
        entry, kind, where = node.entry, self.typed.types[node.id], f"in the {program.name}"
        if not isinstance(node, Latent) or entry is None:
            raise _NoChainError(f"`{node.name}` is no latent with a density of its own", node.span)
        if not entry.gaussian or entry.result_dims:
            raise _NoChainError(f"`{node.name}` is {entry.name} {where}, not normal", node.span)
        if node.through:
            raise _NoChainError(f"`{node.name}` goes through a bijection {where}", node.span)
        if set(kind.plates) - {ROWS, node.scan}:
            plate = sorted(set(kind.plates) - {ROWS, node.scan})[0]
            raise _NoChainError(f"`{node.name}` is on the plate `{plate}`, too", node.span)
        if node.scan is not None and self.typed.graph.scans[node.scan].lengths:
            reason = f"rows have different numbers of steps of `{node.name}`"
            raise _NoChainError(reason, node.span)
        draw = self.axes.draws[node.name]
        if not draw.is_pathwise or draw.stops_parameters:
            asked = self.guide.nodes[node.name].draw
            span = node.span if asked is None else asked.span
            raise _NoChainError(f"`draw:` asks for another draw of `{node.name}`", span)
        summed = [name for name, other in self.axes.draws.items() if other.has_axis]
        if summed:
            raise _NoChainError(f"`{summed[0]}` is summed over", node.span)

    def _lagged(self, program: Program, latent: str) -> Lagged:
        """The only lagged value of a sequence: that of the neighbouring step."""
        own = [n for n in program.nodes.values() if isinstance(n, Lagged)]
        found = [n for n in own if n.shift.base == latent]
        if len(found) != 1 or abs(found[0].shift.offset) != 1:
            reason = f"`{latent}` does not depend on one neighbouring step in the {program.name}"
            raise _NoChainError(reason, program.nodes[latent].span)
        return found[0]

    def _check_alone(self, program: Program, latent: str) -> None:
        """Nothing but the sequence itself depends on its steps, and it on no other state."""
        node, lagged = program.nodes[latent], self._lagged(program, latent)
        for other in program.nodes.values():
            is_state = isinstance(other, Lagged) and other is not lagged
            if is_state and program.digraph.has_node(other.name) and self._feeds(other, latent):
                reason = f"`{latent}` depends on `{other.name}`, the state of another sequence"
                raise _NoChainError(reason, node.span)
        digraph = program.digraph.copy()
        digraph.remove_node(latent)
        for name in sorted(nx.descendants(digraph, lagged.name)):
            if program.nodes[name].is_random:
                reason = f"`{name}` depends on all steps of `{latent}` in the {program.name}"
                raise _NoChainError(reason, program.nodes[name].span)

    def _feeds(self, other: Node, latent: str) -> bool:
        digraph = self.typed.graph.programs[other.program].digraph
        return latent in nx.descendants(digraph, other.name)

    def _end(self, latent: str) -> str:
        """The latent with which the model begins, the one after the last step of the guide."""
        start = self._lagged(self.model, latent).initial
        node = self.model.nodes.get(start.id) if isinstance(start, Name) else None
        if node is None or not isinstance(node, Latent) or node.name not in self.guide.nodes:
            reason = (
                f"the model draws `{latent}` from `{print_expression(start)}` on, which is no "
                "latent that the guide draws"
            )
            hint = "let `initial:` be a latent, as `top`, that the guide draws from the last step"
            raise _NoChainError(reason, self.model.nodes[latent].span, hint)
        return node.name

    def _readers(self, program: Program, latent: str) -> Iterator[tuple[Deterministic, int | None]]:
        """The nodes that use a sequence other than by a lagged value, with the step that they use.

        The step is None unless it is a constant.
        """
        for node in program.nodes.values():
            if isinstance(node, Lagged) or latent not in _mentioned(node):
                continue
            if not isinstance(node, Deterministic):
                reason = f"`{node.name}` depends on all steps of `{latent}`"
                raise _NoChainError(reason, node.span)
            yield node, _place(node.value, self._size(latent))

    def _last(self, latent: str, end: str) -> str:
        """The value at the last step in the guide, on which nothing but the end depends."""
        found = list(self._readers(self.guide, latent))
        if len(found) == 1 and found[0][1] == self._size(latent) - 1:
            return found[0][0].name
        reason = f"`{end}` is not drawn from `last({latent}, ...)` alone in the guide"
        raise _NoChainError(reason, self.guide.nodes[end].span)

    def _reader(self, latent: str) -> tuple[str, int]:
        """The node of the model with the value at one step, and that step."""
        found = list(self._readers(self.model, latent))
        if not found:
            return "", 0
        (node, place), *others = found
        if others or place is None:
            span = (others[0][0] if others else node).span
            reason = f"the model uses more than one step of `{latent}`"
            raise _NoChainError(reason, span, "let the data depend on the first step, `z[0]`")
        return node.name, place

    def _check_affine(self, name: str, before: str) -> None:
        """A step of the guide is normal: loc affine in the value before, scale a constant."""
        node, graph = self.guide.nodes[name], self.typed.graph
        degrees = Degrees(graph, self.axes.stochastic, before, GUIDE, by_entry=True)
        assert isinstance(node, Latent)
        loc, _ = node.entry.parameters
        means = {k for k in node.arguments if parameter_of(node.entry, k)[0] is loc}
        given = [(each, key in means) for key, each in node.arguments.items()]
        given += [] if node.params is None else [(node.params, False)]
        for expression, is_mean in given:
            most = Degree.AFFINE if is_mean else Degree.CONSTANT
            if degrees.degree(expression) > most:
                shown = print_expression(expression)
                reason = f"`{shown}` is not affine in `{before}`, entry by entry"
                if not is_mean:
                    reason = f"`{shown}` depends on `{before}`, so that the noise differs"
                raise _NoChainError(reason, expression.span)

    def _check_rest(self, latent: str, end: str) -> None:
        """No other latent of the guide depends on the chain, and nothing on its end."""
        stochastic = self.axes.stochastic
        for name in sorted(stochastic.descendants(latent) - {latent, end}):
            reason = f"the guide draws `{name}` from `{latent}`, too"
            raise _NoChainError(reason, self.guide.nodes[name].span)
        for node in self.model.nodes.values():
            is_other = node.is_random and node.name not in (latent, end)
            if is_other and end in stochastic.parents(MODEL, node.name):
                raise _NoChainError(f"`{node.name}` depends on `{end}`", node.span)


def _mentioned(node: Node) -> set[str]:
    return {name.id for expression in node.expressions() for name in names(expression)}


def _place(value: Expression, size: int) -> int | None:
    """The step of which an expression is the value, `z[0]` or `last(z, t)`; None for others."""
    place: int | None = None
    if isinstance(value, Over) and value.form.selects:
        place = value.form.position
        if isinstance(value.index, Number):
            place = int(value.index.value)
    elif isinstance(value, Index) and len(value.indices) == 1:
        (index,) = value.indices
        place = int(index.value) if isinstance(index, Number) else None
    return None if place is None else place % size
