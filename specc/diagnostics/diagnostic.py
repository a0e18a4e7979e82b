"""Diagnostics as values: a code, evidence and places, without text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, field

from specc.diagnostics.source import Span

Severity = Literal["error", "warning"]


class Label(Struct, frozen=True):
    """A secondary place with a note, such as the first use of a name."""

    span: Span
    text: str


class Diagnostic(Struct, frozen=True):
    """An error or a warning.

    `code` is a key of `codes.CODES`, whose templates have the fields of `evidence`. If the likely
    fix is a replacement of the text of `span`, it is `suggestion`.
    """

    code: str
    span: Span
    evidence: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    labels: tuple[Label, ...] = ()
    suggestion: str | None = None
