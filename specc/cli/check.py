"""`specc check`: everything that is wrong with specs, at once."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from specc.cli import exits, options

HELP = "Report everything that is wrong with each SPEC."

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
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as findings.")] = False,
) -> int:
    """Check specs: 0 where they are sound, 1 with findings, 2 where one cannot be read."""
    from specc.cli.findings import examine, has_errors, rendered

    chosen = "json" if as_json else form
    answers = [examine(spec, settings) for spec in specs]
    findings = [finding for _, found in answers for finding in found]
    if findings or chosen != "text":
        typer.echo(rendered(findings, chosen))
    if chosen == "text" and not findings:
        typer.echo(f"{len(specs)} {'spec' if len(specs) == 1 else 'specs'}: nothing wrong")
    if any(checked is None for checked, _ in answers):
        return exits.WRONG
    return exits.FINDINGS if has_errors(findings) or (strict and findings) else exits.DONE
