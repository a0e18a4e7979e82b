"""Tables of numbers as text."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.source import Option, Source

ENTRY = Source(
    name="csv",
    summary="A column for each column of a table with a header line, packed with gzip or not.",
    references=(Reference("Shafranovich 2005", "RFC 4180"),),
    example="data: {source: csv, path: a.csv, fields: {age: {from: age, shape: []}}}",
    options=(
        Option("path", "The file.", required=True, kind="path"),
        Option(
            "delimiter",
            "What stands between two values. Without it the header decides: a comma, or where it "
            "has none, a semicolon, a tab or a bar.",
        ),
        Option("decimal", "The mark of decimals: `.`, or `,` as in 1,5.", choices=(".", ",")),
        Option(
            "columns",
            "Columns of several numbers a row: `{features: [age, height]}`, or `{features: '*'}` "
            "for all that no other list names.",
            kind="columns",
        ),
        Option(
            "classes",
            "Columns of text that are read as class numbers, with their texts in the order of the "
            "numbers 0, 1, ...: `{species: [setosa, versicolor]}`.",
            kind="classes",
        ),
    ),
    endings=("csv",),
)
