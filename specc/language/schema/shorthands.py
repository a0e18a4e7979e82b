"""Expansion of objectives that are short for several players, before the document is read."""

from __future__ import annotations

from collections.abc import Iterator

from specc.catalog.registry import SHORTHANDS
from specc.catalog.shorthand import NoLongForm
from specc.diagnostics.source import LongForm, Span
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence
from specc.language.schema.outline import TreeOutline
from specc.language.schema.read_named import read_options
from specc.language.schema.reading import Reading
from specc.language.text import read

KEY = "objective"


def write_out(reading: Reading, root: Mapping) -> tuple[Mapping, str]:
    """The tree with the long form in place of a short name, and the text of the long form.

    The text is empty if the objective is not a short name. If its options are invalid, the tree has
    no objective.
    """
    written = root.get(KEY)
    name = _short_name(written)
    if written is None or name is None:
        return root, ""
    options = written.entries[0].value if isinstance(written, Mapping) else None
    text = _long_form(reading, root, name, options)
    if text is None:
        reading.unread.append((KEY,))
        return Mapping(tuple(e for e in root.entries if e.name != KEY), root.span), ""
    source = LongForm(root.span.source.path, text, name.span, dict(_texts(options)))
    tree, findings = read(source)
    assert isinstance(tree, Mapping) and not findings, "a long form is no YAML"
    return _merged(root, tree), text


def _short_name(written: Located | None) -> Scalar | None:
    """The scalar with the short name of an objective, or None."""
    word = written
    if isinstance(written, Mapping):
        word = written.entries[0].key if len(written.entries) == 1 else None
    return word if isinstance(word, Scalar) and word.text in SHORTHANDS else None


def _long_form(
    reading: Reading, root: Mapping, name: Scalar, written: Located | None
) -> str | None:
    entry, path = SHORTHANDS[name.text], (KEY, name.text)
    keys = Mapping((), name.span)
    if isinstance(written, Mapping):
        keys = written
    elif (isinstance(written, Scalar) and written.tag_kind != "null") or isinstance(
        written, Sequence
    ):
        return reading.wrong_kind(written, path, "a mapping of options")
    options = read_options(reading, entry.Options, entry.named, keys, path)
    if options is None:
        return None
    try:
        return entry.expand(options, TreeOutline(root))
    except NoLongForm as error:
        option = keys.get(error.option)
        span = name.span if option is None else option.span
        return reading.report("E0457", span, name=entry.name, reason=str(error))


def _texts(options: Located | None) -> Iterator[tuple[str, Span]]:
    """The texts in the options, with their spans."""
    if isinstance(options, Scalar):
        yield options.text, options.span
    elif isinstance(options, Sequence):
        for item in options.items:
            yield from _texts(item)
    elif options is not None:
        for entry in options.entries:
            yield from _texts(entry.value)


def _merged(root: Mapping, tree: Mapping) -> Mapping:
    """The tree of a spec with the objective and the further programs of a long form."""
    entries = []
    for entry in root.entries:
        more = tree.get(entry.name)
        if entry.name == KEY and more is not None:
            entries.append(Entry(entry.key, more))
        elif isinstance(more, Mapping) and isinstance(entry.value, Mapping):
            both = Mapping((*entry.value.entries, *more.entries), entry.value.span)
            entries.append(Entry(entry.key, both))
        else:
            entries.append(entry)
    known = {entry.name for entry in entries}
    entries += [entry for entry in tree.entries if entry.name not in known]
    return Mapping(tuple(entries), root.span)
