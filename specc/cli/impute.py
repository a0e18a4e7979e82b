"""`specc impute`: missing values of data, filled in by a trained run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.cli import exits, options
from specc.cli.failure import usage
from specc.cli.run_folder import part_of, run_folder
from specc.counted import counted, noun

if TYPE_CHECKING:
    from torch import Tensor

    from specc.evaluate.impute import Filled
    from specc.evaluate.units import Units
    from specc.run import Run


HELP = "Fill in the missing values of data with a trained RUN."

File = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="NPZ",
        exists=True,
        dir_okay=False,
        help="Complete rows of an .npz file: an array per field, NaN where a value is missing.",
    ),
]
Draws = Annotated[
    int | None,
    typer.Option(
        "--draws",
        min=1,
        max=10**4,
        metavar="N",
        help="Number of draws for each row; 16 by default.",
    ),
]
Sweeps = Annotated[
    int | None,
    typer.Option(
        "--sweeps",
        min=1,
        max=10**6,
        metavar="N",
        help="Number of iterations, each of which proposes and weights new draws; 100 by default.",
    ),
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, metavar="N", help="Random seed; 0 by default.")
]
Latents = Annotated[
    bool,
    typer.Option(
        "--latents",
        help="Write the probabilities of the values of latents that are summed out, given the "
        "data, in place of missing values.",
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="The file; RUN/imputed.npz by default. Images are also drawn to a .png beside it.",
    ),
]


def command(
    run: options.Run,
    *,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    part: Annotated[
        str | None,
        typer.Option(
            "--part", metavar="NAME", help="The part of the data; held-out rows by default."
        ),
    ] = None,
    given: File = None,
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, metavar="N", help="Use only the first N rows.")
    ] = None,
    draws: Draws = None,
    sweeps: Sweeps = None,
    seed: Seed = None,
    units: options.Units = "data",
    latents: Latents = False,
    out: Out = None,
    as_json: options.Json = False,
) -> int:
    """Fill in the values, write them, and print the path and the errors."""
    from specc.engine.device import prepare

    folder = run_folder(run)
    path = Path(out) if out is not None else folder / ("latents.npz" if latents else "imputed.npz")
    if path.suffix != ".npz":
        raise usage(f"{path} does not end in .npz", "for example --out imputed.npz")
    stated = {"draws": draws, "sweeps": sweeps, "seed": seed}
    chosen = {name: value for name, value in stated.items() if value is not None}
    if latents:
        _refuse(chosen, is_part=given is None, units=units)
    prepare()
    from specc.run import open_run

    opened = open_run(folder, data_dir=data_dir, device=device)
    if latents:
        return _latents(opened, part, rows, path, given, units, as_json=as_json)
    manifest = opened.loaded.manifest
    known = tuple(manifest.fields_beside(manifest.observed()))
    x = None if given is None else _read(given, known)
    if given is None:
        part = part_of(opened.loaded, part)
    found = opened.impute(part=part, x=x, rows=rows, units=units, **chosen)
    _write(path, found)
    summary = {name: filled.summary() for name, filled in found.items()}
    if units == "model":
        found = {name: filled.in_data_units(opened.loaded) for name, filled in found.items()}
    picture = _draw(opened, path.with_suffix(".png"), found)
    typer.echo(_answer(path, picture, summary, as_json=as_json))
    return exits.DONE


def _answer(
    path: Path, picture: Path | None, summary: Mapping[str, Mapping[str, Any]], *, as_json: bool
) -> str:
    """The summary of each field and the files, as JSON or a line each."""
    if as_json:
        from specc.engine.storage import file_io

        made = {"file": str(path), "picture": None if picture is None else str(picture)}
        return file_io.to_json({**made, "fields": summary}, indent=2)
    lines = [_line(name, field) for name, field in summary.items()]
    lines.append(f"filled: {path}")
    return "\n".join(lines if picture is None else [*lines, f"picture: {picture}"])


def _refuse(chosen: Collection[str], *, is_part: bool, units: Units) -> None:
    """Raises `Failure` for an option that does not change the probabilities of latents."""
    if chosen:
        message = f"--{next(iter(chosen))} has no use with --latents"
        raise usage(message, "leave it out: nothing is drawn for their probabilities")
    if is_part and units != "data":
        message = "--units has no use with --latents and a part of the spec's data"
        raise usage(message, "leave it out: it states the units of the values in a --file")


def _latents(
    opened: Run,
    part: str | None,
    rows: int | None,
    path: Path,
    given: Path | None,
    units: Units,
    *,
    as_json: bool,
) -> int:
    """Write the probabilities of latents given a part of the data or the rows of a file."""
    from specc.cli.writing import write_bytes
    from specc.evaluate.posterior_probs import of_part
    from specc.report.export import as_npz

    if given is None:
        found = of_part(opened.loaded, part_of(opened.loaded, part), rows)
    else:
        known = tuple(opened.loaded.manifest.fields)
        read = {name: value[:rows] for name, value in _read(given, known).items()}
        found = opened.posterior_probs(read, units=units)
    write_bytes(path, as_npz({name: value.numpy() for name, value in found.items()}))
    shapes = {name: list(value.shape) for name, value in found.items()}
    if as_json:
        from specc.engine.storage import file_io

        typer.echo(file_io.to_json({"file": str(path), "latents": shapes}, indent=2))
        return exits.DONE
    for name, shape in shapes.items():
        typer.echo(f"{name}: probabilities {shape}, of values on the last axis")
    typer.echo(f"latents: {path}")
    return exits.DONE


def _line(name: str, field: Mapping[str, Any]) -> str:
    """`x: 49.7 % of 359 rows were missing, filled by 51 effective draws; ...`."""
    rows = f"{field['rows']} {noun(field['rows'], 'row')}"
    if not field["missing"]:
        return f"{name}: nothing was missing in {rows}"
    line = f"{name}: {100 * field['missing']:.3g} % of {rows} were missing"
    if "effective" in field:
        line += f", filled by {counted(round(field['effective']), 'effective draw')}"
    for metric, words in (("accuracy", "accuracy"), ("squared_error", "squared error")):
        if metric in field:
            line += f"; of what was hidden {words} {field[metric]:.4f}"
    return line


def _read(path: Path, names: Collection[str]) -> dict[str, Tensor]:
    """The arrays of these names in a file; raises RunFailure E0505 if one has no numbers."""
    from specc.data.check import kind
    from specc.data.data_folder import unreadable
    from specc.data.memory_mapped import tensor
    from specc.data.sources import reader

    table = reader("npz")({"path": path.name}, path.parent, names)
    part = next(iter(table.parts.values()))
    found = {name: column.raw for name, column in part.items() if name in names}
    for name, raw in found.items():
        if raw.dtype.kind not in "biuf":
            raise unreadable(path, f"`{name}` holds {kind(raw)}, not numbers")
    return {name: tensor(raw) for name, raw in found.items()}


def _write(path: Path, found: Mapping[str, Filled]) -> None:
    from specc.cli.writing import write_bytes
    from specc.report.export import as_npz

    arrays = {}
    for name, filled in found.items():
        arrays[name] = filled.values.numpy()
        arrays[f"{name}_known"] = filled.known.numpy()
        arrays[f"{name}_draws"] = filled.draws.numpy()
        if filled.probabilities is not None:
            arrays[f"{name}_probabilities"] = filled.probabilities.numpy()
    write_bytes(path, as_npz(arrays))


def _draw(run: Run, path: Path, found: Mapping[str, Filled]) -> Path | None:
    """Write incomplete images beside their completions; None if no field is an image."""
    from specc.cli.writing import write_bytes
    from specc.report.final_evaluation import picture_field
    from specc.report.imputed_sheet import imputed_sheet
    from specc.report.pictures import as_png

    shown = picture_field(run.loaded)
    if shown is None or shown.name not in found:
        return None
    write_bytes(path, as_png(imputed_sheet(found[shown.name], shown)))
    return path
