"""The second of the three readings of a spec: from located values to a `Spec`."""

from __future__ import annotations

from collections.abc import Iterable

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source
from specc.language.limits import MAX_FINDINGS
from specc.language.located import Located, Mapping
from specc.language.schema.read_document import PARTS, read_document
from specc.language.schema.reading import Reading, found
from specc.language.schema.settings import apply_settings
from specc.language.schema.spec import Spans, Spec


def read_spec(
    root: Located, settings: Iterable[Source] = ()
) -> tuple[Spec | None, list[Diagnostic]]:
    """The document of a spec with `--set` arguments put into it, and everything wrong with it.

    There is a `Spec` beside errors where these do not touch its mathematics (its name, its text,
    its training), so that the next stage can look for its own; there is none where they do.
    """
    if not isinstance(root, Mapping):
        return None, [diagnose("E0101", root.span, found=found(root))]
    merged, findings = apply_settings(root, settings, tuple(PARTS))
    reading = Reading()
    document = read_document(reading, merged)
    findings = _in_order([*findings, *reading.findings], root.span.source)
    if document is None:
        return None, findings
    return Spec(document, Spans.of(merged), root.span.source), findings


def _in_order(findings: list[Diagnostic], source: Source) -> list[Diagnostic]:
    """By place: those in the file first, then those in arguments."""
    ordered = sorted(
        findings, key=lambda d: (d.span.source is not source, d.span.start, d.span.end)
    )
    return ordered[:MAX_FINDINGS]
