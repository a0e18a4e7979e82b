"""From `data:` to one source, or to several whose rows are not paired."""

from __future__ import annotations

from specc.catalog.limits import MAX_SIZE
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.source import Span
from specc.language import located
from specc.language.located import Entry, Located, Mapping
from specc.language.schema.data import DataSpec, Sources, SourceSpec
from specc.language.schema.identifiers import is_identifier
from specc.language.schema.places import where
from specc.language.schema.read_data import read_data
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path

SOURCES, BATCH_SIZE = "sources", "batch_size"
EXAMPLE = "write such as `{photos: {source: digits, fields: {a: {from: image}}}}`"


def read_sources(reading: Reading, value: Located, path: Path) -> DataSpec | Sources | None:
    """The data of a spec: one source, or several under `sources:`."""
    if not isinstance(value, Mapping) or value.get(SOURCES) is None:
        return read_data(reading, value, path)
    for entry in value.entries:
        if entry.name != SOURCES:
            hint = "each of the sources has its own keys; move it there"
            reading.unknown_key(entry.key, path, (SOURCES,), hint)
    inner = value.get(SOURCES)
    assert inner is not None
    entries = reading.mapping(inner, (*path, SOURCES), EXAMPLE)
    if entries is None:
        return None
    read = {e.name: _source(reading, e, (*path, SOURCES, e.name)) for e in entries.entries}
    _check_fields(reading, entries)
    known = reading.known(read, (*path, SOURCES))
    return Sources(sources=known) if known else None


def _source(reading: Reading, entry: Entry, path: Path) -> SourceSpec | None:
    """One of several sources: the keys of a single one, and its rows in each batch."""
    if not is_identifier(reading, entry.key, "source"):
        return None
    keys = reading.mapping(entry.value, path, "write such as `{source: digits}`")
    if keys is None:
        return None
    own = tuple(e for e in keys.entries if e.name != BATCH_SIZE)
    found = read_data(reading, Mapping(own, keys.span), path)
    size = _batch_size(reading, keys, (*path, BATCH_SIZE))
    if found is None:
        return None
    return SourceSpec.model_validate({**dict(found), BATCH_SIZE: size})


def _batch_size(reading: Reading, keys: located.Mapping, path: Path) -> int | None:
    value = keys.get(BATCH_SIZE)
    number = None if value is None else reading.number(value, path)
    if value is None or number is None:
        return None
    if isinstance(number, int) and 1 <= number <= MAX_SIZE:
        return number
    expected = f"an integer from 1 to {MAX_SIZE}"
    return reading.report(
        "E0111", value.span, where=where(path), value=value.span.text, expected=expected
    )


def _check_fields(reading: Reading, sources: Mapping) -> None:
    """Checks that the fields of all sources have different names (E0519)."""
    first: dict[str, tuple[str, Span]] = {}
    for source in sources.entries:
        for name, span in field_keys(source.value):
            if name in first:
                other, place = first[name]
                labels = (Label(place, f"in `{other}`"),)
                words = {"name": name, "source": source.name, "other": other}
                reading.report("E0519", span, labels=labels, **words)
            first.setdefault(name, (source.name, span))


def field_keys(source: Located | None) -> list[tuple[str, Span]]:
    """The names of the fields of a source with their spans, valid or not."""
    fields = source.get("fields") if isinstance(source, Mapping) else None
    entries = fields.entries if isinstance(fields, Mapping) else ()
    return [(entry.name, entry.key.span) for entry in entries]
