"""`specc explain`: the decisions of the compiler, or the meaning of a code or a name."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from specc.cli import complete, exits, options
from specc.cli.codes import page
from specc.cli.reference import entries, is_spec

HELP = (
    "Explain the decisions of the compiler for a spec, an error code such as E0302, a name of the "
    "catalog such as normal, mlp, elbo, csv or adam, or a key of a spec such as train.epochs."
)

What = Annotated[
    str,
    typer.Argument(
        metavar="SPEC|CODE|NAME",
        show_default=False,
        autocompletion=complete.explained,
        help="A spec file, an error code, a name of the catalog, or a key.",
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
