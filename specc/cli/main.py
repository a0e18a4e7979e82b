"""The command `specc`: a group of verbs, each of which is imported only when it is used."""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.core import TyperGroup

from specc.cli import exits, terminal
from specc.cli.boundary import Boundary, abandon_output, flush
from specc.cli.failure import usage
from specc.cli.help import Verbs, placeholder
from specc.cli.verbs import VERBS

COMPLETE = "_SPECC_COMPLETE"
"""The environment variable with which a shell requests completions; its value names the shell."""

HELP = "A compiler for deep generative models: a YAML graph in, readable PyTorch out."
EPILOG = (
    "Exit codes: 0 success, 1 errors found or files out of date, 2 wrong spec or usage, 3 failed, "
    "70 a bug in specc, 75 interrupted and resumable."
)


_STEERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BREAKS = str.maketrans("\n\t", "  ")


def _set_debug(ctx: typer.Context, value: bool) -> None:
    if value and isinstance(ctx.obj, Boundary):
        ctx.obj.debug = True


def _show_version(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from specc.cli.version import version

        typer.echo(f"specc {version()}")
        raise typer.Exit(exits.DONE)


def _options(
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            callback=_set_debug,
            expose_value=False,
            help="Show the traceback of an internal error.",
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            expose_value=False,
            is_eager=True,
            help="Show the version.",
        ),
    ] = False,
) -> None:
    """The options before the verb; their callbacks do the work."""


def group() -> TyperGroup:
    """The command of all verbs."""
    application = typer.Typer(
        cls=Verbs,
        help=HELP,
        epilog=EPILOG,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    application.callback()(_options)
    made = typer.main.get_group(application)
    for name, text in VERBS.items():
        made.add_command(placeholder(name, text))
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; return its exit code (see `specc.cli.exits`)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _escape_unencodable()
    boundary = Boundary(given)
    with boundary:
        _refuse_control_characters(given)
        boundary.code = _complete(given) if COMPLETE in os.environ else _invoke(given, boundary)
    flushing = Boundary(given, earlier=boundary)
    with flushing:
        flush()
    if flushing.code != exits.DONE:
        abandon_output()
    return boundary.code or flushing.code


def run() -> int:
    """Run the command line of this process, which ends with it; return its exit code.

    Almost all objects of the start live to the end: no garbage is collected among them before the
    verb is known. They are still in use at the end; freezing them spares the interpreter a last
    collection, which takes a quarter of the time of a check.
    """
    gc.disable()
    try:
        return main()
    finally:
        gc.freeze()


def _invoke(arguments: list[str], boundary: Boundary) -> int:
    """Run the verb; each returns its exit code."""
    command = group()
    context = command.make_context("specc", arguments, obj=boundary, color=terminal.colour())
    with context:
        result = command.invoke(context)
    assert isinstance(result, int), "a verb returned no exit code"
    return result


def _complete(words: list[str]) -> int:
    """Print the completions of an unfinished command line."""
    from specc.cli.complete import answer

    typer.echo(answer(group(), words, os.environ[COMPLETE]), nl=False)
    return exits.DONE


def _refuse_control_characters(arguments: Sequence[str]) -> None:
    """Refuse control characters in arguments: printed back, they could change terminal or log.

    The value of `--set` may have several lines and tabs; file names may not.
    """
    for before, argument in zip(["", *arguments], arguments, strict=False):
        is_value = before == "--set" or argument.startswith("--set=")
        odd = _STEERS.search(argument.translate(_BREAKS) if is_value else argument)
        if odd is None:
            continue
        from specc.diagnostics.printable import escaped

        raise usage(f"the argument `{escaped(argument)}` has a control character")


def _escape_unencodable() -> None:
    """Escape characters that the encoding of a stream lacks, instead of failing on them."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
