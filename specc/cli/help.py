"""The group of verbs, each loaded on first use, and the layout of help.

Typer's panels need rich, whose import takes longer than the rest of `--help`.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from specc.cli.verbs import PANELS

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

Rows = dict[str, list[tuple[str, str]]]


class Verb(TyperCommand):
    """A command whose help lists options under the heading of their `rich_help_panel`."""

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Writes the arguments and options."""
        _write(formatter, _parameters(self, ctx))

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """The words after the verb: `[OPTIONS] SPEC`, `[OPTIONS] [FOLDER...]`."""
        arguments = [p for p in self.get_params(ctx) if isinstance(p, TyperArgument)]
        names = [(_name(argument), argument.required) for argument in arguments]
        return ["[OPTIONS]", *(name if needed else f"[{name}]" for name, needed in names)]


class Verbs(TyperGroup):
    """The group of all verbs; its help and the completion of a verb import none of them."""

    def list_commands(self, ctx: Context) -> list[str]:
        """List the verbs, panel by panel."""
        return list(self.commands)

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Find the verb that is called, and load it."""
        name, verb, rest = super().resolve_command(ctx, args)
        if name not in PANELS["Write"] and name not in PANELS["Check"]:
            # `run` has disabled the collector; verbs that load data and tensors need it.
            gc.enable()
        return name, None if name is None or verb is None else loaded(name, self), rest

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Writes the verbs of each panel, then the options of all of them."""
        _write(formatter, {panel: list(verbs.items()) for panel, verbs in PANELS.items()})
        _write(formatter, _parameters(self, ctx))


def placeholder(name: str, text: str) -> TyperCommand:
    """A verb as help and completion show it, without importing its module."""
    return TyperCommand(name, help=text)


def loaded(name: str, group: TyperGroup) -> TyperCommand:
    """Import the module of a verb, and make a command of its function `command`.

    `--debug` of the group is accepted after the verb, too.
    """
    from copy import copy
    from importlib import import_module

    module = import_module(f"specc.cli.{name}")
    application = typer.Typer(add_completion=False, rich_markup_mode=None)
    application.command(name, cls=Verb, help=module.HELP)(module.command)
    command = typer.main.get_command(application)
    assert isinstance(command, TyperCommand), f"{name} is not one command"
    for option in group.params:
        if option.name == "debug":
            hidden = copy(option)
            hidden.hidden = True  # type: ignore[attr-defined]
            command.params.append(hidden)
    return command


def _parameters(command: TyperCommand | TyperGroup, ctx: Context) -> Rows:
    """The help of each parameter, by its panel."""
    rows: Rows = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            usual = "Options"
            if isinstance(parameter, TyperArgument):
                usual, record = "Arguments", (_name(parameter), parameter.help or "")
            panel = getattr(parameter, "rich_help_panel", None) or usual
            rows.setdefault(panel, []).append(record)
    return rows


def _name(argument: TyperArgument) -> str:
    return argument.metavar or argument.name.upper()


def _write(formatter: HelpFormatter, rows: Rows) -> None:
    for panel, records in rows.items():
        with formatter.section(typer.style(panel, bold=True)):
            formatter.write_dl(records)
