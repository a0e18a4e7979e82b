"""Values before the first step of a sequence that are nodes, written inside of the sequence.

    z: {latent: normal, loc: "z[t-1]", initial: {latent: normal, loc: 0, scale: 1}, plate: t}

is short for

    z_initial: {latent: normal, loc: 0, scale: 1}
    z: {latent: normal, loc: "z[t-1]", initial: z_initial, plate: t}

The node has the `shape:` of the sequence if it has none, and is in the program of the sequence. A
list of several initial values has `z_initial_1`, `z_initial_2`, ..., in the order of the steps.
"""

from __future__ import annotations

from specc.diagnostics.diagnostic import Label
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence
from specc.language.schema.prior import scalar, with_value
from specc.language.schema.reading import Reading

INITIAL, SHAPE, PROGRAMS = "initial", "shape", "programs"


def write_starts(reading: Reading, root: Mapping) -> Mapping:
    """The tree with a node of its own for each start that is one.

    Reports a start whose name is that of another node (E0333).
    """
    for path, program in _programs(root):
        entries: list[Entry] = []
        for entry in program.entries:
            starts, node = _taken(entry)
            entries += [*(start for start in starts if _is_new(reading, program, start)), node]
        if entries != list(program.entries):
            root = with_value(root, path, Mapping(tuple(entries), program.span))
    return root


def _programs(root: Mapping) -> list[tuple[tuple[str, ...], Mapping]]:
    """The programs with nodes, each with its path."""
    found = [((name,), root.get(name)) for name in ("model", "guide")]
    further = root.get(PROGRAMS)
    paths: list[tuple[tuple[str, ...], Located | None]] = [*found]
    if isinstance(further, Mapping):
        paths += [((PROGRAMS, entry.name), entry.value) for entry in further.entries]
    return [(path, value) for path, value in paths if isinstance(value, Mapping)]


def _taken(entry: Entry) -> tuple[list[Entry], Entry]:
    """The nodes of the starts of a sequence, and the sequence with their names."""
    node = entry.value
    initial = node.get(INITIAL) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or initial is None:
        return [], entry
    name = f"{entry.name}_{INITIAL}"
    if isinstance(initial, Mapping):
        named = scalar(name, initial.span)
        return [_start(name, initial, node)], Entry(entry.key, with_value(node, (INITIAL,), named))
    if not isinstance(initial, Sequence):
        return [], entry
    starts, items = list[Entry](), list[Located]()
    for number, item in enumerate(initial.items, 1):
        if isinstance(item, Mapping):
            starts.append(_start(f"{name}_{number}", item, node))
            item = scalar(f"{name}_{number}", item.span)
        items.append(item)
    value = Sequence(tuple(items), initial.span)
    return starts, Entry(entry.key, with_value(node, (INITIAL,), value))


def _start(name: str, start: Mapping, node: Mapping) -> Entry:
    """The node of a start, at the place where it is written."""
    shape = node.get(SHAPE)
    if start.get(SHAPE) is None and shape is not None:
        start = with_value(start, (SHAPE,), shape)
    return Entry(Scalar(name, start.span, "plain", "str"), start)


def _is_new(reading: Reading, program: Mapping, start: Entry) -> bool:
    """Whether no other node of the program has the name of a start; reports one that does."""
    other = next((e for e in program.entries if e.name == start.name), None)
    if other is None:
        return True
    labels = [Label(other.key.span, f"`{start.name}` is this node")]
    reading.report("E0333", start.value.span, labels=labels, name=start.name)
    return False


__all__ = ["write_starts"]
