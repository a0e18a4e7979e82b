"""Terms of elements whose finite latents are enumerated, and of the rows that select them.

A term of elements has the axis of the plate in place of that of the rows, and is summed over it
only after the sum over the values of the latents.
"""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code
from specc.codegen.lower.scope import Scope
from specc.codegen.plan import Factor, Input
from specc.codegen.row_terms import is_shared
from specc.graph.element import Element
from specc.objective.passes.elements import selected
from specc.objective.passes.marginalize import Axes
from specc.objective.passes.shared import plate_of, plates_of
from specc.objective.passes.stochastic_graph import StochasticGraph
from specc.objective.terms import LogProb, Part, Term, walk

ELEMENTS = "specc.runtime.functions.elements"


class Place(Struct, frozen=True):
    """The data that select an element in each row, and its axis if there are two elements."""

    index: str
    axis: str = ""


class Elements(Struct, dict=True):
    """The enumerated latents on plates in a scope."""

    scope: Scope

    @cached_property
    def _axes(self) -> Axes:
        draws = {n: d for n, d in self.scope.draws.items() if self._is_in_scope(n)}
        drawn_in = {name: draw.program for name, draw in draws.items()}
        return Axes(draws, StochasticGraph(self.scope.plan.graph.graph, drawn_in))

    def _is_in_scope(self, name: str) -> bool:
        draw = self.scope.draws[name]
        return not draw.has_axis or name in self.scope.layout.enumerated

    @cached_property
    def _plates(self) -> dict[str, str]:
        return plates_of(self.scope.plan.graph, self._axes.draws)

    def plate(self, latent: str) -> str:
        """Return the plate of an enumerated latent, empty if all rows share one value."""
        return self._plates.get(latent, "")

    def is_density_apart(self, factor: Factor) -> bool:
        """Whether a density varies with a latent of the same elements, so that none is summed."""
        return self._varies(factor, (*factor.values, *factor.inputs))

    def is_divergence_apart(self, q: Factor, p: Factor) -> bool:
        """Whether a divergence varies with another latent of the same elements."""
        return self._varies(q, (*q.inputs, *p.inputs))

    def _varies(self, factor: Factor, inputs: tuple[Input, ...]) -> bool:
        if not self.scope.layout.enumerated:
            return False
        plate = plate_of(self.scope.plan.graph, factor.node)
        axes = self.scope.enumerated_of(inputs)
        return plate is not None and any(self._plates.get(axis) == plate for axis in axes)

    def is_apart(self, term: Term) -> bool:
        """Whether a term is of the elements themselves, with a number for each of them."""
        axes = self._axes.of_term(term) & self._plates.keys()
        return bool(axes) and is_shared(self.scope.plan, Part(1.0, term))

    def of_rows(self, plate: str, value: Code, index: Code) -> Code:
        """Return the sum over the rows of each element, or over all rows without a plate."""
        if not plate:
            return code.call(code.function(f"{ELEMENTS}.sum_over_rows"), value, index)
        size = self.scope.plan.graph.graph.plates[plate]
        return code.call(code.function(f"{ELEMENTS}.sum_by_element"), value, index, size)

    def shared(self, plate: str, value: Code, index: Code) -> Code:
        """Return the value of each element, or of all rows, divided among its rows."""
        name = "share_among_rows" if plate else "share_among_all_rows"
        return code.call(code.function(f"{ELEMENTS}.{name}"), value, index)

    def log_weight(self, log_q: Code, places: tuple[Place, ...]) -> Code:
        """Return log q of all values of a node, of the elements that rows select if it has them."""
        if not places:
            return log_q
        select = code.function("specc.runtime.functions.indexing.index_select")
        return code.call(select, log_q, self.scope.variable(places[0].index), 0)

    def pair_weights(self, log_q: Code, name: str, places: tuple[Place, ...]) -> Code:
        """Return `pair_weights(log_q_z, i, j, axes=(-4, -3, -2))`, q of two elements of a row."""
        layout = self.scope.layout
        indices = [self.scope.variable(place.index) for place in places]
        axes = (*(layout.axis(place.axis) for place in places), layout.axis(name))
        return code.call(code.function(f"{ELEMENTS}.pair_weights"), log_q, *indices, axes=axes)

    def total(self, value: Code, *, keepdim: bool) -> Code:
        """Return the sum over elements, whose axis stays as size 1 if others keep theirs."""
        keywords = {"keepdim": True} if keepdim else {}
        return code.method(value, "sum", -1, **keywords)

    def places(self, latent: str, term: Term) -> tuple[Place, ...]:
        """Return the elements of a latent that a term of rows selects; none for other terms."""
        plate = self._plates.get(latent)
        if plate is None or is_shared(self.scope.plan, Part(1.0, term)):
            return ()
        found = []
        for each in selected(self.scope.plan.graph, self._axes, term, plate)[latent].values():
            assert each.data is not None
            found.append(Place(each.data.name, each.value))
        layout = self.scope.layout
        return tuple(sorted(found, key=lambda place: layout.axis(place.axis or latent)))

    def index(self, term: Term, plate: str) -> str | None:
        """Return the data that select the one element of a term of rows; None for other terms.

        Without a plate all rows are one element, and any data say how many rows there are.
        """
        if not plate:
            is_local = not is_shared(self.scope.plan, Part(1.0, term))
            return self._counted(term) if is_local else None
        of_plate = (name for name, own in self._plates.items() if own == plate)
        touched = [name for name in of_plate if name in self._axes.of_term(term)]
        found = self.places(touched[0], term) if touched else ()
        return found[0].index if found else None

    def _counted(self, term: Term) -> str:
        """Return data with a value for each row of a term."""
        named = (leaf.node for leaf in walk(term) if isinstance(leaf, LogProb))
        return next(
            name for name in (*named, *self.scope.plan.data) if name in self.scope.plan.data
        )

    def axes(self, latents: tuple[str, ...], term: Term) -> tuple[str, ...]:
        """Return the axes of all values of some latents in a term."""
        found: list[str] = []
        for latent in latents:
            found += [each.axis for each in self.places(latent, term) if each.axis] or [latent]
        return tuple(found)

    def latent(self, axis: str) -> str:
        """Return the latent whose values an axis has."""
        node = self.scope.plan.graph.graph.model.nodes.get(axis)
        return node.base if isinstance(node, Element) else axis
