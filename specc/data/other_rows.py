"""Rows of another file than that of a spec, read by the same fields."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from specc.data.read import texts_of
from specc.data.sources import reader
from specc.data.table import ALL
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.fields import Data

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".npy": "npy",
    ".npz": "npz",
    ".parquet": "parquet",
}
"""The source that reads files with an ending."""


def other_rows(data: Data, path: Path, needed: Collection[str], also: Collection[str]) -> Data:
    """`data` with all rows of the file at `path` as its one part, and of its fields the `needed`.

    Fields in `also` are those of which the file has every column. Options of the source, such as
    the delimiter, are kept if the file has the format of the spec's file.

    Raises RunFailure: E0501 for an unknown ending, E0503 if a needed column is absent, E0504 and
    E0505 if the file cannot be read, E0509 if it has several parts.
    """
    source = FORMATS.get(path.suffix.lower())
    if source is None:
        hint = f"files that can be read end in {', '.join(FORMATS)}"
        message = f"the ending of {path} names no format"
        raise RunFailure("E0501", message, hint=hint, exit_code=USAGE)
    kept = data.options if source == data.source else {}
    options = {**kept, "path": path.name}
    wanted = [own for name, own in data.fields.items() if name in {*needed, *also}]
    columns = frozenset(column for field in wanted for column in field.columns)
    table = reader(source)({**options, **texts_of(data)}, path.parent, columns)
    if set(table.parts) != {ALL}:
        message = f"{path} has several parts: {', '.join(table.parts)}"
        raise RunFailure("E0509", message, hint="give a file of rows alone", exit_code=USAGE)
    has = set(table.parts[ALL])
    chosen = {own.name: own for own in wanted if own.name in needed or has.issuperset(own.columns)}
    return replace(data, source=source, options=options, split={}, subset=None, fields=chosen)
