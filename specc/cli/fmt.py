"""`specc fmt`: specs in canonical style."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from specc.cli import exits, options

HELP = "Format each SPEC in canonical style; - reads standard input and prints the result."


def command(
    specs: options.Specs,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if a file would change.")
    ] = False,
    show: Annotated[bool, typer.Option("--diff", help="Write nothing; show the changes.")] = False,
) -> int:
    """Format files in place."""
    changed = [_format(spec, check, show) for spec in specs]
    return exits.FINDINGS if check and any(changed) else exits.DONE


def _format(spec: str, check: bool, show: bool) -> bool:
    """Formats one file; returns whether it changes."""
    from specc.cli.revision import read_at
    from specc.cli.writing import write_file
    from specc.diagnostics.printable import named
    from specc.language.formatter import fmt
    from specc.reading import STDIN

    source = read_at(spec)
    text = fmt(source)
    changed = text != source.text
    if show:
        lines = difflib.unified_diff(
            source.text.splitlines(), text.splitlines(), spec, f"{spec}, formatted", lineterm=""
        )
        typer.echo("\n".join(lines), nl=changed)
    elif check:
        if changed:
            typer.echo(f"{named(spec)} would change")
    elif spec == STDIN:
        typer.echo(text, nl=False)
    elif changed:
        write_file(Path(spec), text)
        typer.echo(f"{named(spec)}: formatted")
    return changed
