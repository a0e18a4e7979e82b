"""`specc explain`: what the compiler decided for a spec, or what a code means."""

from __future__ import annotations

import click

from specc.cli import exits
from specc.cli.codes import page


@click.command(help="Show what the code CODE, such as E0301, means.")
@click.argument("code")
def command(code: str) -> int:
    """Print the page of a code."""
    click.echo(page(code), nl=False)
    return exits.DONE
