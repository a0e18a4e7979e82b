"""From `data:` to a `DataSpec`: the source with its options, its fields and its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from specc.catalog.registry import SOURCES, source_by_ending
from specc.catalog.source import LARGEST, Option, Source
from specc.diagnostics.nearest import nearest
from specc.language import located
from specc.language.located import Entry, Located, Scalar, Sequence
from specc.language.schema.data import DataSpec, FieldSpec, OptionValue, Rule, Subset
from specc.language.schema.identifiers import is_identifier
from specc.language.schema.places import where
from specc.language.schema.reading import LIST, Reading
from specc.language.schema.spec import Path
from specc.language.schema.validation import plain, read_model, report_problem

OWN_KEYS = ("source", "fields", "split", "subset")
MASK = re.compile(r"[A-Za-z_]\w*(?:\[\d+\])?", re.ASCII)


def read_data(reading: Reading, value: Located, path: Path) -> DataSpec | None:
    """The data of a spec without invalid options, fields and parts; None without a valid source."""
    keys = reading.mapping(value, path, "write such as `data: {source: digits}`")
    if keys is None:
        return None
    source = _source(reading, keys, path)
    entry = SOURCES[source[0]] if source and source[0] in SOURCES else None
    before = reading.errors()
    options = _options(reading, keys, entry, path)
    if reading.errors() > before:
        options = {}
    fields = _fields(reading, keys.get("fields"), (*path, "fields"))
    split = _split(reading, keys.get("split"), entry, (*path, "split"))
    subset = _subset(reading, keys.get("subset"), fields, (*path, "subset"))
    if source is None:
        return None
    name, own_path = source
    if own_path is not None:
        options = {"path": own_path, **options}
    return DataSpec.model_validate(
        {"source": name, "options": options, "fields": fields, "split": split, "subset": subset}
    )


def _source(reading: Reading, keys: located.Mapping, path: Path) -> tuple[str, str | None] | None:
    """The kind of source, and its file if `source:` is a path, as in `source: ap/counts.npz`."""
    value = keys.get("source")
    known = ", ".join(f"`{name}`" for name in SOURCES)
    if value is None:
        return reading.missing_key(keys, path, "source", f"the sources are {known}")
    word = reading.word(value, (*path, "source"), "the name of a source", f"there are {known}")
    if word is None or not isinstance(value, Scalar):
        return None
    if word in SOURCES:
        return word, None
    read_by = source_by_ending().get(PurePosixPath(word).suffix.lstrip("."))
    if read_by is not None:
        return (read_by, word) if _is_inside(reading, value) else None
    guess = nearest(word, SOURCES)
    hint = "" if guess else f"the sources are {known}"
    return reading.report("E0501", value.span, suggestion=guess, name=word, hint=hint)


def _is_inside(reading: Reading, value: Scalar) -> bool:
    """Whether a path is inside the data folder; reports it if not."""
    path = PurePosixPath(value.text.replace("\\", "/"))
    is_drive = bool(re.match(r"[A-Za-z]:", value.text))
    if not path.is_absolute() and ".." not in path.parts and not is_drive:
        return True
    reading.report("E0506", value.span, path=value.text)
    return False


# options of the source


def _options(
    reading: Reading, keys: located.Mapping, source: Source | None, path: Path
) -> dict[str, OptionValue]:
    known = {option.name: option for option in source.options} if source else {}
    found: dict[str, OptionValue] = {}
    for entry in keys.entries:
        if entry.name in OWN_KEYS:
            continue
        if entry.name in known:
            value = _option(reading, entry, known[entry.name], (*path, entry.name))
            if value is not None:
                found[entry.name] = value
        elif source is not None:
            reading.unknown_key(entry.key, path, (*OWN_KEYS, *known))
    if source is not None:
        _require(reading, keys, source, path)
    return found


def _require(reading: Reading, keys: located.Mapping, source: Source, path: Path) -> None:
    value = keys.get("source")
    names_file = isinstance(value, Scalar) and value.text != source.name
    for option in source.options:
        given = keys.get(option.name) is not None or (option.name == "path" and names_file)
        if option.required and not given:
            hint = f"the source `{source.name}` is read from it: {option.summary[:1].lower()}"
            reading.missing_key(keys, path, option.name, hint + option.summary[1:])


def _option(reading: Reading, entry: Entry, option: Option, path: Path) -> OptionValue | None:
    if option.kind == "columns":
        return _columns(reading, entry.value, path)
    if option.kind == "classes":
        return _classes(reading, entry.value, path)
    if option.kind == "number":
        return _size(reading, entry.value, path, option.least, option.most)
    if option.kind == "sizes":
        return _sizes(reading, entry.value, path)
    word = reading.word(entry.value, path, "a text")
    if word is not None and option.choices and word not in option.choices:
        guess = nearest(word, option.choices)
        hint = "" if guess else f"it is {', '.join(f'`{choice}`' for choice in option.choices)}"
        return reading.report(
            "E0113", entry.value.span, suggestion=guess, where=where(path), value=word, hint=hint
        )
    if word is not None and option.kind == "path" and isinstance(entry.value, Scalar):
        return word if _is_inside(reading, entry.value) else None
    return word


def _sizes(reading: Reading, value: Located, path: Path) -> tuple[int, ...] | None:
    """A height and a width, such as `[28, 20]`."""
    if not isinstance(value, Sequence) or len(value.items) != 2:
        return reading.wrong_kind(value, path, f"{LIST} of a height and a width", "as `[28, 28]`")
    read = [_size(reading, item, (*path, n)) for n, item in enumerate(value.items)]
    return tuple(size for size in read if size is not None)


def _size(
    reading: Reading, value: Located, path: Path, least: int = 1, most: int = LARGEST
) -> int | None:
    number = reading.number(value, path)
    if number is None:
        return None
    if isinstance(number, int) and least <= number <= most:
        return number
    expected = f"an integer from {least} to {most}"
    return reading.report(
        "E0111", value.span, where=where(path), value=value.span.text, expected=expected
    )


def _columns(reading: Reading, value: Located, path: Path) -> OptionValue | None:
    """Lists of columns by name, `{features: [age, height]}`; `"*"` stands for all other columns."""
    keys = reading.mapping(value, path, "write `{features: [age, height]}`")
    if keys is None:
        return None
    for entry in keys.entries:
        items = entry.value.items if isinstance(entry.value, Sequence) else (entry.value,)
        for number, item in enumerate(items):
            reading.word(item, (*path, entry.name, number), "the name of a column")
    found: Mapping[str, str | tuple[str, ...]] = plain(keys)
    return found


EXAMPLE = "write such as `[setosa, versicolor]`"


def _text(reading: Reading, item: Located, path: Path) -> str | None:
    """A text value of a column; numbers must be in quotes."""
    is_number = isinstance(item, Scalar) and item.tag_kind in ("int", "float")
    return reading.word(item, path, "a text", f'write `"{item.span.text}"`' if is_number else "")


def _classes(reading: Reading, value: Located, path: Path) -> OptionValue | None:
    """Lists of at least two different texts by column: `{species: [setosa, versicolor]}`."""
    keys = reading.mapping(value, path, "write `{species: [setosa, versicolor]}`")
    if keys is None:
        return None
    for entry in keys.entries:
        at = (*path, entry.name)
        if not isinstance(entry.value, Sequence):
            reading.wrong_kind(entry.value, at, f"{LIST} of texts", EXAMPLE)
            continue
        items = entry.value.items
        before = reading.errors()
        words = [_text(reading, item, (*at, n)) for n, item in enumerate(items)]
        if reading.errors() == before and len(set(words)) < max(2, len(words)):
            shown = "a list with a text twice" if len(words) > 1 else "a list of one text"
            reading.report(
                "E0104",
                entry.value.span,
                where=where(at),
                expected=f"{LIST} of two or more different texts",
                found=shown if words else "an empty list",
                hint=EXAMPLE,
            )
    found: Mapping[str, str | tuple[str, ...]] = plain(keys)
    return found


# fields


def _fields(reading: Reading, value: Located | None, path: Path) -> Mapping[str, FieldSpec]:
    if value is None:
        return {}
    entries = reading.mapping(value, path, "write such as `{x: {from: image}}`")
    if entries is None:
        reading.unread.append(path)
        return {}
    read = {entry.name: _field(reading, entry, (*path, entry.name)) for entry in entries.entries}
    return reading.known(read, path)


def _field(reading: Reading, entry: Entry, path: Path) -> FieldSpec | None:
    if not is_identifier(reading, entry.key, "field"):
        return None
    column = entry.value.text if isinstance(entry.value, Scalar) and entry.value.value else "..."
    keys = reading.mapping(entry.value, path, f"write `{entry.name}: {{from: {column}}}`")
    if keys is None:
        return None
    if keys.get("from") is None:
        source = located.Entry(entry.key, Scalar(entry.name, entry.key.span, "plain", "str"))
        source = located.Entry(Scalar("from", entry.key.span, "plain", "str"), source.value)
        keys = located.Mapping((source, *keys.entries), keys.span)
    return read_model(reading, FieldSpec, keys, path, report_problem)


def _subset(
    reading: Reading, value: Located | None, fields: Mapping[str, FieldSpec], path: Path
) -> Subset | None:
    """The training rows that a run uses; reports a field of classes that the source lacks."""
    if value is None:
        return None
    keys = reading.mapping(value, path, "write such as `{rows: 100}`")
    found = None if keys is None else read_model(reading, Subset, keys, path, report_problem)
    if keys is None or found is None or found.per_class is None or found.per_class in fields:
        return found
    guess, known = nearest(found.per_class, fields), ", ".join(f"`{name}`" for name in fields)
    place = keys.get("per_class")
    assert place is not None
    hint = "" if guess else f"the fields of the source are {known}"
    return reading.report("E0521", place.span, suggestion=guess, name=found.per_class, hint=hint)


# parts


def _split(
    reading: Reading, value: Located | None, source: Source | None, path: Path
) -> dict[str, Rule]:
    if value is None:
        return {}
    entries = reading.mapping(value, path, "write such as `{test: 0.2}`")
    if entries is None:
        return {}
    parts = {e.name: _part(reading, e, source, (*path, e.name)) for e in entries.entries}
    known = {name: part for name, part in parts.items() if part is not None}
    shares = [part for part in known.values() if isinstance(part, float)]
    if sum(shares) >= 1:
        problem = f"the shares come to {sum(shares):g}, which leaves no rows to train on"
        name = entries.entries[-1].name
        reading.report("E0509", value.span, name=name, problem=problem, hint="make them smaller")
    return known


def _part(reading: Reading, entry: Entry, source: Source | None, path: Path) -> Rule | None:
    value = entry.value
    if entry.name == "train":
        hint = "delete it"
        problem = "`train` consists of the rows that no other part has"
        return reading.report("E0509", entry.key.span, name="train", problem=problem, hint=hint)
    if isinstance(value, located.Mapping):
        return _other_file(reading, value, source, path)
    if isinstance(value, Scalar) and isinstance(value.value, str):
        return _mask(reading, entry, value)
    number = reading.number(value, path)
    if number is None:
        return None
    is_share = isinstance(number, float)
    if (is_share and 0 < number < 1) or (not is_share and number >= 1):
        return number
    expected = "a share between 0 and 1" if is_share else "a number of rows, at least 1"
    return reading.report(
        "E0111", value.span, where=where(path), value=value.span.text, expected=expected
    )


def _other_file(
    reading: Reading, value: located.Mapping, source: Source | None, path: Path
) -> Rule | None:
    """The options of the source for a part in another file, such as `{path: test.csv}`."""
    if source is None:
        return None
    known = {option.name: option for option in source.options}
    found: dict[str, OptionValue] = {}
    for entry in value.entries:
        if entry.name not in known:
            reading.unknown_key(entry.key, path, known)
            return None
        option = _option(reading, entry, known[entry.name], (*path, entry.name))
        if option is not None:
            found[entry.name] = option
    if not value.entries:
        hint = "write such as `{path: test.csv}`, a share or a number of rows"
        problem = "no file is named"
        return reading.report("E0509", value.span, name=path[-1], problem=problem, hint=hint)
    return found


def _mask(reading: Reading, entry: Entry, value: Scalar) -> str | None:
    if MASK.fullmatch(value.text):
        return value.text
    problem = f"`{value.text}` is not the name of a mask, as `is_test` or `is_test[0]`"
    hint = "write a share such as 0.2, a number of rows, or the name of a boolean array"
    return reading.report("E0509", value.span, name=entry.name, problem=problem, hint=hint)
