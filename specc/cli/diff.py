"""`specc diff`: what changed between two specs, in the model's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from specc.cli import complete, exits, options

if TYPE_CHECKING:
    from specc.codegen.plan import Plan

HELP = "Show what changed from OLD to NEW: files, or REVISION:FILE from git."

Verdict = Literal[
    "cosmetic",
    "checkpoint-resumes",
    "all-tensors",
    "some-tensors",
    "breaks",
]
Side = Annotated[
    str,
    typer.Argument(
        show_default=False,
        autocompletion=complete.specs,
        help="A spec, or a revision of one, such as HEAD~1:specs/vae.yaml.",
    ),
]
FailOn = Annotated[
    Verdict | None,
    typer.Option(
        "--fail-on",
        metavar="VERDICT",
        help="End with 1 if the change is this strong or stronger: "
        f"{', '.join(get_args(Verdict))}.",
    ),
]


def command(
    old: Side,
    new: Side,
    *,
    settings: options.Settings,
    fail_on: FailOn = None,
    as_json: options.Json = False,
) -> int:
    """Compare two specs; both have to be sound."""
    from specc.codegen.diff.compare import VERDICTS, compare

    found = compare(_plan(old, settings), _plan(new, settings))
    if as_json:
        from specc.diagnostics.printable import json_text

        typer.echo(json_text(asdict(found)))
    else:
        for change in found.changes:
            typer.echo(change.what)
        if not found.changes and found.verdict != "identical":
            typer.echo(
                "only comments, layout, the order of entries, or defaults written out differ"
            )
        typer.echo(f"verdict: {found.words}")
    strong = fail_on is not None and VERDICTS.index(found.verdict) >= VERDICTS.index(fail_on)
    return exits.FINDINGS if strong else exits.DONE


def _plan(name: str, settings: Sequence[str]) -> Plan:
    from specc.cli.failure import WrongSpec
    from specc.cli.findings import has_errors, rendered
    from specc.cli.revision import read_at
    from specc.compiler import front

    checked = front(read_at(name), settings)
    if checked.plan is None:
        raise WrongSpec(rendered([d for d in checked.diagnostics if has_errors([d])]))
    return checked.plan
