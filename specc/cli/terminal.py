"""What a verb prints beside its answer, and whether in colour."""

from __future__ import annotations

import os

import typer


def colour() -> bool | None:
    """Whether to print in colour; None where that depends on whether a terminal listens.

    `NO_COLOR` (https://no-color.org) and a terminal that states that it is dumb turn it off,
    `FORCE_COLOR` turns it on, each where it is set to anything but an empty text.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def say(message: str, hint: str = "") -> None:
    """Print one message to stderr, with what to do about it on a line of its own."""
    title = typer.style("specc:", fg="red", bold=True)
    typer.echo(f"{title} {_printable(message)}", err=True, color=colour())
    if hint:
        typer.echo(f"  {_printable(hint)}", err=True, color=colour())


def _printable(text: str) -> str:
    """Every line of a message, without what would steer the terminal."""
    from specc.diagnostics.printable import printable

    return "\n".join(map(printable, text.split("\n")))


def echo_foreign(text: str) -> None:
    """Print lines that hold words of files of data or of code, without what steers a terminal."""
    typer.echo(_printable(text))


def echo_error(text: str) -> None:
    """Print to stderr; codes of colour are removed where they have no place."""
    typer.echo(text, err=True, color=colour())
