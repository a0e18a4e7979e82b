"""`specc report`: a run as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.cli import exits, options
from specc.cli.run_folder import run_folder
from specc.counted import size_of

HELP = "Write a RUN as one self-contained HTML page."


def command(
    run: options.Run,
    *,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The file; RUN/report.html by default, - for standard output.",
        ),
    ] = None,
) -> int:
    """Open the run, write its page, and print the path."""
    from specc.engine.device import prepare

    folder = run_folder(run)
    prepare()
    from specc.cli.writing import STDOUT, is_stream, write_file
    from specc.diagnostics.printable import named
    from specc.report.page import page
    from specc.run import open_run

    opened = open_run(folder, data_dir=data_dir, device=device).loaded
    text = page(opened)
    if out == STDOUT:
        typer.echo(text, nl=False)
        return exits.DONE
    path = Path(out) if out is not None else opened.folder / "report.html"
    write_file(path, text)
    typer.echo(f"{named(path)}: {size_of(len(text.encode()))}", err=is_stream(path))
    return exits.DONE
