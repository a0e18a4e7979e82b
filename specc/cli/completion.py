"""`specc completion`: scripts for completion in bash, zsh and fish."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Literal

import typer

from specc.cli import exits

HELP = """Print the completion script of SHELL.

\b
bash:  specc completion bash >> ~/.bashrc
zsh:   specc completion zsh >> ~/.zshrc
fish:  specc completion fish > ~/.config/fish/completions/specc.fish
"""

Shell = Annotated[
    Literal["bash", "zsh", "fish"],
    typer.Argument(metavar="SHELL", show_default=False, help="bash, zsh or fish."),
]


def command(shell: Shell) -> int:
    """Print the completion script of SHELL."""
    script = resources.files("specc.cli").joinpath("shells", f"specc.{shell}")
    typer.echo(script.read_text(encoding="utf-8"), nl=False)
    return exits.DONE
