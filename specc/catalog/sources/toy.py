"""Points of the plane whose density has a shape that one sees."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.source import NONE, Column, Columns, Option, Source
from specc.catalog.supports import REAL, Integers

PARTS = {
    "checkerboard": 4,
    "circles": 2,
    "moons": 2,
    "pinwheel": 5,
    "ring": 8,
    "spirals": 2,
}
"""The densities, and how many parts each has."""


def given(options: Mapping[str, object]) -> Columns:
    """The columns, where it is known how many parts the density has."""
    parts = PARTS.get(str(options.get("density")))
    if parts is None:
        return NONE
    return MappingProxyType(
        {
            "x": Column("A point of the plane.", (2,), REAL),
            "label": Column("Which part of the density it is of.", (), Integers(0, parts - 1)),
        }
    )


ENTRY = Source(
    name="toy",
    summary="Points drawn from a density on the plane, without a download.",
    references=(
        Reference(
            "Grathwohl et al. 2019", "FFJORD, section 4.1: the checkerboard, pinwheel and spirals"
        ),
    ),
    example="data: {source: toy, density: checkerboard, rows: 20000, fields: {x: {from: x}}}",
    given=given,
    options=(
        Option("density", "The density.", required=True, choices=tuple(PARTS)),
        Option(
            "rows", "How many points are drawn; 20,000 of them.", kind="number", most=10_000_000
        ),
        Option(
            "seed",
            "Which points: the same number, the same points. 0 where it is left out.",
            kind="number",
            least=0,
        ),
    ),
    split=MappingProxyType({"test": 0.2}),
    needs_folder=False,
)
