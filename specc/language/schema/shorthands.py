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
from specc.language.schema.spec import Path
from specc.language.text import read

KEY, STAGES = "objective", "stages"


def write_out(reading: Reading, root: Mapping) -> tuple[Mapping, str]:
    """The tree with the long form in place of each short name, and the text of the long forms.

    The text is empty if no objective is a short name. If the options of one are invalid, the tree
    has no objective.
    """
    written = root.get(KEY)
    stages = written.get(STAGES) if isinstance(written, Mapping) else None
    if isinstance(stages, Sequence):
        return _stages_written_out(reading, root, stages)
    name = _short_name(written)
    if written is None or name is None:
        return root, ""
    options = written.entries[0].value if isinstance(written, Mapping) else None
    text = _long_form(reading, root, name, options, (KEY,))
    if text is None:
        return _without_objective(reading, root), ""
    return _merged(root, _tree(root, text, name, options)), text


def _stages_written_out(reading: Reading, root: Mapping, stages: Sequence) -> tuple[Mapping, str]:
    """The tree and the text, with the long forms of the short names of stages."""
    texts = []
    for number, stage in enumerate(stages.items):
        short = _short_entry(stage)
        if short is None:
            continue
        path = (KEY, STAGES, number)
        text = _long_form(reading, root, short.key, short.value, path)
        if text is None:
            return _without_objective(reading, root), ""
        tree = _tree(root, text, short.key, short.value)
        root = _with_stage(_merged(root, _without(tree, KEY)), number, short, tree)
        texts.append(f"# stage {number + 1}\n{text}")
    return root, "\n".join(texts)


def _short_entry(stage: Located) -> Entry | None:
    """The entry of a stage whose key is the short name of an objective, or None."""
    entries = stage.entries if isinstance(stage, Mapping) else ()
    return next((entry for entry in entries if entry.name in SHORTHANDS), None)


def _with_stage(root: Mapping, number: int, short: Entry, tree: Mapping) -> Mapping:
    """The tree of a spec in which a stage has the objective of a long form, not its short name."""
    objective, long = root.get(KEY), tree.get(KEY)
    assert isinstance(objective, Mapping) and isinstance(long, Mapping)
    stages = objective.get(STAGES)
    assert isinstance(stages, Sequence)
    stage = stages.items[number]
    assert isinstance(stage, Mapping)
    entries = [e for own in stage.entries for e in (long.entries if own is short else (own,))]
    items = list(stages.items)
    items[number] = Mapping(tuple(entries), stage.span)
    listed = Sequence(tuple(items), stages.span)
    return _replaced(root, KEY, _replaced(objective, STAGES, listed))


def _replaced(mapping: Mapping, key: str, value: Located) -> Mapping:
    entries = (Entry(e.key, value) if e.name == key else e for e in mapping.entries)
    return Mapping(tuple(entries), mapping.span)


def _without(mapping: Mapping, key: str) -> Mapping:
    return Mapping(tuple(e for e in mapping.entries if e.name != key), mapping.span)


def _without_objective(reading: Reading, root: Mapping) -> Mapping:
    reading.unread.append((KEY,))
    return _without(root, KEY)


def _tree(root: Mapping, text: str, name: Scalar, options: Located | None) -> Mapping:
    """The tree of a long form, whose positions are those of the short name."""
    source = LongForm(root.span.source.path, text, name.span, dict(_texts(options)))
    tree, findings = read(source)
    assert isinstance(tree, Mapping) and not findings, "a long form is no YAML"
    return tree


def _short_name(written: Located | None) -> Scalar | None:
    """The scalar with the short name of an objective, or None."""
    word = written
    if isinstance(written, Mapping):
        word = written.entries[0].key if len(written.entries) == 1 else None
    return word if isinstance(word, Scalar) and word.text in SHORTHANDS else None


def _long_form(
    reading: Reading, root: Mapping, name: Scalar, written: Located | None, above: Path
) -> str | None:
    entry, path = SHORTHANDS[name.text], (*above, name.text)
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
