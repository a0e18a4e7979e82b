"""`specc sample`: rows drawn from a trained run, as a picture or as arrays."""

from __future__ import annotations

from pathlib import Path

import click

from specc.cli import exits, options
from specc.cli.failure import Failure


@click.command(help="Draw rows from a trained RUN: a .png grid, or arrays in an .npz file.")
@click.argument("run")
@options.data_dir
@options.device
@click.option("--rows", type=click.IntRange(1, 10**7), default=64, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--out", metavar="FILE", help="RUN/samples.png or RUN/samples.npz by default.")
def command(
    run: str, data_dir: str | None, device: str, rows: int, seed: int, out: str | None
) -> int:
    """Draw, write, and say where."""
    from specc.engine.device import prepare

    prepare()
    from specc.api import open_run
    from specc.evaluate.sampling import sample
    from specc.report.conclude import picture_field
    from specc.report.pictures import grid, write_png

    opened = open_run(run, data_dir=data_dir, device=device).opened
    shown = picture_field(opened)
    suffix = ".png" if shown else ".npz"
    path = Path(out) if out is not None else Path(run) / f"samples{suffix}"
    drawn = sample(opened, rows, seed)
    if path.suffix == ".png":
        if shown is None:
            message = f"the data of `{opened.manifest.name}` are no pictures"
            raise Failure(message, "write arrays instead: --out samples.npz", exits.WRONG)
        write_png(path, grid(drawn.shown()[shown.name], shown.picture, tones=shown.tones))
    else:
        import numpy as np

        arrays = {name: value.cpu().numpy() for name, value in drawn.values.items()}
        np.savez(path, allow_pickle=False, **arrays)
    click.echo(f"{rows} rows: {path}")
    return exits.DONE
