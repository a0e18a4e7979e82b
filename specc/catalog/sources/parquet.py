"""Tables of Apache Parquet."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.source import Option, Source

ENTRY = Source(
    name="parquet",
    summary="A column for each column of a Parquet file; needs pyarrow, the extra `parquet`.",
    references=(Reference("Apache Parquet", "file format"),),
    example="data: {source: parquet, path: a.parquet, fields: {age: {from: age, shape: []}}}",
    options=(
        Option("path", "The file.", required=True, kind="path"),
        Option(
            "columns",
            "Columns of several numbers a row: `{features: [age, height]}`, or `{features: '*'}` "
            "for all that no other list names.",
            kind="columns",
        ),
    ),
    endings=("parquet",),
)
