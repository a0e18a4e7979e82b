"""Specs as text, read down to the document."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import help_text, message, severity
from specc.diagnostics.source import Source
from specc.language.schema.read import read_spec
from specc.language.schema.spec import Spec
from specc.language.text import read

HEAD = "specc: 1\nname: m\n"
MODEL = HEAD + "model: {z: {latent: normal, loc: 0, scale: 1}}\n"


def read_text(text: str, *settings: str) -> tuple[Spec | None, list[Diagnostic]]:
    root, findings = read(Source("spec.yaml", text))
    assert root is not None, findings
    spec, more = read_spec(root, [Source("--set", setting) for setting in settings])
    return spec, [*findings, *more]


def sound(text: str, *settings: str) -> Spec:
    spec, findings = read_text(text, *settings)
    assert not [f for f in findings if severity(f) == "error"], [message(f) for f in findings]
    assert spec is not None
    return spec


def findings_of(text: str, *settings: str) -> list[tuple[str, str]]:
    return [(f.code, f.span.text) for f in read_text(text, *settings)[1]]


def words(found: Diagnostic) -> str:
    return f"{message(found)} | {help_text(found)}"
