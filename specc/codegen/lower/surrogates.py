"""Lowers the gradients of draws: surrogates of score functions, weights of pathwise gradients."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from specc.catalog.objective import Variant
from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Name, Signed
from specc.codegen.code.statements import Evaluate
from specc.codegen.dependencies import values_behind
from specc.codegen.lower.densities import LOGMEANEXP
from specc.codegen.lower.scope import Scope
from specc.codegen.lower.terms import Terms
from specc.codegen.lower.values import prepare
from specc.codegen.names import python_name
from specc.codegen.plan import Plan
from specc.codegen.row_terms import is_shared
from specc.graph.graph import ROWS
from specc.objective.objective import Player, Surrogate
from specc.objective.passes.score import state_names
from specc.objective.terms import Part

DATA_SIZE = Name("data_size")


def _score(name: str) -> Code:
    return code.member("specc.runtime.draws.score", name)


class Surrogates(Struct):
    """Emits the surrogates of a loss; `after` has tensors of the state after the step."""

    plan: Plan
    player: Player
    scope: Scope
    terms: Terms
    after: list[tuple[str, Code]] = field(default_factory=list)

    def weigh_gradients(self, log_w: Code) -> None:
        """Emit `weigh_gradients(log_w, z)` for draws whose gradients are weighed once more."""
        by_function: dict[str, list[Code]] = {}
        for name, drawn in self.player.draws.items():
            if drawn.variant.of_weights and drawn.is_pathwise:
                found = by_function.setdefault(drawn.variant.of_weights, [])
                found.append(self.scope.variable(name))
        for function, values in by_function.items():
            target = code.function(f"specc.runtime.draws.pathwise.{function}")
            self.scope.add(Evaluate(code.call(target, log_w, *values)))

    def _signal(self, variant: Variant, log_w: Code) -> Code:
        """Return the signal of a score gradient of a log-mean-exp bound, minus a baseline."""
        if variant.of_log_weights:
            return code.call(_score(variant.of_log_weights), log_w)
        bound = code.call(LOGMEANEXP, log_w, dim=0)
        return code.call(_score(variant.baseline), bound) if variant.baseline else bound

    def of_particles(self, log_w: Code) -> list[str]:
        """Emit the surrogates of a log-mean-exp bound, whose signal is the bound of each row."""
        names, surrogates = [], self.player.surrogates
        baselines = list(dict.fromkeys(s.baseline for s in surrogates))
        for baseline in baselines:
            mark = f"_{baseline}" if len(baselines) > 1 else ""
            nodes = [s.node for s in surrogates if s.baseline == baseline]
            variant = self.player.draws[nodes[0]].variant
            self.scope.assign(f"signal{mark}", self._signal(variant, log_w))
            self._subtract_running_mean(f"signal{mark}", nodes[0])
            logs = tuple(
                Signed(False, Name(self.terms.term(self.player.draws[node].density)))
                for node in nodes
            )
            score = code.call(_score("surrogate"), code.summed(logs), Name(f"signal{mark}"))
            mean = code.method(code.method(score, "sum", 0), "mean")
            self.scope.assign(f"surrogate{mark}", mean)
            names.append(f"surrogate{mark}")
        return names

    def of_node(self, surrogate: Surrogate) -> str:
        """Emit the surrogate of one node: log q times the downstream terms minus a baseline."""
        node, scope = surrogate.node, self.scope
        factor = scope.factor(self.player.draws[node].program, node)
        log_q = Name(self.terms.term(self.player.draws[node].density))
        varies = scope.enumerated_of((node,))
        over = tuple(n for n in self.player.draws if n in self._weights(varies))
        costs = [replace(c, coefficient=-c.coefficient) for c in surrogate.costs]
        local = [c for c in costs if not is_shared(self.plan, c)]
        shared = [c for c in costs if is_shared(self.plan, c)]
        signal = f"signal_{python_name(node)}"
        if self.player.draws[node].baseline:
            scope.comment()
            scope.comment(f"the score gradient of {node}, and the fit of its baseline")
        if ROWS in factor.type.plates:
            scope.assign(signal, self._partials(local, frozenset(over)))
        else:
            self._shared_signal(signal, local, shared, frozenset(over))
        variant = self.player.draws[node].variant
        if variant.baseline and (variant.over != "rows" or ROWS in factor.type.plates):
            scope.assign(signal, code.call(_score(variant.baseline), Name(signal)))
        baseline = self._subtract_value(signal, node)
        scaled = self._subtract_running_mean(signal, node)
        value: Code = code.call(_score("surrogate"), log_q, scaled)
        if baseline is not None:
            fit = code.call(_score("surrogate"), baseline, Name(signal))
            value = code.summed((Signed(False, value), Signed(False, fit)))
        if over:
            weight = Name(self.terms.weight(over, self.player.draws[node].density))
            product = code.Binary("*", code.method(weight, "detach"), value)
            value = self.terms.over(over, product)
        name = f"surrogate_{python_name(node)}"
        scope.assign(name, code.method(value, "mean"))
        return name

    def _subtract_value(self, signal: str, node: str) -> Code | None:
        """Emit the subtraction of a learnt baseline from the signal, and return the baseline.

        (b - stop(b)) stop(signal - b) has the gradient of -(signal - b)^2 / 2 in b, so that the
        surrogate of a density is that of a baseline, too.
        """
        draw = self.player.draws[node]
        if not draw.baseline:
            return None
        prepare(self.scope, draw.program, (draw.baseline,))
        baseline = self.scope.variable(draw.baseline)
        self.scope.assign(signal, code.Binary("-", Name(signal), baseline))
        return baseline

    def _subtract_running_mean(self, signal: str, node: str) -> Code:
        """Emit the subtraction of a running mean from the signal, and the updates of the state.

        Returns the signal, divided by its running standard deviation if the variant does so.
        """
        draw = self.player.draws[node]
        running, scale = draw.variant.running, draw.variant.scale
        if not running:
            return Name(signal)
        mean, square = state_names(draw)
        before = self._update(mean, node, running, Name(signal))
        self.scope.assign(signal, code.Binary("-", Name(signal), before))
        if not scale:
            return Name(signal)
        squared = code.method(Name(signal), "square")
        return code.call(_score(scale), Name(signal), self._update(square, node, running, squared))

    def _update(self, name: str, node: str, running: str, value: Code) -> Code:
        """Emit a running mean after this step, and return it before the step."""
        before = code.Subscript(Name("state"), (code.Literal(name),))
        after = self.terms.fresh(self.scope.python(node) + name.removeprefix(node))
        self.scope.assign(after, code.call(_score(running), before, value))
        self.after.append((name, Name(after)))
        return before

    def _partials(self, costs: list[Part], open_axes: frozenset[str]) -> Code:
        return code.Sum(tuple(self.terms.partial(cost, open_axes) for cost in costs))

    def _weights(self, axes: frozenset[str]) -> frozenset[str]:
        """Return the enumerated nodes whose probabilities weight a value with these axes."""
        closed = {self.terms.elements.latent(axis) for axis in axes}
        stack = list(closed)
        while stack:
            name = stack.pop()
            program = self.player.draws[name].program
            factor = self.scope.factor(program, name)
            for used in values_behind(self.plan, program, factor.inputs):
                for axis in self.scope.enumerated_of((used,)) - closed:
                    closed.add(axis)
                    stack.append(axis)
        return frozenset(closed)

    def _shared_signal(
        self, signal: str, local: list[Part], shared: list[Part], over: frozenset[str]
    ) -> None:
        """Emit the signal of a global node: the mean over rows, and global terms / data size."""
        scope = self.scope
        if local:
            total = self._partials(local, over)
            scope.assign(signal, code.method(total, "mean", -1, keepdim=True))
        if shared:
            share: Code = code.Binary("/", self._partials(shared, over), DATA_SIZE)
            if local:
                share = code.Binary("+", Name(signal), share)
            scope.assign(signal, share)
