"""`specc report`: a run on one page."""

from __future__ import annotations

from pathlib import Path

import click

from specc.cli import exits, options


@click.command(help="Write a RUN as one self-contained HTML page.")
@click.argument("run")
@options.data_dir
@options.device
@click.option("--out", metavar="FILE", help="RUN/report.html by default.")
def command(run: str, data_dir: str | None, device: str, out: str | None) -> int:
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
    click.echo(f"{path}: {len(text) / 1e6:.1f} MB")
    return exits.DONE
