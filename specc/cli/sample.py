"""`specc sample`: rows drawn from a trained run, as a picture or as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from specc.cli import exits, options
from specc.cli.failure import Failure
from specc.cli.run_folder import part_of, run_folder
from specc.cli.writing import STDOUT, is_stream, write_bytes
from specc.counted import noun

if TYPE_CHECKING:
    from specc.engine.storage.loaded_run import LoadedRun
    from specc.evaluate.denoising import Denoising
    from specc.evaluate.sampling import Chain, Drawn

HELP = "Draw samples from a trained RUN: a .png grid, a .csv table, or arrays in an .npz file."

FORMATS = (".png", ".csv", ".npz")


Part = Annotated[
    str | None,
    typer.Option(
        "--part",
        metavar="NAME",
        help="The part whose rows give the fields that the model is conditioned on; "
        "held-out rows by default.",
    ),
]


Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        min=1,
        max=10**9,
        metavar="N",
        help="Steps of the chain of an energy, or of a `--sampler`.",
    ),
]

Sampler = Annotated[
    Literal["ddim", "dpm_solver", "strided"] | None,
    typer.Option(
        "--sampler",
        help="How a noising chain is sampled in `--steps` steps; by default in all of its own.",
    ),
]

Start = Annotated[
    Literal["noise", "data"],
    typer.Option(
        "--start", help="Where the chain of an energy starts: at noise, or at rows of the part."
    ),
]


def command(
    run: options.Run,
    *,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=10**7, metavar="N", help="Number of samples.")
    ] = 64,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Random seed.")] = 0,
    part: Part = None,
    steps: Steps = None,
    start: Start = "noise",
    sampler: Sampler = None,
    units: options.Units = "data",
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The file; RUN/samples.png or .npz by default, - for CSV on standard output.",
        ),
    ] = None,
) -> int:
    """Draw the samples, write them, and print the path."""
    from specc.engine.device import prepare

    folder = run_folder(run)
    prepare()
    from specc.evaluate.sampling import sample
    from specc.report.final_evaluation import picture_field
    from specc.report.pictures import as_png, grid
    from specc.run import open_run

    form = None if out is None else format_of(out)
    opened = open_run(folder, data_dir=data_dir, device=device).loaded
    shown = picture_field(opened)
    if form == ".png" and shown is None:
        message = f"`{opened.manifest.name}` has no field of pictures"
        raise Failure(message, "write arrays instead: --out samples.npz", exits.WRONG)
    form = form or (".png" if shown else ".npz")
    at_data = start == "data"
    if part is not None or at_data or opened.program.capabilities.get("model.sample"):
        part = part_of(opened, part)
    drawn = sample(opened, rows, seed, part, *_steps(steps, sampler, at_data=at_data))
    if form == ".png" and shown is not None:
        values = drawn.in_data_units(opened).shown()[shown.name]
        data = as_png(grid(values, shown.picture, tones=shown.tones))
    else:
        drawn = drawn.in_data_units(opened) if units == "data" else drawn
        data = _table(opened, drawn, form, has_labels=units == "data")
    path = Path(out) if out is not None else opened.folder / f"samples{form}"
    _write(path, data, f"{rows} {noun(rows, 'row')}: {path}{shared(drawn.shared, form)}")
    return exits.DONE


def _table(opened: LoadedRun, drawn: Drawn, form: str, *, has_labels: bool) -> bytes:
    """The given values and those of all nodes, as CSV or as arrays."""
    from specc.evaluate.units import with_names
    from specc.report.export import as_csv, as_npz

    fields = opened.manifest.fields
    given = {name: value for name, value in drawn.given.items() if name in fields}
    arrays = {name: v.cpu().numpy() for name, v in {**given, **drawn.values}.items()}
    if has_labels:
        arrays = with_names(opened, arrays, of_vectors=form == ".csv")
    named = opened.manifest.named_as_in_spec
    if form == ".npz":
        return as_npz(named(arrays))
    of_rows = {name: value for name, value in arrays.items() if name not in drawn.shared}
    return as_csv(named(of_rows), opened.settings.numpy_dtype)


def _steps(
    steps: int | None, sampler: str | None, *, at_data: bool
) -> tuple[Chain | None, Denoising | None]:
    """The chain of an energy, or the sampler of a noising chain, if one is asked for."""
    from specc.evaluate.denoising import FEW, Denoising
    from specc.evaluate.sampling import Chain

    if sampler is not None:
        return None, Denoising(sampler, steps or FEW)
    return (Chain(steps, at_data) if steps is not None or at_data else None), None


def _write(path: Path, data: bytes, done: str) -> None:
    """Write the rows; print `done`, on stderr if the rows go to a stream."""
    if str(path) == STDOUT:
        typer.echo(data.decode(), nl=False)
        return
    write_bytes(path, data)
    typer.echo(done, err=is_stream(path))


def shared(names: tuple[str, ...], form: str = "") -> str:
    """The line about latents that all rows share; empty without any.

    A CSV file has a line for each row, and leaves them out.
    """
    if not names:
        return ""
    shown = ", ".join(f"`{name}`" for name in names)
    left_out = ", which a CSV file leaves out" if form == ".csv" else ""
    return f"\n{shown}: one value, shared by all rows{left_out}"


def format_of(out: str) -> str:
    """The ending that names the file format; raises `Failure` for an unknown one.

    The standard output gets text, and a device or a FIFO without an ending gets arrays.
    """
    ending = Path(out).suffix.lower()
    if out == STDOUT:
        return ".csv"
    if ending in FORMATS:
        return ending
    if not ending and is_stream(Path(out)):
        return ".npz"
    what = f"the ending `{ending}` of {out} names no format" if ending else f"{out} has no ending"
    raise Failure(
        what, f"choose {', '.join(FORMATS)}, or `-` for text on standard output", exits.WRONG
    )
