"""`specc fmt`: specs in canonical style."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from specc.cli import exits, options


@click.command(help="Put each SPEC into canonical style; - reads stdin and writes stdout.")
@options.many_specs
@click.option("--check", is_flag=True, help="Write nothing; fail where something would change.")
@click.option("--diff", "show", is_flag=True, help="Write nothing; show what would change.")
def command(specs: tuple[str, ...], check: bool, show: bool) -> int:
    """Format files in place."""
    changed = [_format(spec, check, show) for spec in specs]
    return exits.FINDINGS if check and any(changed) else exits.DONE


def _format(spec: str, check: bool, show: bool) -> bool:
    from specc.cli.files import write_file
    from specc.cli.revision import read_at
    from specc.language.formatter import fmt
    from specc.reading import STDIN

    source = read_at(spec)
    text = fmt(source)
    changed = text != source.text
    if show:
        lines = difflib.unified_diff(
            source.text.splitlines(), text.splitlines(), spec, f"{spec}, formatted", lineterm=""
        )
        click.echo("\n".join(lines), nl=changed)
    elif check:
        if changed:
            click.echo(f"{spec} would change")
    elif spec == STDIN:
        click.echo(text, nl=False)
    elif changed:
        write_file(Path(spec), text)
        click.echo(f"{spec}: formatted")
    return changed
