"""The command `specc`: a table of verbs, each of which is imported only when it is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from specc.cli import exits
from specc.cli.boundary import Boundary, abandon_output, flush

VERBS: dict[str, str] = {
    "new": "Write a small spec to start from.",
    "check": "Report everything that is wrong with specs.",
    "fmt": "Put specs into canonical style.",
    "explain": "Show what the compiler decided for a spec, or what a code or name means.",
    "graph": "Draw the graph of a spec.",
    "compile": "Write the PyTorch code of specs.",
    "data": "Show what a spec will read, and what of it does not fit.",
    "train": "Train a spec, and measure what came of it.",
    "evaluate": "Measure a trained run.",
    "query": "Answer questions about probabilities and independence.",
    "sample": "Draw rows from a trained run.",
    "impute": "Fill the missing values of data by a trained run.",
    "report": "Write a trained run as one HTML page.",
    "runs": "List runs, or compare two of them.",
    "diff": "Show what changed between two specs, or two revisions of one.",
    "schema": "Print the JSON Schema of specs, for editors.",
    "completion": "Print the completion script of a shell.",
}

COMPLETE = "_SPECC_COMPLETE"
"""The environment variable under which a shell asks for completions instead of running."""


class Verbs(click.Group):
    """The group of all verbs; its help needs no import of any."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs in the order of a session."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module, and take its `command`."""
        if cmd_name not in VERBS:
            return None
        command = import_module(f"specc.cli.{cmd_name}").command
        assert isinstance(command, click.Command), f"specc.cli.{cmd_name} has no command"
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(debug_option(hidden=True))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one was meant."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(unknown_verb(args[0]), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of verbs."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def unknown_verb(name: str) -> str:
    """The message for a word that is no verb."""
    from specc.diagnostics.nearest import nearest

    meant = nearest(name, VERBS)
    return f"There is no command '{name}'." + (f" Did you mean '{meant}'?" if meant else "")


def debug_option(hidden: bool = False) -> click.Option:
    """`--debug`, which may stand before or after the verb."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        hidden=hidden,
        callback=_set_debug,
        help="Show the traceback of an internal error.",
    )


def _set_debug(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and isinstance(ctx.obj, Boundary):
        ctx.obj.debug = True


def _show_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from specc.cli.version import version

        click.echo(f"specc {version()}")
        ctx.exit()


GROUP = Verbs(
    "specc",
    help="A compiler for deep generative models: a YAML graph in, readable PyTorch out.",
    epilog="Exit codes: 0 done, 1 findings or drift, 2 wrong spec or usage, 3 failed, "
    "70 a bug in specc, 75 interrupted and resumable.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        debug_option(),
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_show_version,
            help="Show the version.",
        ),
    ],
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; return its exit code (see `specc.cli.exits`)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _print_anything()
    boundary = Boundary(given)
    with boundary:
        boundary.code = _answer_shell() or _invoke(given, boundary)
    flushing = Boundary(given)
    with flushing:
        flush()
    if flushing.code != exits.DONE:
        abandon_output()
    return boundary.code or flushing.code


def _invoke(arguments: list[str], boundary: Boundary) -> int:
    """Run the verb; each returns its exit code."""
    with GROUP.make_context("specc", arguments, obj=boundary) as context:
        result = GROUP.invoke(context)
    assert isinstance(result, int), "a verb returned no exit code"
    return result


def _answer_shell() -> int | None:
    """Complete a half-written command line where a shell asks for it."""
    asked = os.environ.get(COMPLETE)
    if not asked:
        return None
    from click.shell_completion import shell_complete

    shell_complete(GROUP, {}, "specc", COMPLETE, asked)
    raise click.exceptions.Exit(exits.DONE)


def _print_anything() -> None:
    """Characters that a terminal cannot show are escaped there, not a crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
