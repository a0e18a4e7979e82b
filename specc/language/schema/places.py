"""Descriptions of places of the document in messages: the node `z` instead of `model.z`."""

from __future__ import annotations

from specc.language.schema.spec import Path

_NAMED = {
    ("links",): "the link",
    ("constants",): "the constant",
    ("plates",): "the plate",
    ("evaluate",): "the evaluation",
    ("programs",): "the program",
    ("model",): "the node",
    ("guide",): "the node",
    ("data", "fields"): "the data field",
    ("data", "split"): "the split",
    ("data", "sources"): "the data source",
    ("objective", "players"): "the player",
}


def where(path: Path) -> str:
    """The description of the value at `path` in messages."""
    if not path:
        return "the spec"
    owner = _owner(path)
    if owner is None:
        return f"`{dotted(path)}`"
    words, length = owner
    rest = path[length:]
    return f"`{dotted(rest)}` of {words}" if rest else words


def _owner(path: Path) -> tuple[str, int] | None:
    """The named value at or above `path`, and the length of its path."""
    if path[:2] == ("objective", "stages") and len(path) > 2:
        return _stage(path)
    if path[0] == "programs" and len(path) > 2:
        return f"the node `{path[2]}`", 3
    for length in (2, 1):
        words = _NAMED.get(tuple(str(part) for part in path[:length]))
        if words is not None and len(path) > length:
            return f"{words} `{path[length]}`", length + 1
    return None


def _stage(path: Path) -> tuple[str, int]:
    """A stage by its number, or one of its players, and the length of its path."""
    words = f"stage {int(path[2]) + 1}"
    if len(path) > 4 and path[3] == "players":
        return f"the player `{path[4]}` of {words}", 5
    return words, 3


def dotted(path: Path) -> str:
    """The path with dots: `train.schedule[0].lr`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
