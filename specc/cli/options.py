"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from specc.cli import complete

Spec = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        show_default=False,
        autocompletion=complete.specs,
        help="The spec file; - reads standard input.",
    ),
]

Specs = Annotated[
    list[str],
    typer.Argument(
        metavar="SPEC...",
        show_default=False,
        autocompletion=complete.specs,
        help="The spec files; - reads standard input.",
    ),
]

Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        show_default=False,
        autocompletion=complete.runs,
        help="The folder of a trained run, or its name in runs/.",
    ),
]

Settings = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        default_factory=list,
        show_default=False,
        autocompletion=complete.settings,
        help="Set a value of the spec, such as train.epochs=10 or z_dim=20; null leaves it out. "
        "Repeatable.",
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]

Units = Annotated[
    Literal["data", "model"],
    typer.Option(
        "--units",
        help="Units of transformed fields: those of the data, or those of the model.",
    ),
]

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        exists=True,
        file_okay=False,
        envvar="SPECC_DATA_DIR",
        help="The folder with the data files; the folder of the spec by default.",
    ),
]

Device = Annotated[
    str,
    typer.Option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1, or auto: the best one."),
]
