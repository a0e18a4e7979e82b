"""The second of the three readings of a spec: from located values to a `Spec`."""

from __future__ import annotations

from collections.abc import Iterable

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source
from specc.language.limits import MAX_FINDINGS
from specc.language.located import Located, Mapping, Sequence
from specc.language.schema.read_document import PARTS, read_document
from specc.language.schema.reading import Reading, found
from specc.language.schema.settings import apply_settings
from specc.language.schema.spec import Spans, Spec, Unread

MISNAMED = ("E0108", "E0109")
"""A key that cannot be a name."""

UNPARSED = ("E0121", "E0122", "E0124")
"""What an expression with such a name in it is found to be."""


def read_spec(
    root: Located, settings: Iterable[Source] = ()
) -> tuple[Spec | None, list[Diagnostic]]:
    """The document of a spec with `--set` arguments put into it, and everything wrong with it.

    There is a `Spec` beside errors as long as it has a model, so that the next stage can look for
    its own; what could not be read is noted in it.
    """
    if not isinstance(root, Mapping):
        hint = "start the file with `specc: 1`"
        if isinstance(root, Sequence):
            hint = "delete the marks of a list, `-` or `[ ]`, and write one key a line"
        return None, [diagnose("E0101", root.span, found=found(root), hint=hint)]
    merged, findings = apply_settings(root, settings, tuple(PARTS))
    reading = Reading()
    document = read_document(reading, merged)
    told = _without_uses_of_misnamed(reading.findings)
    findings = _in_order([*findings, *told], root.span.source)
    if document is None:
        return None, findings
    unread = Unread.of(reading.unread)
    return Spec(document, Spans.of(merged), root.span.source, unread), findings


def _without_uses_of_misnamed(findings: list[Diagnostic]) -> list[Diagnostic]:
    """Where a node is called `lambda` or `β`, its twin in the guide and its uses are not told."""
    first: dict[str, Diagnostic] = {}
    for finding in findings:
        if finding.code in MISNAMED and len(first) < MAX_FINDINGS:
            first.setdefault(finding.span.text, finding)
    return [finding for finding in findings if not _follows(finding, first)]


def _follows(finding: Diagnostic, misnamed: dict[str, Diagnostic]) -> bool:
    text = finding.span.text
    if finding.code in MISNAMED:
        return misnamed.get(text, finding) is not finding
    return finding.code in UNPARSED and bool(text) and any(text in name for name in misnamed)


def _in_order(findings: list[Diagnostic], source: Source) -> list[Diagnostic]:
    """By place: those in the file first, then those in arguments."""
    ordered = sorted(
        findings, key=lambda d: (d.span.source is not source, d.span.start, d.span.end)
    )
    return ordered[:MAX_FINDINGS]
