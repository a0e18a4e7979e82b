"""The state of the reading of a document, and the readers of single values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeVar

from specc.catalog.other_names import suggested_name
from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.report import diagnose, severity
from specc.diagnostics.source import Span
from specc.language.located import Located, Mapping, Scalar, Sequence
from specc.language.scalars import resolve
from specc.language.schema.places import where
from specc.language.schema.spec import Path

T = TypeVar("T")

_YES = frozenset({"yes", "on", "y"})
_NO = frozenset({"no", "off", "n"})
NUMBER, INTEGER, WORD = "a number", "an integer", "a word"
TRUTH, LIST, MAPPING = "true or false", "a list", "a mapping of keys"


class Reading:
    """The diagnostics of one document so far, and the paths of its unreadable parts.

    A reader returns None if it has reported an error.
    """

    def __init__(self) -> None:
        self.findings: list[Diagnostic] = []
        self.unread: list[Path] = []
        self.fields: frozenset[str] = frozenset()
        self.has_objective = False
        self._errors = 0

    def add(self, finding: Diagnostic) -> None:
        """Record a diagnostic."""
        self.findings.append(finding)
        self._errors += severity(finding) == "error"

    def report(
        self,
        code: str,
        span: Span,
        /,
        *,
        labels: Iterable[Label] = (),
        suggestion: str | None = None,
        **evidence: object,
    ) -> None:
        """Record a diagnostic with the code `code` at `span`."""
        self.add(diagnose(code, span, labels=labels, suggestion=suggestion, **evidence))

    def errors(self) -> int:
        """The number of errors so far, without warnings."""
        return self._errors

    def known(self, read: dict[str, T | None], path: Path) -> dict[str, T]:
        """The readable parts of a section; parts with the value None are recorded as unread."""
        self.unread += [(*path, name) for name, value in read.items() if value is None]
        return {name: value for name, value in read.items() if value is not None}

    # kinds of values

    def mapping(self, value: Located, path: Path, hint: str = "") -> Mapping | None:
        """The value if it is a mapping."""
        if isinstance(value, Mapping):
            return value
        return self.wrong_kind(value, path, MAPPING, hint)

    def word(self, value: Located, path: Path, expected: str = WORD, hint: str = "") -> str | None:
        """The text of a word."""
        if isinstance(value, Scalar) and isinstance(value.value, str):
            return value.value
        return self.wrong_kind(value, path, expected, hint)

    def boolean(self, value: Located, path: Path) -> bool | None:
        """The value of `true` or `false`."""
        if isinstance(value, Scalar) and isinstance(value.value, bool):
            return value.value
        return self.wrong_kind(value, path, TRUTH)

    def number(self, value: Located, path: Path) -> int | float | None:
        """The value of a finite number."""
        if not isinstance(value, Scalar) or value.tag_kind not in ("int", "float"):
            return self.wrong_kind(value, path, NUMBER)
        assert isinstance(value.value, (int, float))
        return value.value if self.is_finite(value, path) else None

    def is_finite(self, value: Scalar, path: Path) -> bool:
        """Whether a scalar is not an infinite number or nan; reports it if it is."""
        if not isinstance(value.value, float) or math.isfinite(value.value):
            return True
        self.report("E0110", value.span, where=where(path), value=value.span.text)
        return False

    def wrong_kind(self, value: Located, path: Path, expected: str, hint: str = "") -> None:
        """Report a value of the wrong kind, with the most likely cause."""
        if isinstance(value, Scalar) and value.tag_kind == "null":
            return self.empty(value, path, hint or f"write {expected}")
        if self.is_mistyped(value, path, expected):
            return None
        return self.report(
            "E0104",
            value.span,
            where=where(path),
            expected=expected,
            found=found(value),
            hint=hint or bracketed(value, expected),
        )

    def is_mistyped(self, value: Located, path: Path, expected: str) -> bool:
        """Whether a word was intended as a number, or as true or false; reports it if so."""
        if not isinstance(value, Scalar) or not isinstance(value.value, str):
            return False
        meaning = boolean_meaning(value.value) if expected in (TRUTH, "`true`") else None
        if meaning is not None and meaning in expected:
            self.report("E0114", value.span, suggestion=meaning, value=value.value, meaning=meaning)
            return True
        if expected in (NUMBER, INTEGER) and is_number(value):
            self.report("E0115", value.span, where=where(path), value=value.value)
            return True
        return False

    def empty(self, value: Located, path: Path, hint: str) -> None:
        """Report a key without a value."""
        self.report("E0116", value.span, where=where(path), hint=hint)

    # keys

    def unknown_key(self, key: Scalar, path: Path, known: Iterable[str], hint: str = "") -> None:
        """Report a key that is unknown at `path`."""
        candidates = sorted(known)
        guess = suggested_name(key.text, candidates)
        listed = ", ".join(f"`{name}`" for name in candidates)
        self.report(
            "E0102",
            key.span,
            suggestion=guess,
            where=where(path),
            key=key.text,
            hint=hint or ("" if guess else f"its keys are {listed}"),
        )

    def missing_key(self, value: Mapping, path: Path, key: str, hint: str) -> None:
        """Report a missing key of the mapping at `path`."""
        self.report("E0103", value.span.sub(0, 0), where=where(path), key=key, hint=hint)


def bracketed(value: Located, expected: str) -> str:
    """The fix of a single value where a list is expected: the value in brackets; else ""."""
    if not expected.startswith(LIST) or not isinstance(value, Scalar) or not value.span.text:
        return ""
    return f"write `[{value.text}]`"


def boolean_meaning(word: str) -> str | None:
    """The meaning of a word in YAML 1.1, in which `yes` is true; None for other words."""
    lowered = word.lower()
    return "true" if lowered in _YES else "false" if lowered in _NO else None


def is_number(value: Scalar) -> bool:
    """Whether a quoted word is a number without its quotes."""
    if not isinstance(value.value, str) or value.style not in ("single", "double"):
        return False
    try:
        return bool(value.value) and resolve(value.value)[0] in ("int", "float")
    except OverflowError:
        return True


def found(value: Located) -> str:
    """A description of a value, for messages."""
    if isinstance(value, Mapping):
        return "a mapping of keys"
    if isinstance(value, Sequence):
        return "a list" if value.items else "an empty list"
    if value.tag_kind == "null":
        return "nothing"
    shown = value.text if len(value.text) <= 40 else f"{value.text[:37]}..."
    if value.tag_kind == "bool":
        return f"`{shown}`"
    kind = "the number" if value.tag_kind in ("int", "float") else "the word"
    return f"{kind} `{' '.join(shown.split())}`"
