"""`specc schema`: the JSON Schema of specs, for editors."""

from __future__ import annotations

import json

import click

from specc.cli import exits


@click.command(help="Print the JSON Schema of specs, which editors use to complete and check.")
def command() -> int:
    """Print the schema."""
    from specc.language.schema.json_schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return exits.DONE
