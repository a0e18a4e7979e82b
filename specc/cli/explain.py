"""`specc explain`: what the compiler decided for a spec, or what a code or a name means."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from specc.cli import complete, exits, options
from specc.cli.codes import page
from specc.cli.reference import entries, is_spec

HELP = (
    "Show what the compiler decided for SPEC, what a code such as E0302 means, or what a NAME of "
    "the catalog (normal, mlp, elbo, csv, adam) or a key (train.epochs) does."
)

What = Annotated[
    str,
    typer.Argument(
        metavar="SPEC|CODE|NAME",
        show_default=False,
        autocompletion=complete.explained,
        help="The file of a spec, a code, a name of the catalog, or a key.",
    ),
]


def command(what: What, *, settings: options.Settings, as_json: options.Json = False) -> int:
    """Print the page of a code, the reference of a name, or the decisions of a spec."""
    if re.fullmatch(r"[EWew]\d{4}", what):
        typer.echo(page(what.upper()), nl=False)
        return exits.DONE
    if not is_spec(what):
        typer.echo(entries(what, as_json), nl=False)
        return exits.DONE
    from specc.cli.findings import sound
    from specc.codegen.explain import explain, explain_json
    from specc.diagnostics.printable import json_text

    plan = sound(what, settings).plan
    assert plan is not None
    if as_json:
        typer.echo(json_text(explain_json(plan)))
    else:
        typer.echo(explain(plan), nl=False)
    return exits.DONE
