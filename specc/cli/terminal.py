"""Messages and errors on the terminal, and whether they are in colour."""

from __future__ import annotations

import os

import typer


def colour() -> bool | None:
    """Whether to print in colour; None lets it depend on whether the stream is a terminal.

    `NO_COLOR` (https://no-color.org) and `TERM=dumb` turn it off,
    `FORCE_COLOR` turns it on; an empty variable has no effect.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def print_message(message: str, hint: str = "") -> None:
    """Print one message to stderr, and its hint on a second, indented line."""
    title = typer.style("specc:", fg="red", bold=True)
    typer.echo(f"{title} {_printable(message)}", err=True, color=colour())
    if hint:
        typer.echo(f"  {_printable(hint)}", err=True, color=colour())


def _printable(text: str) -> str:
    """Every line of a message, with control characters escaped."""
    from specc.diagnostics.printable import printable

    return "\n".join(map(printable, text.split("\n")))


def echo_untrusted(text: str) -> None:
    """Print text from data or code files, with terminal control characters escaped."""
    typer.echo(_printable(text))


def echo_error(text: str) -> None:
    """Print to stderr; colour codes are removed if stderr is not a terminal."""
    typer.echo(text, err=True, color=colour())
