"""`specc predict`: the predictive distribution of rows, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.cli import exits, options
from specc.cli.failure import Failure, usage
from specc.cli.run_folder import part_of, run_folder
from specc.cli.sample import format_of
from specc.cli.writing import STDOUT, is_stream, write_bytes
from specc.counted import counted

if TYPE_CHECKING:
    from torch import Tensor

    from specc.engine.storage.loaded_run import LoadedRun
    from specc.evaluate.predict import Prediction

HELP = "Predict the observed nodes of rows from their given values, with a trained RUN."

TABLES = (".csv", ".npz")

File = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="The rows: a .csv, .json, .npy, .npz or .parquet file with the columns of the fields "
        "that the model conditions on. Errors are printed if it has the observed ones, too.",
    ),
]
Draws = Annotated[
    int,
    typer.Option(
        "--draws", min=1, max=10**5, metavar="N", help="Number of draws of the latents and rows."
    ),
]
Quantiles = Annotated[
    str,
    typer.Option(
        "--quantiles", metavar="LIST", help="Levels of the quantiles, such as 0.025,0.5,0.975."
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="The .csv or .npz file; RUN/predictions.csv by default, - for standard output.",
    ),
]


def command(
    run: options.Run,
    *,
    data: File = None,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    part: Annotated[
        str | None,
        typer.Option(
            "--part",
            metavar="NAME",
            help="The part of the spec's data to predict; held-out rows by default.",
        ),
    ] = None,
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, metavar="N", help="Use only the first N rows.")
    ] = None,
    draws: Draws = 1000,
    quantiles: Quantiles = "0.05,0.5,0.95",
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Random seed.")] = 0,
    units: options.Units = "data",
    out: Out = None,
    as_json: options.Json = False,
) -> int:
    """Predict, write the table, and print its path and the errors."""
    from specc.engine.device import prepare

    if data is not None and part is not None:
        raise usage("--part names rows of the spec's data, and --data is another file", "use one")
    levels = _levels(quantiles)
    folder = run_folder(run)
    form = ".csv" if out is None else format_of(out)
    if form not in TABLES:
        raise usage(f"{out} does not end in .csv or .npz", "for example --out predictions.csv")
    prepare()
    from specc.evaluate.predict import PredictionRequest, given_values, predict
    from specc.run import open_run

    opened = open_run(folder, data_dir=data_dir, device=device).loaded
    part = part_of(opened, part) if data is None else opened.held_out
    request = PredictionRequest(draws, levels, part, rows, seed)
    found = predict(opened, request, data, units)
    given = given_values(opened, request, data, units)
    path = Path(out) if out is not None else folder / "predictions.csv"
    summary = opened.manifest.named_as_in_spec({n: own.summary() for n, own in found.items()})
    _write(path, _table(opened, given, found, form, has_labels=units == "data"))
    if as_json:
        from specc.engine.storage import file_io

        text = file_io.to_json({"file": str(path), "nodes": summary}, indent=2)
    else:
        lines = [_line(name, own) for name, own in summary.items()]
        text = "\n".join([*lines, f"predictions: {path}"])
    typer.echo(text, err=str(path) == STDOUT or is_stream(path))
    return exits.DONE


def _levels(text: str) -> tuple[float, ...]:
    """The levels of quantiles in increasing order; raises `Failure` for what is none."""
    try:
        found = sorted({float(word) for word in text.split(",")})
    except ValueError:
        found = []
    if not found or not all(0 < level < 1 for level in found):
        message = f"--quantiles {text} is not a list of numbers between 0 and 1"
        raise Failure(message, "for example --quantiles 0.025,0.5,0.975", exits.WRONG)
    return tuple(found)


def _line(name: str, own: Mapping[str, Any]) -> str:
    """`y: 51 rows; RMSE 2.9, 88.2 % of the values in the central 90 %`."""
    line = f"{name}: {counted(own['rows'], 'row')}"
    if "accuracy" in own:
        line += f"; accuracy {own['accuracy']:.4f}"
    if "rmse" in own:
        line += f"; root mean squared error {own['rmse']:.4g}"
    if "coverage" in own:
        line += (
            f", {100 * own['coverage']:.3g} % of the values within the central "
            f"{100 * own['interval']:g} %"
        )
    return line


def _table(
    opened: LoadedRun,
    given: Mapping[str, Tensor],
    found: Mapping[str, Prediction],
    form: str,
    *,
    has_labels: bool,
) -> bytes:
    """The given values and the predictions of each row, as CSV or as arrays."""
    from specc.evaluate.units import labels_of, with_names
    from specc.report.export import as_csv, as_npz

    is_text, named = form == ".csv", opened.manifest.named_as_in_spec
    arrays = {name: value.numpy() for name, value in given.items()}
    arrays |= {name: v.numpy() for name, own in found.items() if (v := own.label()) is not None}
    if has_labels:
        arrays = with_names(opened, arrays, of_vectors=is_text)
    arrays, spelt = named(arrays), named({name: name for name in found})
    exact = set(arrays)
    for name, node in spelt.items():
        own = found[node]
        arrays |= {f"{name}_{key}": value.numpy() for key, value in own.columns().items()}
        if own.probabilities is not None and is_text and has_labels:
            each = zip(labels_of(opened, node, own.classes), arrays.pop(f"{name}_p").T, strict=True)
            arrays |= {f"{name}_p.{label}": p for label, p in each}
    if not is_text:
        return as_npz(arrays)
    return as_csv(arrays, opened.settings.numpy_dtype, estimates=set(arrays) - exact)


def _write(path: Path, data: bytes) -> None:
    if str(path) == STDOUT:
        typer.echo(data.decode(), nl=False)
        return
    write_bytes(path, data)
