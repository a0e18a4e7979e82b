"""Lowers sums over the states of sequences, and integrals over normal latents."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Literal, Name, Signed
from specc.codegen.lower.densities import parameters
from specc.codegen.lower.scope import Scope
from specc.codegen.plan import Factor
from specc.graph.graph import MODEL
from specc.objective.terms import LogProb, Part, Reduce, parts_of

RUNTIME = "specc.runtime.functions"

Keywords = dict[str, object]


class Marginals(Struct):
    """The latents of a scope that are summed or integrated out by functions of the run time.

    `of_part` emits a density with its axis of steps, `fresh` returns a new name of a variable.
    """

    scope: Scope
    of_part: Callable[[Part], Signed]
    fresh: Callable[[str], str]

    # states of sequences

    def forward(self, term: Reduce) -> str:
        """Emit `log_p = forward_algorithm(log_p_z, log_p_x, axis=-3)`, which sums over states."""
        scope = self.scope
        pairs, singles = self._by_lag(term)
        own, enumerated = {*term.axes, *self._lagged()}, scope.layout.enumerated
        has_axis = scope.layout.has_particles or not own >= set(enumerated)
        if not pairs:
            return self._without_lag(term, singles, keepdim=has_axis)
        is_alone = len(term.axes) == 1
        given, keywords = self.chain(term) if is_alone else self.chains(term)
        kind = "markov.forward_algorithm" if is_alone else "coupled_chains.joint_forward_algorithm"
        value = code.call(code.function(f"{RUNTIME}.{kind}"), *given, **keywords)
        if not has_axis:
            places = sorted(scope.layout.axis(n) for n in enumerated if n in own)
            value = code.method(value, "squeeze", tuple(places))
        name = self.fresh("log_p")
        scope.assign(name, value)
        return name

    def _without_lag(self, term: Reduce, singles: list[Signed], *, keepdim: bool) -> str:
        """Emit `log_p = (log_p_k + log_p_x).logsumexp(-3)`, and its sum over steps."""
        scope = self.scope
        mask, name = self._mask(scope.factor(MODEL, term.axes[0])), self.fresh("log_p")
        keywords = {"keepdim": True} if keepdim else {}
        places = tuple(scope.layout.axis(each) - 1 for each in term.axes)
        over = places[0] if len(places) == 1 else places
        scope.assign(name, code.method(code.Sum(tuple(singles)), "logsumexp", over, **keywords))
        steps: Code = Name(name) if mask is None else code.Binary("*", Name(name), mask)
        scope.assign(name, code.method(steps, "sum", -1))
        return name

    def chain(self, term: Reduce) -> tuple[tuple[Code, ...], Keywords]:
        """Return the arguments of a function of the states of a sequence."""
        pairs, singles = self._by_lag(term)
        (state,) = term.axes
        given = (self.total(pairs, "log_pair"), self.total(singles, "log_single"))
        keywords: Keywords = {"axis": self.scope.layout.axis(state) - 1}
        return given, keywords | self._steps(term)

    def chains(self, term: Reduce) -> tuple[tuple[Code, ...], Keywords]:
        """Return the arguments of a function of the states of several sequences."""
        pairs, singles = self._by_lag(term)
        names = self.moving_first(term)
        axes, alone = (tuple(self.scope.layout.axis(n) - 1 for n in each) for each in names)
        moves = code.List(tuple(signed.term for signed in pairs))
        keywords: Keywords = {"axes": axes, **({"alone": alone} if alone else {})}
        return (moves, self.total(singles, "log_single")), keywords | self._steps(term)

    def moving_first(self, term: Reduce) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the states with a previous one, and those without."""
        lagged = self.scope.plan.programs[MODEL].lagged
        moving = {b.base for n, b in lagged.items() if n in self.scope.layout.enumerated}
        apart = tuple(n for n in term.axes if n not in moving)
        return tuple(n for n in term.axes if n in moving), apart

    def _steps(self, term: Reduce) -> Keywords:
        """Return the arguments that say which steps there are, and in which order."""
        factor = self.scope.factor(MODEL, term.axes[0])
        mask = self._mask(factor)
        keywords: Keywords = {} if mask is None else {"mask": mask}
        return keywords | ({"reverse": True} if factor.node.reverse else {})

    def _by_lag(self, term: Reduce) -> tuple[list[Signed], list[Signed]]:
        """Return the densities of steps that depend on the previous state, and the others."""
        pairs: list[Signed] = []
        singles: list[Signed] = []
        for part in parts_of(term.term):
            signed = self.of_part(part)
            (pairs if self._depends_on_lagged(part) else singles).append(signed)
        return pairs, singles

    def _mask(self, factor: Factor) -> Name | None:
        """Return the mask of the steps of a node, None if all rows have all steps."""
        if factor.scan is None or factor.lengths is None:
            return None
        return self.scope.mask(factor.scan, factor.lengths)

    def _depends_on_lagged(self, part: Part) -> bool:
        """Whether a density depends on an enumerated node at the previous step."""
        assert isinstance(part.term, LogProb)
        factor = self.scope.factor(part.term.program, part.term.node)
        return bool(self.scope.enumerated_of(factor.inputs) & self._lagged())

    def _lagged(self) -> set[str]:
        lagged = self.scope.plan.programs[MODEL].lagged
        return {name for name in self.scope.layout.enumerated if name in lagged}

    # normal latents

    def integral(self, term: Reduce) -> str:
        """Emit `log_p = gaussian_marginal(z, (0.0, 1.0), [(x, x_loc, x_scale)], axis=-2)`.

        Data that may be missing also have their mask, `(x, x_loc, x_scale, x_known)`.
        """
        scope, (latent, *_) = self.scope, term.axes
        factor = scope.factor(MODEL, latent)
        kind = "kalman_filter" if factor.scan else "gaussian_marginal"
        items, keywords = self.normals(term)
        function = code.function(f"{RUNTIME}.linear_gaussian.{kind}")
        names = (latent, self._lagged_node(latent))
        taken = [n for n in scope.layout.enumerated if n in names]
        value = code.call(function, *items, **keywords)
        if not scope.layout.has_particles and len(taken) == len(scope.layout.enumerated):
            axes = tuple(sorted(scope.layout.axis(n) for n in taken))
            value = code.method(value, "squeeze", axes[0] if len(axes) == 1 else axes)
        name = self.fresh("log_p")
        scope.assign(name, value)
        return name

    def normals(self, term: Reduce) -> tuple[tuple[Code, ...], Keywords]:
        """Return the arguments of a function of a normal latent and of what depends on it."""
        scope, given = self.scope, {}
        latent, *starts = term.axes
        factor = scope.factor(MODEL, latent)
        for part in parts_of(term.term):
            assert isinstance(part.term, LogProb)
            own = scope.factor(MODEL, part.term.node)
            with scope.on(MODEL, part.term.node):
                parameters(scope, own)
            given[own.node.name] = scope.arguments(own)
        prior = code.Tuple(tuple(given.pop(latent)))
        begun = [code.Tuple(tuple(given.pop(start))) for start in starts]
        missing = scope.plan.missing
        known = {n: [Name(missing[n].known)] if n in missing else [] for n in given}
        seen = (code.Tuple((scope.variable(n), *v, *known[n])) for n, v in given.items())
        axis = scope.layout.axis(latent)
        keywords: Keywords = {"axis": axis - 1 if factor.scan else axis}
        keywords |= {"start": begun[0]} if begun else {}
        return (scope.variable(latent), prior, code.List(tuple(seen))), keywords | self._steps(term)

    def _lagged_node(self, latent: str) -> str:
        """Return the lagged node of a latent, empty if it has none."""
        lagged = self.scope.plan.programs[MODEL].lagged.values()
        return next((b.node.name for b in lagged if b.base == latent), "")

    def total(self, signed: list[Signed], wanted: str) -> Code:
        """Return the variable of a sum; a single variable is unchanged, an empty sum is `None`."""
        if not signed:
            return Literal(None)
        total = code.summed(tuple(signed))
        if isinstance(total, Name):
            return total
        name = self.fresh(wanted)
        self.scope.assign(name, total)
        return Name(name)
