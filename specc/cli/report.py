"""`specc report`: a run on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.cli import exits, options

HELP = "Write a RUN as one self-contained HTML page."


def command(
    run: options.Run,
    *,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="RUN/report.html by default.")
    ] = None,
) -> int:
    """Open the run, write the page, and say where."""
    from specc.engine.device import prepare

    prepare()
    from specc.api import open_run
    from specc.engine import files
    from specc.report.page import page

    opened = open_run(run, data_dir=data_dir, device=device).opened
    path = Path(out) if out is not None else Path(run) / "report.html"
    text = page(opened).encode()
    files.write(path, text)
    typer.echo(f"{path}: {len(text) / 1e6:.1f} MB")
    return exits.DONE
