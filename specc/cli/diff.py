"""`specc diff`: what changed between two specs, in the model's words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from specc.cli import exits, options

if TYPE_CHECKING:
    from specc.codegen.plan import Plan

NAMES = ("cosmetic", "training", "same", "resumes", "some", "breaks")


@click.command(help="Show what changed from OLD to NEW: files, or REVISION:FILE from git.")
@click.argument("old")
@click.argument("new")
@options.settings
@click.option(
    "--fail-on",
    type=click.Choice(NAMES),
    help="End with 1 where the change is this strong or stronger.",
)
@options.as_json
def command(
    old: str, new: str, settings: tuple[str, ...], fail_on: str | None, as_json: bool
) -> int:
    """Compare two specs; both have to be sound."""
    from specc.codegen.compare import VERDICTS, compare

    found = compare(_plan(old, settings), _plan(new, settings))
    if as_json:
        answer = {
            "verdict": found.verdict,
            "carried": found.carried,
            "tensors": found.tensors,
            "changes": [{"where": c.where, "what": c.what} for c in found.changes],
        }
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        width = max((len(c.where) for c in found.changes), default=0)
        for change in found.changes:
            click.echo(f"{change.where:<{width}}  {change.what}")
        click.echo(f"{'verdict':<{width}}  {found.sentence()}")
    strong = fail_on is not None and VERDICTS.index(found.verdict) >= NAMES.index(fail_on)
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
