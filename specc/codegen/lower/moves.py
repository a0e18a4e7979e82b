"""Lowers latents of rows that a Markov chain draws inside a loss.

    z = hmc.run(noise, lambda z: model.log_joint(x=x, z=z), state["z"], steps=2, step_size=0.1)

The chain moves unconstrained numbers. Several latents of a row are one vector.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from specc.catalog.transforms import Transform
from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Literal, Mapped, Name, Signed
from specc.codegen.code.statements import Define, Function, Parameter, Return
from specc.codegen.lower.scope import NOISE, Scope, shape_of
from specc.codegen.lower.terms import Terms
from specc.codegen.names import python_name
from specc.graph.graph import MODEL
from specc.objective.objective import Player
from specc.objective.passes.moves import LATENTS, unconstrained

JOINT = "log_joint"
RUNTIME = "specc.runtime.unconstrained"
SPLIT = code.function("specc.runtime.chains.rows.split_rows")

Sizes = tuple[int, ...]


def move_latents(scope: Scope, terms: Terms, player: Player) -> list[tuple[str, Code]]:
    """Emit the latents at the end of the chain of each row; return the state after the step.

    A call after the first one emits nothing.
    """
    if not scope.once("moves", MODEL, ""):
        return []
    lowering = _Moves(scope, terms, player)
    return lowering.lower()


class _Moves:
    """Lowers the chain of a loss."""

    def __init__(self, scope: Scope, terms: Terms, player: Player) -> None:
        assert player.moves is not None
        self.scope, self.player, self.moves = scope, player, player.moves
        typed = scope.plan.graph
        nodes = typed.graph.model.nodes
        self.maps: dict[str, tuple[Transform, Sizes]] = {
            name: unconstrained(typed, nodes[name]) for name in player.moved
        }
        self.raw = {name: onto.raw.format(name) for name, (onto, _) in self.maps.items()}
        self.state = LATENTS if len(self.maps) > 1 else self.raw[player.moved[0]]
        self.vector = terms.fresh(python_name(self.state)) if len(self.maps) > 1 else self.state
        self.function = terms.fresh("log_density")

    def lower(self) -> list[tuple[str, Code]]:
        scope, moves = self.scope, self.moves
        names, draws = self.player.moved, self.player.draws
        with scope.on(MODEL, names[0]):
            scope.comment(f"{', '.join(names)} given the data: {draws[names[0]].reason}")
            density = self._density()
            run = code.member(f"specc.runtime.chains.{moves.entry.name}", "run")
            options = {"steps": moves.steps, **moves.options}
            made = code.call(run, NOISE, density, self._start(), **options)
            scope.assign(self.vector, made)
            self._emit_values()
        for name in names:
            scope.mark_value(scope.plan.graph.graph.model.nodes[name])
            scope.inherit(MODEL, name, ())
        return [(self.state, Name(self.vector))] if moves.persistent else []

    def _start(self) -> Code:
        """Return the numbers at which the chains start, [rows, ...]."""
        if self.moves.persistent:
            return code.Subscript(Name("state"), (Literal(self.state),))
        shapes = [shape for _, shape in self.maps.values()]
        sizes = shapes[0] if len(shapes) == 1 else (sum(map(math.prod, shapes)),)
        return code.method(NOISE, "normal", shape_of((Name("rows"), *sizes)))

    def _density(self) -> Code:
        """Return the log-density of the unconstrained numbers of each row, as a function."""
        scope = self.scope
        with scope.block() as body:
            self._emit_values()
            inputs = scope.plan.methods[MODEL][JOINT]
            given: dict[str, object] = {scope.plan.python[n]: scope.variable(n) for n in inputs}
            joint = code.method(scope.owners[MODEL], JOINT, **given)
            value = code.summed((Signed(False, joint), *self._log_dets()))
        if not body:
            return code.as_function(self.vector, value)
        taken = (Parameter(self.vector, "Tensor"),)
        whole = (*body, Return(value))
        made = Function(self.function, taken, (), "Tensor", "", whole, is_method=False)
        scope.add(Define(made))
        return Name(self.function)

    def _emit_values(self) -> None:
        """Emit the latents as functions of the numbers that the chain moves."""
        scope = self.scope
        if len(self.maps) > 1:
            shapes = tuple(shape_of(shape) for _, shape in self.maps.values())
            made = code.call(SPLIT, Name(self.vector), *shapes)
            scope.assign(tuple(self.raw.values()), made)
        for name, (onto, _) in self.maps.items():
            if onto.log_det:
                value = Mapped(onto.code, Name(self.raw[name]), onto.runtime)
                scope.assign(scope.python(name), value)

    def _log_dets(self) -> Sequence[Signed]:
        """Return the log-determinants of the maps, for each row."""
        found = []
        for name, (onto, shape) in self.maps.items():
            if onto.log_det:
                function = code.function(f"{RUNTIME}.{onto.log_det}")
                called = code.call(function, Name(self.raw[name]), rank=len(shape))
                found.append(Signed(False, called))
        return found
