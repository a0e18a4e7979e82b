"""Arguments and options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("text", "json", "github", "sarif")


def one_spec(command: F) -> F:
    """The argument SPEC: a file, or `-` for stdin."""
    return click.argument("spec")(command)


def many_specs(command: F) -> F:
    """The argument SPEC...: at least one file, or `-` for stdin."""
    return click.argument("specs", nargs=-1, required=True, metavar="SPEC...")(command)


def settings(command: F) -> F:
    """`--set a.b=value`, as often as needed."""
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set a value of the spec, such as train.epochs=10 or z_dim=20.",
    )(command)


def format_of_findings(command: F) -> F:
    """`--format`: how findings are written; `--json` is short for one of them."""
    short = click.option("--json", "form", flag_value="json", help="Short for --format json.")
    full = click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="text",
        help="How to write findings.",
    )
    return full(short(command))


def as_json(command: F) -> F:
    """`--json`: the answer for a program."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(command)


def data_dir(command: F) -> F:
    """`--data-dir`: where files of data lie."""
    kind = click.Path(exists=True, file_okay=False)
    return click.option(
        "--data-dir", type=kind, envvar="SPECC_DATA_DIR", help="The folder with files of data."
    )(command)


def device(command: F) -> F:
    """`--device`: where the tensors live."""
    return click.option(
        "--device",
        default="auto",
        show_default=True,
        help="cpu, cuda, cuda:1, or the best there is.",
    )(command)
