"""Reading of `joint:` and `distribution:` of a node."""

from __future__ import annotations

from collections.abc import Iterator

from specc.diagnostics.nearest import nearest
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence
from specc.language.schema.identifiers import is_identifier
from specc.language.schema.node import PART_ROLES, PartRole
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path

PARTS = "write its parts, such as `{x: observed, u: latent}`"
DISTRIBUTION = "write `distribution: normal`, with its parameters beside it"


def read_distribution(reading: Reading, keys: Mapping, path: Path) -> str | None:
    """The name of the distribution of a joint node."""
    value = keys.get("distribution")
    if value is None:
        return reading.missing_key(keys, path, "distribution", DISTRIBUTION)
    return reading.word(value, (*path, "distribution"), "the name of a distribution")


def read_parts(reading: Reading, value: Located, path: Path) -> dict[str, PartRole] | None:
    """The roles of the parts by name, in order."""
    parts = reading.mapping(value, path, PARTS)
    if parts is None:
        return None
    if not parts.entries:
        return reading.empty(value, path, PARTS)
    read = {e.name: _role(reading, e, (*path, e.name)) for e in parts.entries}
    return {name: role for name, role in read.items() if role is not None}


def _role(reading: Reading, entry: Entry, path: Path) -> PartRole | None:
    if not is_identifier(reading, entry.key, "node"):
        return None
    hint = "a part has no distribution; write that of the draw under `distribution:`"
    word = reading.word(entry.value, path, "`observed` or `latent`", hint)
    role = next((known for known in PART_ROLES if known == word), None)
    if word is None or role is not None:
        return role
    guess = nearest(word, PART_ROLES)

    hint = "" if guess else "a part is `observed` or `latent`"
    span = entry.value.span
    return reading.report("E0129", span, suggestion=guess, part=entry.name, role=word, hint=hint)


def unread_parts(value: Located, path: Path) -> Iterator[Path]:
    """The paths of the parts of an unreadable joint node, as nodes of the program at `path`.

    If the names of its parts are unknown, it is `path`, which stands for all names.
    """
    joint = value.get("joint") if isinstance(value, Mapping) else None
    if isinstance(joint, Mapping) and joint.entries:
        yield from ((*path, entry.name) for entry in joint.entries)
    elif isinstance(joint, Sequence):
        yield from ((*path, item.text) for item in joint.items if isinstance(item, Scalar))
    elif joint is not None:
        yield path
