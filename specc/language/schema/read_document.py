"""From the top mapping of a spec to a `Document`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from specc.catalog.registry import OBJECTIVES, SHORTHANDS
from specc.diagnostics.nearest import nearest
from specc.language import located, nested
from specc.language.expressions.tree import Name
from specc.language.limits import MAX_FINDINGS
from specc.language.located import Entry, Located, Scalar, Sequence
from specc.language.nested import Numbers
from specc.language.reserved import MODULE_ATTRIBUTES, OF_GENERATED_CODE
from specc.language.schema.auto import AUTO
from specc.language.schema.document import Constant, Document, Scan
from specc.language.schema.expressions import read_expression
from specc.language.schema.identifiers import (
    is_identifier,
    is_package,
)
from specc.language.schema.read_link import read_links
from specc.language.schema.read_node import read_nodes
from specc.language.schema.read_objective import read_objective
from specc.language.schema.read_sampler import read_sampler
from specc.language.schema.read_sources import field_keys, read_sources
from specc.language.schema.read_train import read_evaluations, read_train
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path
from specc.language.schema.train import TrainSpec
from specc.language.schema.value import Expression

Reader = Callable[[Reading, Located, Path], Any]

UNNAMED = "unnamed"
"""The substitute for an invalid name of a spec, with which the rest can be checked."""

TAKEN = ("model", "guide", "data")
"""Names before a dot with a fixed meaning, which further programs cannot have."""


def read_version(reading: Reading, value: Located, path: Path) -> int | None:
    """The version of the language, `specc: 1`."""
    if isinstance(value, Scalar) and value.value == 1 and value.tag_kind == "int":
        return 1
    if not isinstance(value, Scalar) or value.tag_kind == "null":
        return reading.wrong_kind(value, path, "1, the version of the language")
    return reading.report("E0105", value.span, version=value.text)


def read_name(reading: Reading, value: Located, path: Path) -> str | None:
    """The name of the spec, `name: vae`."""
    if reading.word(value, path, "a word, such as `vae`") is None:
        return None
    assert isinstance(value, Scalar)
    return value.text if is_package(reading, value) else None


def read_text(reading: Reading, value: Located, path: Path) -> str | None:
    """The description of the spec, `doc: ...`."""
    return reading.word(value, path, "a text")


def read_constants(reading: Reading, value: Located, path: Path) -> dict[str, Constant] | None:
    """The constants by name: numbers, words, and nested lists of numbers."""
    return _each(reading, value, path, "constant", read_constant)


def read_constant(reading: Reading, value: Located, path: Path) -> Constant | None:
    """The value of a constant."""
    expected = "a number, a word or a list of numbers"
    if isinstance(value, Sequence) and value.items:
        return _numbers(reading, value, path)
    if not isinstance(value, Scalar) or value.value is None or isinstance(value.value, bool):
        return reading.wrong_kind(value, path, expected)
    return value.value if reading.is_finite(value, path) else None


def _numbers(reading: Reading, value: Sequence, path: Path) -> Numbers | None:
    """A nested list of numbers; its entries must have the same shape."""
    known: list[int | float | Numbers] = []
    for position, item in enumerate(value.items):
        inside = (*path, position)
        found: int | float | Numbers | None
        if isinstance(item, Sequence) and item.items:
            found = _numbers(reading, item, inside)
        else:
            found = reading.number(item, inside)
        if found is not None:
            known.append(found)
    if len(known) < len(value.items):
        return None
    if nested.shape(tuple(known)) is None:
        return reading.report("E0319", value.span)
    return tuple(known)


def read_plates(reading: Reading, value: Located, path: Path) -> dict[str, Expression] | None:
    """The sizes of the plates by name."""
    return _each(reading, value, path, "plate", read_plate)


def read_plate(reading: Reading, value: Located, path: Path) -> Expression | Scan | None:
    """The size of a plate; or `{scan: steps}`, a sequence, or `{size: elements}`, a set."""
    if not isinstance(value, located.Mapping):
        return read_expression(reading, value, path)
    for entry in value.entries:
        if entry.name not in ("scan", "size", "lengths"):
            return reading.unknown_key(entry.key, path, ("scan", "size", "lengths"))
    steps, elements, lengths = map(value.get, ("scan", "size", "lengths"))
    given = steps or elements
    if given is None or (steps and elements):
        hint = "or `{scan: 100}` for a sequence, `{size: 100}` for a set"
        return reading.wrong_kind(value, path, "a number or a constant", hint)
    size = read_expression(reading, given, (*path, "scan" if steps else "size"))
    node = None
    if lengths is not None:
        node = reading.word(lengths, (*path, "lengths"), "the name of a given node")
    if size is None:
        return None
    is_open = isinstance(size, Name) and size.id == AUTO and elements is not None
    return Scan(steps=None if is_open else size, lengths=node, is_ordered=steps is not None)


def read_programs(reading: Reading, value: Located, path: Path) -> dict[str, object] | None:
    """The nodes of further programs, by program."""
    return _each(reading, value, path, "program", read_nodes)


def read_moved(reading: Reading, value: Located, path: Path) -> dict[str, str] | None:
    """The new name of each renamed tensor, by its old name."""
    keys = reading.mapping(value, path, "write such as `{model.dec: model.decoder}`")
    if keys is None:
        return None
    new = {e.name: reading.word(e.value, (*path, e.name), "a name") for e in keys.entries}
    known = {name: word for name, word in new.items() if word is not None}
    return known if len(known) == len(new) else None


def _each(
    reading: Reading, value: Located, path: Path, kind: str, read: Reader
) -> dict[str, Any] | None:
    """The valid values of a mapping from names, such as `constants:`."""
    keys = reading.mapping(value, path, "write names, one key each")
    if keys is None:
        return None
    found = {}
    for entry in keys.entries:
        is_named = _is_valid_name(reading, entry, kind)
        found[entry.name] = read(reading, entry.value, (*path, entry.name)) if is_named else None
    return reading.known(found, path)


def _is_valid_name(reading: Reading, entry: Entry, kind: str) -> bool:
    if not is_identifier(reading, entry.key, kind):
        return False
    if kind != "program":
        return True
    if entry.name in OF_GENERATED_CODE | MODULE_ATTRIBUTES:
        meaning = "a part of the generated code"
    elif entry.name in TAKEN:
        meaning = "the data" if entry.name == "data" else f"the key `{entry.name}:` of the spec"
    else:
        return True
    other = f"{entry.name}_program"
    reading.report(
        "E0109", entry.key.span, name=entry.name, kind=kind, meaning=meaning, other=other
    )
    return False


# all sections


class Part(Struct, frozen=True):
    """A top-level key: its reader, and a substitute for an invalid value.

    The rest of the spec does not depend on a part with a `substitute`, so the next stages continue
    with that value.
    """

    read: Reader
    substitute: object = None


PARTS: dict[str, Part] = {
    "specc": Part(read_version, substitute=1),
    "name": Part(read_name, substitute=UNNAMED),
    "doc": Part(read_text, substitute=""),
    "constants": Part(read_constants),
    "data": Part(read_sources),
    "plates": Part(read_plates),
    "model": Part(read_nodes),
    "guide": Part(read_nodes),
    "programs": Part(read_programs),
    "links": Part(read_links),
    "objective": Part(read_objective),
    "sampler": Part(read_sampler),
    "train": Part(read_train, substitute=TrainSpec()),
    "evaluate": Part(read_evaluations, substitute={}),
    "moved": Part(read_moved, substitute={}),
}
"""The top-level keys of a spec in the recommended order."""

REQUIRED: Mapping[str, str] = {
    "specc": "start the file with `specc: 1`",
    "name": "write such as `name: vae`, which names its generated package",
    "model": "write the generative model under it, one key per node",
}


def read_document(reading: Reading, root: located.Mapping) -> Document | None:
    """The document without invalid parts; reports all errors. None without a readable model.

    Invalid parts without a substitute are recorded as unread.
    """
    for entry in root.entries:
        if reading.errors() > MAX_FINDINGS:
            break
        if entry.name not in PARTS:
            _unknown(reading, entry.key)
            reading.unread.append((nearest(entry.name, PARTS) or entry.name,))
    reading.fields = _fields(root)
    reading.has_objective = root.get("objective") is not None
    for key, hint in REQUIRED.items():
        if root.get(key) is None:
            reading.missing_key(root, (), key, hint)
    read = {entry.name: _part(reading, entry) for entry in root.entries if entry.name in PARTS}
    values = reading.known(read, ())
    if "model" not in values or root.get("energy") is not None:
        return None
    return Document.model_validate({"specc": 1, "name": UNNAMED, **values})


def _fields(root: located.Mapping) -> frozenset[str]:
    """The names of the data fields, valid or not."""
    data = root.get("data")
    several = data.get("sources") if isinstance(data, located.Mapping) else None
    found = several.entries if isinstance(several, located.Mapping) else ()
    sources = [data, *(entry.value for entry in found)]
    return frozenset(name for source in sources for name, _ in field_keys(source))


def _part(reading: Reading, entry: Entry) -> object:
    part = PARTS[entry.name]
    before = reading.errors()
    value = part.read(reading, entry.value, (entry.name,))
    if part.substitute is None:
        return value
    return part.substitute if value is None or reading.errors() > before else value


def _unknown(reading: Reading, key: Scalar) -> None:
    """Report a key that the spec does not have, with the section where it belongs."""
    owner = next((name for name, keys in INSIDE.items() if key.text in keys), None)
    if owner is not None:
        return reading.unknown_key(key, (), (), f"it belongs under `{owner}:`")
    return reading.unknown_key(key, (), PARTS)


INSIDE: dict[str, frozenset[str]] = {
    "train": frozenset(TrainSpec.model_fields),
    "data": frozenset({"source", "fields", "split", "subset"}),
    "objective": frozenset({"minimize", "players", "stages", *OBJECTIVES, *SHORTHANDS}),
    "model": frozenset({"energy", "latent", "observed", "given", "let", "parameter", "joint"}),
}
