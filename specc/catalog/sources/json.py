"""Records as JSON."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.source import Option, Source

ENTRY = Source(
    name="json",
    summary="A column for each key of a list of records, or of records one a line.",
    references=(Reference("Bray 2017", "RFC 8259"),),
    example="data: {source: json, path: a.jsonl, fields: {x: {from: scores, shape: [4]}}}",
    options=(
        Option(
            "path",
            "The file. A value is a number, a truth, or a list of numbers; lists of unequal "
            "length are filled up with zeros, and `NAME_lengths` is their length.",
            required=True,
            kind="path",
        ),
    ),
    endings=("json", "jsonl"),
)
