"""What is wrong with a spec, as a value: a code, evidence, and places; never prose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from specc.diagnostics.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that explains the first, such as where a name was first used."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `code` is a key of `codes.CODES`, whose templates are filled from `evidence`; `suggestion`
    replaces the primary span's text where the likely fix is that simple.
    """

    code: str
    span: Span
    evidence: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    labels: tuple[Label, ...] = ()
    suggestion: str | None = None
