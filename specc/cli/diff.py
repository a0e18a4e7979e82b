"""`specc diff`: what changed between two specs, in the model's words."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from specc.cli import exits, options

if TYPE_CHECKING:
    from specc.codegen.plan import Plan

FAILING = (
    "cosmetic",
    "training-only",
    "same-mathematics",
    "checkpoint-resumes",
    "some-tensors",
    "breaks",
)


@click.command(help="Show what changed from OLD to NEW: files, or REVISION:FILE from git.")
@click.argument("old")
@click.argument("new")
@options.settings
@click.option(
    "--fail-on",
    type=click.Choice(FAILING),
    metavar="VERDICT",
    help=f"End with 1 where the change is this strong or stronger: {', '.join(FAILING)}.",
)
@options.as_json
def command(
    old: str, new: str, settings: tuple[str, ...], fail_on: str | None, as_json: bool
) -> int:
    """Compare two specs; both have to be sound."""
    from specc.codegen.diff.compare import VERDICTS, compare

    found = compare(_plan(old, settings), _plan(new, settings))
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2, ensure_ascii=False))
    else:
        for change in found.changes:
            click.echo(change.what)
        if not found.changes and found.verdict != "identical":
            click.echo("only comments, layout or the order of entries differ")
        click.echo(f"verdict: {found.sentence()}")
    strong = fail_on is not None and VERDICTS.index(found.verdict) >= VERDICTS.index(fail_on)
    return exits.FINDINGS if strong else exits.DONE


def _plan(name: str, settings: tuple[str, ...]) -> Plan:
    from specc.cli.failure import WrongSpec
    from specc.cli.findings import has_errors, rendered
    from specc.cli.revision import read_at
    from specc.compiler import front

    checked = front(read_at(name), settings)
    if checked.plan is None:
        raise WrongSpec(rendered([d for d in checked.diagnostics if has_errors([d])]))
    return checked.plan
