"""The value in the data."""

from __future__ import annotations

from specc.catalog.objective import Draw

ENTRY = Draw(
    name="observe",
    summary="The node's value is the data's.",
    references=(),
    example="draw: observe",
)
