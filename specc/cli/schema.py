"""`specc schema`: the JSON Schema of specs, for editors."""

from __future__ import annotations

import json

import typer

from specc.cli import exits

HELP = "Print the JSON Schema of specs, which editors use to complete and check them."


def command() -> int:
    """Print the schema."""
    from specc.language.schema.json_schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return exits.DONE
