"""`specc explain`: what the compiler decided for a spec, or what a code or a name means."""

from __future__ import annotations

import json
import re

import click

from specc.cli import exits, options
from specc.cli.codes import page
from specc.cli.reference import entries, is_spec


@click.command(
    help="Show what the compiler decided for SPEC, what a code such as E0302 means, or what a NAME "
    "of the catalog (normal, mlp, elbo, csv, adam) or a key (train.epochs) does."
)
@click.argument("what", metavar="SPEC|CODE|NAME")
@options.settings
@options.as_json
def command(what: str, settings: tuple[str, ...], as_json: bool) -> int:
    """Print the page of a code, the reference of a name, or the decisions of a spec."""
    if re.fullmatch(r"[EWew]\d{4}", what):
        click.echo(page(what.upper()), nl=False)
        return exits.DONE
    if not is_spec(what):
        click.echo(entries(what, as_json), nl=False)
        return exits.DONE
    from specc.cli.findings import sound
    from specc.codegen.explain import explain, explain_json

    plan = sound(what, settings).plan
    assert plan is not None
    if as_json:
        click.echo(json.dumps(explain_json(plan), indent=2, ensure_ascii=False))
    else:
        click.echo(explain(plan), nl=False)
    return exits.DONE
