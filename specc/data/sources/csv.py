"""CSV files: a header with the names of the columns, then a row of numbers in each line."""

from __future__ import annotations

import csv
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from specc.data.columns import compact, gathered, grouped, masks_of, members
from specc.data.data_folder import folder_for, inside, unreadable
from specc.data.table import ALL, TEXTS, Column, Table
from specc.data.text import LONGEST, lines

MISSING = frozenset({"", "na", "nan", "null", "none", "?"})
"""Cells without a value, in any case of letters."""

TRUTHS = {"true": 1.0, "false": 0.0}

GROWTH = 8
"""Bytes of memory for each byte of text: `0,` becomes 8 bytes, with one temporary copy."""

DECLARED = re.compile(r"sep=(.)[\r\n]*")
"""A first line with the delimiter, which some spreadsheets write."""

TEXT = "text, not numbers"


@dataclass
class Sheet:
    """The table while it is read: the columns that are used, and the formats of their cells.

    `open` are the columns that may be text, which `*` leaves out; `texts` has the first text of
    each with its line, and `numbers` those with a number in them. `classes` has the texts of
    columns that are read as class numbers, in order; `words` has all cells of columns of texts.
    """

    path: Path
    names: list[str]
    chosen: list[int]
    open: frozenset[int]
    delimiter: str
    decimal: str
    classes: Mapping[int, tuple[str, ...]]
    values: array[float] = field(default_factory=lambda: array("d"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    texts: dict[int, tuple[int, str]] = field(default_factory=dict)
    numbers: set[int] = field(default_factory=set)
    words: dict[int, list[str]] = field(default_factory=dict)

    def add(self, cells: list[str], line: int) -> None:
        """Adds one row; raises RunFailure E0505 if it does not fit the header."""
        if len(cells) != len(self.names):
            if not "".join(cells).strip():
                return
            raise self._ragged(cells, line)
        texts = [cells[i] for i in self.chosen]
        try:
            found = [] if self.words else [float(text) for text in texts]
        except ValueError:
            found = [self._cell(i, cells[i], line) for i in self.chosen]
        else:
            joined = "".join(texts)
            if (
                self.open
                or self.classes
                or self.words
                or "_" in joined
                or self.decimal != "."
                or not joined.isascii()
            ):
                found = [self._cell(i, cells[i], line) for i in self.chosen]
        self.values.extend(found)
        self.ends.append(line)

    def _cell(self, index: int, text: str, line: int) -> float:
        """The number of a cell; NaN for a missing value or a text in a column that may be text."""
        if index in self.classes:
            return self._class(index, text.strip(), line)
        if index in self.words:
            word = text.strip()
            self.words[index].append("" if word.lower() in MISSING else word)
            return 0.0
        value = number(text, self.decimal)
        if value is not None:
            self.numbers.add(index)
            return value
        word = text.strip().lower()
        if word in TRUTHS:
            self.numbers.add(index)
            return TRUTHS[word]
        if word not in MISSING:
            if index not in self.open:
                raise self.wrong(index, text, line)
            self.texts.setdefault(index, (line, text))
        return float("nan")

    def _class(self, index: int, text: str, line: int) -> float:
        """The number of a text among the classes of its column; raises RunFailure E0505."""
        known = self.classes[index]
        if text in known:
            return float(known.index(text))
        if text.lower() in MISSING:
            return float("nan")
        name, listed = self.names[index], ", ".join(known)
        problem = f"line {line}, column `{name}`: {text[:40]!r} is not one of its classes {listed}"
        raise unreadable(self.path, problem, f"add it to `classes: {{{name}: ...}}` under `data:`")

    def wrong(self, index: int, text: str, line: int) -> Exception:
        """The failure of a cell that is not a number."""
        shown = repr(text if len(text) <= 40 else f"{text[:37]}...")
        problem = f"line {line}, column `{self.names[index]}`: {shown} is not a number"
        return unreadable(self.path, problem, self._hint(text.strip(), self.names[index]))

    def _hint(self, text: str, name: str) -> str:
        if re.fullmatch(r"[+-]?\d*,\d+", text) and self.decimal == "." and self.delimiter != ",":
            return 'numbers with a decimal comma are read with `decimal: ","` under `data:`'
        if re.fullmatch(r"[+-]?\d{1,3}([,. '_\u00a0\u202f]\d{3})+([.,]\d+)?", text) or "_" in text:
            return "write numbers without a mark between thousands"
        if re.match(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", text):
            return "a date is not a number: leave the column out, or save it as a number of days"
        return (
            "for texts that are classes write `categories: true` in the field, or in an order of "
            f"yours `classes: {{{name}: [{text[:40]}, ...]}}` under `data:`; "
            "else leave the column out"
        )

    def _ragged(self, cells: list[str], line: int) -> Exception:
        problem = f"line {line} has {len(cells)} values, and the header names {len(self.names)}"
        hint = "a text that contains the delimiter needs quotes" if len(cells) > 1 else ""
        return unreadable(self.path, problem, hint)


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """A column for each column of the file `path`, or for those that are `used`.

    Without `delimiter` a first line `sep=;` names it, else the header decides: a comma, or if it
    has none, a semicolon, a tab or a bar. Option `columns` maps further columns to lists of
    columns: `{features: [a, b, c]}` is one of three numbers per row. Option `classes` lists the
    texts of columns that are read as class numbers. A cell without a value is NaN. With
    `lines_per_row` a column has that many values in each row.
    """
    path = inside(folder_for("csv", folder), str(options.get("path", "")))
    lists = dict(options.get("columns", {}))
    sheet = _read(path, options, None if used is None else members(used, lists), lists)
    values = np.array(sheet.values).reshape(len(sheet.ends), len(sheet.chosen))
    columns, others = {}, {}
    for place, index in enumerate(sheet.chosen):
        if index in sheet.words:
            columns[sheet.names[index]] = Column(np.array(sheet.words[index]))
        elif index not in sheet.texts:
            own = sheet.classes.get(index, ())
            columns[sheet.names[index]] = Column(compact(values[:, place]), classes=own)
        elif index in sheet.numbers:
            line, text = sheet.texts[index]
            raise sheet.wrong(index, text, line)
        else:
            others[sheet.names[index]] = TEXT
    columns |= gathered(path, lists, columns, used, others)
    names = tuple(dict.fromkeys([*sheet.names, *lists]))
    count = int(options.get("lines_per_row", 1))
    columns = {name: grouped(path, column, count) for name, column in columns.items()}
    masks = masks_of(columns)
    return Table({ALL: columns}, masks, {}, 0, sheet.ends[::count], path.name, others, names)


def _read(
    path: Path,
    options: Mapping[str, Any],
    used: Collection[str] | None,
    lists: Mapping[str, Any],
) -> Sheet:
    """Reads the file; raises RunFailure E0505 if it is not a CSV file with rows."""
    limit = csv.field_size_limit(LONGEST)
    try:
        with closing(lines(path, GROWTH)) as text:
            sheet = _filled(path, options, text, used, lists)
    except (csv.Error, TypeError) as error:
        problem = str(error)
        if "unexpected end" in problem:
            problem = "a quotation mark opens a text that does not end"
        raise unreadable(path, problem) from error
    finally:
        csv.field_size_limit(limit)
    if not sheet.ends:
        raise unreadable(path, "it has a header, but no rows")
    return sheet


def _filled(
    path: Path,
    options: Mapping[str, Any],
    text: Iterator[str],
    used: Collection[str] | None,
    lists: Mapping[str, Any],
) -> Sheet:
    """The sheet of all rows, by the delimiter of the options or of the first lines."""
    first, before = next(text, ""), 0
    declared = DECLARED.fullmatch(first)
    if declared:
        first, before = next(text, ""), 1
    given = str(options.get("delimiter") or (declared[1] if declared else delimiter(first)))
    rows = csv.reader(chain([first], text), delimiter=given, strict=True)
    sheet = _sheet(path, options, next(rows, []), given, used, lists)
    for cells in rows:
        sheet.add(cells, rows.line_num + before)
    return sheet


def delimiter(header: str) -> str:
    """The delimiter of a header: a comma, or if it has none outside quotes, another one."""
    bare = re.sub(r'"[^"]*"', "", header)
    if "," in bare:
        return ","
    return max(";\t|", key=bare.count) if any(mark in bare for mark in ";\t|") else ","


def _sheet(
    path: Path,
    options: Mapping[str, Any],
    header: list[str],
    given: str,
    used: Collection[str] | None,
    lists: Mapping[str, Any],
) -> Sheet:
    """The empty sheet of a header; raises RunFailure E0505 if header or options are wrong."""
    names = [name.strip() for name in header]
    if not any(names):
        raise unreadable(path, "its first line is no header with names of columns")
    starred = used is not None and any(lists.get(name) == "*" for name in used)
    chosen = [i for i, name in enumerate(names) if used is None or starred or name in used]
    for name, count in Counter(names[i] for i in chosen).items():
        if count > 1:
            places = [str(n + 1) for n, other in enumerate(names) if other == name]
            problem = f"its header names `{name}` at the columns {' and '.join(places)}"
            raise unreadable(path, problem, "give each column that is used a unique name")
    maybe = frozenset(i for i in chosen if used is not None and names[i] not in used)
    decimal = str(options.get("decimal", "."))
    if decimal not in (".", ",") or decimal == given:
        problem = f"`decimal` is {decimal!r} and `delimiter` {given!r}"
        raise unreadable(path, problem, "`decimal` is a point or a comma, and no delimiter")
    listed = {name: tuple(texts) for name, texts in dict(options.get("classes", {})).items()}
    for name in listed:
        if name not in names:
            problem = f"`classes` names the column `{name}`, which its header does not have"
            raise unreadable(path, problem, f"it has {', '.join(names)}")
    classes = {i: listed[names[i]] for i in chosen if names[i] in listed}
    words: dict[int, list[str]] = {i: [] for i in chosen if names[i] in options.get(TEXTS, ())}
    return Sheet(path, names, chosen, maybe, given, decimal, classes, words=words)


def number(text: str, decimal: str = ".") -> float | None:
    """The number in a text, of ASCII characters without separators; None if it is not one."""
    text = text.strip()
    if "_" in text or not text.isascii():
        return None
    if decimal != ".":
        if "." in text:
            return None
        text = text.replace(decimal, ".")
    try:
        return float(text)
    except ValueError:
        return None
