"""`--set a.b=value`: values of the spec on the command line.

The value is parsed as YAML and inserted into the tree before the document is read, so that its
errors are located in the argument. `--set a.b=null` removes the key, so that it has its default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source, Span
from specc.language import text
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence
from specc.language.schema.keys import keys_ending_in

_ARGUMENT = re.compile(r"\s*([A-Za-z_][\w-]*(?:\.[\w-]+)*)\s*=", re.ASCII)
_GROWING = ("constants", "train", "evaluate", "data", "objective", "plates", "moved", "doc", "name")
"""The sections in which a setting may create keys."""


class Setting(Struct, frozen=True):
    """A path with the span of each of its parts, and the value; None removes the key."""

    keys: tuple[Scalar, ...]
    value: Located | None

    @property
    def path(self) -> str:
        """The path in the argument."""
        return ".".join(key.text for key in self.keys)


def apply_settings(
    root: Mapping, settings: Iterable[Source], top: tuple[str, ...]
) -> tuple[Mapping, list[Diagnostic]]:
    """The tree with all settings applied, and the diagnostics of invalid settings.

    `top` has the top-level keys of a spec.
    """
    findings: list[Diagnostic] = []
    tree = root
    for source in settings:
        setting, found = _read(source)
        findings += found
        if setting is None:
            continue
        changed = _put(tree, _with_section(tree, setting, top), top)
        if isinstance(changed, Diagnostic):
            findings.append(changed)
        else:
            tree = changed
    return tree, findings


def _read(source: Source) -> tuple[Setting | None, list[Diagnostic]]:
    match = _ARGUMENT.match(source.text)
    written = source.text[match.end() :].strip() if match is not None else ""
    if match is None or not written or written.startswith("#"):
        span = Span(source, 0, len(source.text))
        return None, [diagnose("E0701", span, argument=_short(source.text))]
    keys = [
        Scalar(part[0], Span(source, part.start(), part.end()), "plain", "str")
        for part in re.compile(r"[^.]+").finditer(source.text, match.start(1), match.end(1))
    ]
    if written in ("null", "Null", "NULL", "~"):
        return Setting(tuple(keys), None), []
    blank = Source(source.path, " " * match.end() + source.text[match.end() :])
    value, findings = text.read(blank)
    findings = [_relocated_diagnostic(found, source) for found in findings]
    if value is None:
        return None, findings
    return Setting(tuple(keys), _relocated(value, source)), findings


def _short(argument: str) -> str:
    return argument if len(argument) <= 60 else f"{argument[:57]}..."


def _relocated_diagnostic(found: Diagnostic, source: Source) -> Diagnostic:
    labels = tuple(replace(label, span=_at(label.span, source)) for label in found.labels)
    return replace(found, span=_at(found.span, source), labels=labels)


def _at(span: Span, source: Source) -> Span:
    return Span(source, span.start, span.end)


def _relocated(value: Located, source: Source) -> Located:
    """The same tree with its spans in the argument."""
    span = _at(value.span, source)
    if isinstance(value, Mapping):
        entries = [
            Entry(replace(e.key, span=_at(e.key.span, source)), _relocated(e.value, source))
            for e in value.entries
        ]
        return Mapping(tuple(entries), span)
    if isinstance(value, Sequence):
        return Sequence(tuple(_relocated(item, source) for item in value.items), span)
    return replace(value, span=span)


def _with_section(root: Mapping, setting: Setting, top: tuple[str, ...]) -> Setting:
    """The setting with its section: `z_dim=20` sets the constant `constants.z_dim`."""
    constants = root.get("constants")
    is_constant = isinstance(constants, Mapping) and constants.get(setting.keys[0].text) is not None
    if len(setting.keys) > 1 or setting.keys[0].text in top or not is_constant:
        return setting
    return replace(setting, keys=(replace(setting.keys[0], value="constants"), *setting.keys))


def _put(root: Mapping, setting: Setting, top: tuple[str, ...]) -> Mapping | Diagnostic:
    first = setting.keys[0]
    if first.text not in top:
        hint = "write the name of a constant, or a path such as `train.epochs`"
        ending = keys_ending_in(setting.path)
        known = [*top, *_constants(root)]
        return _unknown(setting, first, known, hint, ending[0] if ending else None)
    changed = _put_under(root, setting, 0)
    return changed if isinstance(changed, (Mapping, Diagnostic)) else root


def _constants(root: Mapping) -> list[str]:
    constants = root.get("constants")
    return [e.name for e in constants.entries] if isinstance(constants, Mapping) else []


def _put_under(value: Located, setting: Setting, depth: int) -> Located | Diagnostic:
    """`value` with the setting applied at the rest of its path, from part `depth` on."""
    if depth == len(setting.keys):
        assert setting.value is not None
        return setting.value
    key = setting.keys[depth]
    if isinstance(value, Sequence):
        return _put_in_list(value, setting, depth)
    if isinstance(value, Scalar) and (value.tag_kind == "null" or value.value == key.text):
        # `optimizer: adam` is short for `optimizer: {adam: {}}`.
        value = Mapping((), value.span)
    if not isinstance(value, Mapping):
        before = ".".join(k.text for k in setting.keys[:depth])
        return _unknown(setting, key, (), f"`{before}` is `{value.text}`, which has no keys")
    names = [entry.name for entry in value.entries]
    if setting.value is None and (depth == len(setting.keys) - 1 or key.text not in names):
        return Mapping(tuple(e for e in value.entries if e.name != key.text), value.span)
    if key.text not in names:
        return _add(value, setting, depth)
    position = names.index(key.text)
    inner = _put_under(value.entries[position].value, setting, depth + 1)
    if isinstance(inner, Diagnostic):
        return inner
    entries = [*value.entries]
    entries[position] = Entry(key, inner)
    return Mapping(tuple(entries), value.span)


def _put_in_list(value: Sequence, setting: Setting, depth: int) -> Located | Diagnostic:
    key = setting.keys[depth]
    is_position = re.fullmatch(r"[0-9]{1,6}", key.text) is not None
    if not is_position or int(key.text) >= len(value.items):
        count = len(value.items)
        hint = f"the list has {count} entr{'y' if count == 1 else 'ies'}, the first of them is 0"
        return _unknown(setting, key, (), hint)
    items = [*value.items]
    if setting.value is None and depth == len(setting.keys) - 1:
        del items[int(key.text)]
        return Sequence(tuple(items), value.span)
    inner = _put_under(items[int(key.text)], setting, depth + 1)
    if isinstance(inner, Diagnostic):
        return inner
    items[int(key.text)] = inner
    return Sequence(tuple(items), value.span)


def _add(value: Mapping, setting: Setting, depth: int) -> Located | Diagnostic:
    """`value` with a new key: the last of the path, or any key in a section of `_GROWING`."""
    key = setting.keys[depth]
    is_last = depth == len(setting.keys) - 1
    if not is_last and setting.keys[0].text not in _GROWING:
        known = [entry.name for entry in value.entries]
        return _unknown(setting, key, known, "write it in the spec itself")
    assert setting.value is not None
    added = setting.value
    for outer in reversed(setting.keys[depth + 1 :]):
        added = Mapping((Entry(outer, added),), outer.span)
    return Mapping((*value.entries, Entry(key, added)), value.span)


def _unknown(
    setting: Setting,
    key: Scalar,
    known: list[str] | tuple[()],
    hint: str,
    meant: str | None = None,
) -> Diagnostic:
    guess = meant or nearest(key.text, known)
    hint = "" if guess else hint
    return diagnose("E0702", key.span, suggestion=guess, path=setting.path, hint=hint)
