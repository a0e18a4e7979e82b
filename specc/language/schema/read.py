"""The second stage of reading a spec: from located values to a `Spec`."""

from __future__ import annotations

from collections.abc import Iterable

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source
from specc.language.limits import MAX_FINDINGS
from specc.language.located import Located, Mapping, Sequence
from specc.language.schema.auto import Derive, take_autos, without_guides
from specc.language.schema.baselines import write_baselines
from specc.language.schema.inline_starts import write_starts
from specc.language.schema.prior import take_priors
from specc.language.schema.read_document import PARTS, read_document
from specc.language.schema.reading import Reading, found
from specc.language.schema.settings import apply_settings
from specc.language.schema.shorthands import write_out
from specc.language.schema.spec import Spans, Spec, Unread

MISNAMED = ("E0108", "E0109")
"""A key that cannot be a name."""

UNPARSED = ("E0121", "E0122", "E0124")
"""The codes of expressions that contain such a name."""


def read_spec(
    root: Located, settings: Iterable[Source] = (), derive: Derive = without_guides
) -> tuple[Spec | None, list[Diagnostic]]:
    """The document of a spec with `--set` arguments applied, and all diagnostics.

    With errors there is still a `Spec` if it has a model, so that the next stage can find further
    errors; it records the parts that could not be read. `derive` writes the nodes of guides that
    the spec leaves to the compiler.
    """
    if not isinstance(root, Mapping):
        hint = "start the file with `specc: 1`"
        if isinstance(root, Sequence):
            hint = "delete the marks of a list, `-` or `[ ]`, and write one key a line"
        return None, [diagnose("E0101", root.span, found=found(root), hint=hint)]
    merged, findings = apply_settings(root, settings, tuple(PARTS))
    reading = Reading()
    merged = write_starts(reading, merged)
    merged, autos = take_autos(reading, merged)
    merged, priors = take_priors(reading, merged)
    derived = ""
    if autos or priors:
        merged, derived = derive(reading, merged, autos, priors)
    merged, baselines = write_baselines(reading, merged)
    derived += baselines
    merged, long_form = write_out(reading, merged)
    document = read_document(reading, merged)

    reported = _without_uses_of_misnamed(reading.findings)
    findings = _in_order([*findings, *reported], root.span.source)
    if document is None:
        return None, findings
    unread = Unread.of(reading.unread)
    spec = Spec(document, Spans.of(merged), root.span.source, unread, long_form, derived)
    return spec, findings


def _without_uses_of_misnamed(findings: list[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics without uses of a node with an invalid name, such as `lambda` or `β`."""
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
    """The diagnostics by place: those of the file, then those of arguments."""
    ordered = sorted(
        findings, key=lambda d: (d.span.source is not source, d.span.start, d.span.end)
    )
    return ordered[:MAX_FINDINGS]
