"""Where data has values: what tells a guide a hole from a zero."""

from __future__ import annotations

from specc.catalog.entry import Function
from specc.catalog.rules import always, constant, together
from specc.catalog.supports import BOOLEAN

ENTRY = Function(
    name="known",
    summary="1 where an entry of the data x has a value, and 0 where it is missing",
    formula="known(x)_i = 1 where x_i has a value, else 0",
    target="specc.runtime.functions.known.known",
    arity=(1, 1),
    shape=together,
    support=always(BOOLEAN),
    constant=constant(lambda x: 1.0),
    example="known(x)",
    of_data=True,
)
