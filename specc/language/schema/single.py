"""Values with one name: `elbo`, or `{elbo: {particles: 8}}` with options."""

from __future__ import annotations

from specc.language.located import Located, Mapping, Scalar
from specc.language.schema.places import where
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path


def read_single(
    reading: Reading, value: Located, path: Path, expected: str
) -> tuple[Scalar, Located | None] | None:
    """The name and the value under it, or None without a value."""
    if isinstance(value, Mapping):
        return _only_entry(reading, value, path, expected)
    word = reading.word(value, path, expected)
    if word is None:
        return None
    assert isinstance(value, Scalar)
    return value, None


def _only_entry(
    reading: Reading, value: Mapping, path: Path, expected: str
) -> tuple[Scalar, Located | None] | None:
    if not value.entries:
        return reading.empty(value, path, f"write {expected}")
    if len(value.entries) > 1:
        first, second = value.entries[:2]
        hint = "delete one of them, and indent options under the other"
        # `--set train.optimizer.lr=0.1` adds a key beside that of the optimizer.
        if isinstance(first.value, Mapping) and isinstance(second.value, Scalar):
            place = ".".join(map(str, (*path, first.name, second.name)))
            hint = f"an option of `{first.name}` is under it, `{place}`; else delete one of them"
        return reading.report(
            "E0112",
            value.entries[1].key.span,
            where=where(path),
            count=len(value.entries),
            hint=hint,
        )
    entry = value.entries[0]
    is_empty = isinstance(entry.value, Scalar) and entry.value.tag_kind == "null"
    return entry.key, None if is_empty else entry.value
