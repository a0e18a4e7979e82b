"""`specc runs`: a list of runs, and the differences between two runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import to_builtins

from specc.cli import exits, options
from specc.cli.diff import lines
from specc.cli.failure import Failure
from specc.cli.run_folder import run_folder

if TYPE_CHECKING:
    from specc.report.runs import Difference, Summary


HELP = "List the runs in each FOLDER (runs/ by default), or compare two runs."

Folders = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FOLDER...", help="Folders that contain runs; with --compare, two runs."
    ),
]


def command(
    folders: Folders = None,
    *,
    compare: Annotated[
        bool, typer.Option("--compare", help="Show the differences between two runs.")
    ] = False,
    as_json: options.Json = False,
) -> int:
    """Print a line for each run, or for each difference."""
    from specc.report.runs import differences, found_in, summary

    if compare:
        if folders is None or len(folders) != 2:
            raise Failure(
                "--compare needs two runs", "such as: specc runs --compare vae-1 vae-2", exits.WRONG
            )
        first, second = map(run_folder, folders)
        _compare(first, second, differences(first, second), as_json)
        return exits.DONE
    runs = [summary(path) for path in found_in([Path(f) for f in folders or ("runs",)])]
    if as_json:
        typer.echo(json.dumps([run.as_json() for run in runs], indent=2))
    elif runs:
        _table(("run", "model", "state", "epochs", "loss", "time", "metrics"), map(_row, runs))
    else:
        typer.echo("no runs found; `specc train SPEC` creates one")
    return exits.DONE


def _compare(first: Path, second: Path, found: list[Difference], as_json: bool) -> None:
    """Print the differences between two runs, and between their specs."""
    from specc.comparison.compare import compare
    from specc.diagnostics.printable import named
    from specc.recompile import compiled

    specs = compare(compiled(first).plan, compiled(second).plan)
    if as_json:
        facts = [asdict(difference) for difference in found]
        typer.echo(json.dumps({"differences": facts, "specs": to_builtins(specs)}, indent=2))
    elif found:
        rows = [(d.what, _short(d.first), _short(d.second)) for d in found]
        _table(("what", str(first), str(second)), rows)
        typer.echo("\n".join(["", *lines(specs)]))
    else:
        typer.echo(f"{named(first)} and {named(second)} have the same settings and metrics")


def _row(run: Summary) -> tuple[str, ...]:
    from specc.report.standard_error import with_error

    figures = ", ".join(f"{n} {with_error(v, e)}" for n, (v, e) in run.metrics.items())
    loss = "-" if run.loss is None else f"{run.loss:.3f}"
    name = f"{run.name} {run.digest}".strip()
    return run.folder, name, run.state, str(run.epochs), loss, _time(run.seconds), figures or "-"


def _time(seconds: float) -> str:
    """`9 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:

    from specc.diagnostics.printable import named

    lines = [tuple(map(named, line)) for line in (head, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())
