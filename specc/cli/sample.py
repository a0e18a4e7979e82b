"""`specc sample`: rows drawn from a trained run, as a picture or as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from specc.cli import exits, options
from specc.cli.failure import Failure

HELP = "Draw samples from a trained RUN: a .png grid, or arrays in an .npz file."


def command(
    run: options.Run,
    *,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=10**7, metavar="N", help="Number of samples.")
    ] = 64,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Random seed.")] = 0,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="FILE", help="RUN/samples.png or RUN/samples.npz by default."
        ),
    ] = None,
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
    typer.echo(f"{rows} rows: {path}")
    return exits.DONE
