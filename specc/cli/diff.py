"""`specc diff`: the changes between two specs, stated in terms of the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer
from msgspec import to_builtins

from specc.cli import complete, exits, options
from specc.cli.failure import Failure
from specc.cli.run_folder import is_run, run_folder

if TYPE_CHECKING:
    from specc.codegen.plan import Plan
    from specc.comparison.compare import Comparison
    from specc.diagnostics.source import Source

HELP = "Show what changed from OLD to NEW, and whether a checkpoint of OLD still fits."

Verdict = Literal[
    "cosmetic",
    "checkpoint-resumes",
    "all-tensors",
    "some-tensors",
    "breaks",
]
Old = Annotated[
    str,
    typer.Argument(
        show_default=False,
        autocompletion=complete.specs,
        help="A spec, a revision of a spec such as HEAD~1:specs/vae.yaml, or a run.",
    ),
]
New = Annotated[
    str | None,
    typer.Argument(
        show_default=False,
        autocompletion=complete.specs,
        help="The same; without it, OLD is compared with its last commit.",
    ),
]
FailOn = Annotated[
    Verdict | None,
    typer.Option(
        "--fail-on",
        metavar="VERDICT",
        help=f"Exit with 1 if the change is at least this strong: {', '.join(get_args(Verdict))}.",
    ),
]


def command(
    old: Old,
    new: New = None,
    *,
    settings: options.Settings,
    fail_on: FailOn = None,
    as_json: options.Json = False,
) -> int:
    """Compare two specs, both without errors."""
    from specc.comparison.compare import VERDICTS, compare

    if new is None:
        first, second = _committed(old, settings), _plan(old, settings)
    else:
        first, second = _plan(old, settings), _plan(new, settings)
    found = compare(first, second)
    if as_json:
        from specc.diagnostics.printable import json_text

        typer.echo(json_text(to_builtins(found)))
    else:
        for line in lines(found):
            typer.echo(line)
    strong = fail_on is not None and VERDICTS.index(found.verdict) >= VERDICTS.index(fail_on)
    return exits.FINDINGS if strong else exits.DONE


def lines(found: Comparison) -> list[str]:
    """A line for each change, and the verdict."""
    changes = [change.what for change in found.changes]
    if not changes and found.verdict == "cosmetic":
        changes = ["only comments, layout, the order of entries, or defaults written out differ"]
    return [*changes, f"verdict: {found.words}"]


def _committed(name: str, settings: Sequence[str]) -> Plan:
    from specc.cli.revision import committed

    if ":" in name or not Path(name).is_file():
        hint = "name OLD and NEW, or one file, which is compared with its last commit"
        raise Failure(
            f"`{name}` is not a file, so it needs a second spec or run to compare with",
            hint,
            exits.WRONG,
        )
    return _checked(committed(name), settings)


def _plan(name: str, settings: Sequence[str]) -> Plan:
    from specc.cli.revision import read_at

    if not is_run(name):
        return _checked(read_at(name), settings)
    # The spec of a run includes the settings that it was trained with.
    from specc.recompile import compiled

    return compiled(run_folder(name)).plan


def _checked(source: Source, settings: Sequence[str]) -> Plan:
    from specc.cli.failure import WrongSpec
    from specc.cli.findings import has_errors, rendered
    from specc.compiler import front

    checked = front(source, settings)
    if checked.plan is None:
        raise WrongSpec(rendered([d for d in checked.diagnostics if has_errors([d])]))
    return checked.plan
