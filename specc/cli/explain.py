"""`specc explain`: what the compiler decided for a spec, or what a code means."""

from __future__ import annotations

import json
import re

import click

from specc.cli import exits, options
from specc.cli.codes import page


@click.command(help="Show what the compiler decided for SPEC, or what a code such as E0302 means.")
@click.argument("what", metavar="SPEC|CODE")
@options.settings
@options.as_json
def command(what: str, settings: tuple[str, ...], as_json: bool) -> int:
    """Print the page of a code, or the decisions of a spec."""
    if re.fullmatch(r"[EWew]\d{4}", what):
        click.echo(page(what.upper()), nl=False)
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
