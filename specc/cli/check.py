"""`specc check`: all errors and warnings in specs."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from specc.cli import exits, options
from specc.counted import counted

HELP = "Report all errors and warnings in each SPEC."

Format = Annotated[
    Literal["text", "json", "github", "sarif"],
    typer.Option("--format", help="The format of the findings."),
]


def command(
    specs: options.Specs,
    *,
    settings: options.Settings,
    form: Format = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 on warnings, too.")] = False,
) -> int:
    """Check specs; exit with 0 without errors, 1 with errors, 2 where a file cannot be read."""
    from specc.cli.findings import examine, has_errors, rendered

    chosen = "json" if as_json else form
    answers = [examine(spec, settings) for spec in specs]
    findings = [finding for _, found in answers for finding in found]
    if findings or chosen != "text":
        typer.echo(rendered(findings, chosen))
    if chosen == "text" and not findings:
        typer.echo(f"{counted(len(specs), 'spec')}: nothing wrong")
    if any(checked is None for checked, _ in answers):
        return exits.WRONG
    return exits.FINDINGS if has_errors(findings) or (strict and findings) else exits.DONE
