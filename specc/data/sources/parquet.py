"""Parquet files, by pyarrow, which is imported when a spec uses this source."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from specc.counted import counted
from specc.data.columns import LENGTHS, compact, gathered, masks_of, members, ragged
from specc.data.data_folder import folder_for, inside, require_memory, unreadable
from specc.data.table import ALL, TEXTS, Array, Column, Table
from specc.runtime.failure import USAGE, RunFailure

NUMBER = 8
"""Bytes of a value in memory, at most."""


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """A column for each column of numbers, booleans or lists of numbers in the file `path`.

    A null is a missing value. Lists of unequal length are padded with zeros, and `NAME_lengths` has
    their lengths. Other columns are left out. Option `columns` is as in `csv`.

    Raises RunFailure: E0514, if pyarrow is not installed.
    """
    path = inside(folder_for("parquet", folder), str(options.get("path", "")))
    lists = dict(options.get("columns", {}))
    arrow = _arrow()
    columns: dict[str, Column] = {}
    others: dict[str, str] = {}
    try:
        with arrow.parquet.ParquetFile(str(path), memory_map=False) as file:
            names = list(file.schema_arrow.names)
            places = _places(path, names, used, lists)
            _require(path, file.metadata, {names[i] for i in places})
            # One by one, so that a duplicate name or an unsupported type affects no other column.
            for place in places:
                found = file.read(columns=[names[place]]).column(0)
                has_texts = names[place] in options.get(TEXTS, ()) and _is_text(arrow, found.type)
                read = _texts if has_texts else _column
                own = read(arrow, path, names[place], found)
                columns |= own
                if not own:
                    others[names[place]] = _kind(arrow.types, found.type)
            rows = file.metadata.num_rows
    # pyarrow's own errors are of these kinds.
    except (OSError, ValueError, arrow.lib.ArrowException) as error:
        raise unreadable(path, " ".join(str(error).split())) from error
    if not rows or (used is None and not columns):
        raise unreadable(path, "it has no rows" if not rows else "it has no column of numbers")
    columns |= gathered(path, lists, columns, used, others)
    masks = masks_of(columns)
    return Table({ALL: columns}, masks, place=path.name, others=others, names=(*names, *lists))


def _places(
    path: Path, names: list[str], used: Collection[str] | None, lists: Mapping[str, Any]
) -> list[int]:
    """The indices of the columns to read; raises RunFailure E0505 if two have the same name."""
    needed = frozenset(names) if used is None else members(used, lists)
    if used is not None and any(lists.get(name) == "*" for name in used):
        needed = frozenset(names)
    stems = {name.removesuffix(f"_{LENGTHS}") for name in needed if name not in names}
    places = [i for i, name in enumerate(names) if name in needed | stems]
    for i in places:
        if names.count(names[i]) > 1:
            problem = f"it has two columns `{names[i]}`"
            raise unreadable(path, problem, "give each column that is used a unique name")
    return places


def _kind(kinds: Any, kind: Any) -> str:  # noqa: ANN401
    """The content of a column without numbers, in words."""
    words = {
        "dates": (kinds.is_date, kinds.is_timestamp, kinds.is_time),
        "spans of time": (kinds.is_duration,),
        "decimal numbers": (kinds.is_decimal,),
        "texts": (kinds.is_string, kinds.is_large_string, kinds.is_dictionary),
        "lists": (kinds.is_list, kinds.is_large_list, kinds.is_fixed_size_list),
        "records": (kinds.is_struct, kinds.is_map),
        "no value at all": (kinds.is_null,),
    }
    found = (word for word, tests in words.items() if any(test(kind) for test in tests))
    return f"{next(found, 'values')} ({kind})"


def _arrow() -> Any:  # noqa: ANN401
    try:
        import_module("pyarrow.parquet")
    except ImportError as error:
        message = "the source `parquet` needs pyarrow, which is not installed"
        hint = "install it: `pip install 'specc[parquet]'`, or `pip install pyarrow`"
        raise RunFailure("E0514", message, hint=hint, exit_code=USAGE) from error
    return import_module("pyarrow")


def _require(path: Path, metadata: Any, names: Collection[str]) -> None:  # noqa: ANN401
    """Checks that the declared values fit into memory, before they are decompressed."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    every = [group.column(i) for group in groups for i in range(group.num_columns)]
    starts = tuple(f"{name}." for name in names)
    chunks = [chunk for chunk in every if f"{chunk.path_in_schema}.".startswith(starts)]
    size = sum(max(c.num_values * NUMBER, c.total_uncompressed_size) for c in chunks)
    require_memory(path, 2 * size, "save the columns with `numpy.save` instead")


def _column(arrow: Any, path: Path, name: str, found: Any) -> dict[str, Column]:  # noqa: ANN401
    """The columns of an array of numbers or lists; empty for other types."""
    kinds = arrow.types
    array = found.combine_chunks()
    if isinstance(array, arrow.ChunkedArray):
        array = arrow.concat_arrays(array.chunks) if array.num_chunks else None
    if array is None:
        return {}
    if kinds.is_dictionary(array.type):
        array = array.dictionary_decode()
    if kinds.is_list(array.type) or kinds.is_large_list(array.type):
        return _lists(kinds, path, name, array)
    if kinds.is_fixed_size_list(array.type) and _is_number(kinds, array.type.value_type):
        if array.null_count:
            raise unreadable(path, f"`{name}` is missing in {counted(array.null_count, 'row')}")
        return {name: Column(_numbers(array.flatten()).reshape(len(array), -1))}
    return {name: Column(_numbers(array))} if _is_number(kinds, array.type) else {}


def _is_text(arrow: Any, kind: Any) -> bool:  # noqa: ANN401
    kind = kind.value_type if arrow.types.is_dictionary(kind) else kind
    return bool(arrow.types.is_string(kind) or arrow.types.is_large_string(kind))


def _texts(arrow: Any, path: Path, name: str, found: Any) -> dict[str, Column]:  # noqa: ANN401
    """The column of an array of texts, with empty ones for nulls."""
    del arrow, path
    return {name: Column(np.array([text or "" for text in found.to_pylist()]))}


def _lists(kinds: Any, path: Path, name: str, array: Any) -> dict[str, Column]:  # noqa: ANN401
    if not _is_number(kinds, array.type.value_type):
        return {}
    if array.null_count:
        raise unreadable(path, f"`{name}` is missing in {counted(array.null_count, 'row')}")
    steps, lengths = _numbers(array.flatten()), np.asarray(array.value_lengths())
    if len(set(lengths.tolist())) == 1:
        return {name: Column(steps.reshape(len(lengths), -1))}
    filled = ragged(path, name, steps, lengths)
    return {name: filled, f"{name}_{LENGTHS}": Column(lengths.astype(np.int64))}


def _is_number(kinds: Any, kind: Any) -> bool:  # noqa: ANN401
    return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind))


def _numbers(found: Any) -> Array:  # noqa: ANN401
    """The values, as floats with NaN if some are missing."""
    values = found.to_numpy(zero_copy_only=False)
    if found.null_count and values.dtype.kind not in "f":
        values = np.array([np.nan if v is None else float(v) for v in found.to_pylist()])
    return compact(values) if values.dtype.kind == "f" and not found.null_count else values
