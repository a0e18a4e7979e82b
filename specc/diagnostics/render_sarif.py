"""Diagnostics as SARIF 2.1.0, the exchange format of static analysis (OASIS 2020)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from urllib.parse import quote

from specc.diagnostics.codes import CODES
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import help_text, message, severity
from specc.diagnostics.source import Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(findings: Iterable[Diagnostic]) -> str:
    """A log with one run of the tool, and a rule for each code that occurs."""
    listed = list(findings)
    rules = sorted({found.code for found in listed})
    run = {
        "tool": {
            "driver": {
                "name": "specc",
                "rules": [_rule(code) for code in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(found, rules.index(found.code)) for found in listed],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, object]:
    entry = CODES[code]
    return {
        "id": code,
        "name": entry.name,
        "shortDescription": {"text": entry.name.replace("-", " ")},
        "help": {"text": f"specc explain {code}"},
        "defaultConfiguration": {"level": entry.severity},
    }


def _result(found: Diagnostic, rule: int) -> dict[str, object]:
    advice = help_text(found)
    text = message(found) + (f" ({advice})" if advice else "")
    return {
        "ruleId": found.code,
        "ruleIndex": rule,
        "level": severity(found),
        "message": {"text": text},
        "locations": [_location(found.span)],
        "relatedLocations": [
            {**_location(label.span), "id": number, "message": {"text": label.text}}
            for number, label in enumerate(found.labels)
        ],
    }


def _location(span: Span) -> dict[str, object]:
    end_line, end_column = span.source.position(span.end)
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": end_line,
        "endColumn": end_column,
    }
    artifact = {"uri": quote(os.fsencode(span.source.path.replace("\\", "/")))}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}
