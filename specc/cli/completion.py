"""`specc completion`: the script that teaches a shell the verbs and their options."""

from __future__ import annotations

import click

from specc.cli import exits

HELP = """Print the completion script of SHELL.

\b
bash:  specc completion bash >> ~/.bashrc
zsh:   specc completion zsh >> ~/.zshrc
fish:  specc completion fish > ~/.config/fish/completions/specc.fish
"""


@click.command(help=HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script of SHELL."""
    from click.shell_completion import get_completion_class

    from specc.cli.main import COMPLETE, GROUP

    kind = get_completion_class(shell)
    assert kind is not None, f"click does not know the shell {shell}"
    script = kind(GROUP, {}, "specc", COMPLETE)
    # `source()` would first ask the installed bash for its version, even for another machine's.
    click.echo(script.source_template % script.source_vars())
    return exits.DONE
