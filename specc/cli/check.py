"""`specc check`: everything that is wrong with specs, at once."""

from __future__ import annotations

import click

from specc.cli import exits, options


@click.command(help="Report everything that is wrong with each SPEC; - reads stdin.")
@options.many_specs
@options.settings
@options.format_of_findings
@click.option("--strict", is_flag=True, help="Let warnings count as findings.")
def command(
    specs: tuple[str, ...], settings: tuple[str, ...], form: str | None, strict: bool
) -> int:
    """Check specs: 0 where they are sound, 1 with findings, 2 where one cannot be read."""
    from specc.cli.findings import examine, has_errors, rendered

    form = form or "text"
    answers = [examine(spec, settings) for spec in specs]
    findings = [finding for _, found in answers for finding in found]
    if findings or form != "text":
        click.echo(rendered(findings, form))
    if form == "text" and not findings:
        click.echo(f"{len(specs)} {'spec' if len(specs) == 1 else 'specs'}: nothing wrong")
    if any(checked is None for checked, _ in answers):
        return exits.WRONG
    return exits.FINDINGS if has_errors(findings) or (strict and findings) else exits.DONE
