"""`specc graph`: the graph of a spec as text or as a picture."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import typer

from specc.cli import exits, options
from specc.cli.failure import Failure

HELP = "Draw the graph of SPEC."

FORMS = ("text", "mermaid", "dot", "svg", "png")

Format = Annotated[
    Literal["text", "mermaid", "dot", "svg", "png"] | None,
    typer.Option("--format", help="The format; by default from the ending of --out, else text."),
]
Out = Annotated[
    str | None, typer.Option("--out", metavar="FILE", help="Write to FILE; required for png.")
]


def command(
    spec: options.Spec, *, settings: options.Settings, form: Format = None, out: Out = None
) -> int:
    """Draw, to the screen or to a file."""
    from specc.cli.findings import sound
    from specc.cli.writing import STDOUT, write_file

    ending = Path(out).suffix.removeprefix(".") if out else ""
    chosen = form or ({"mmd": "mermaid", "gv": "dot"}.get(ending, ending) or "text")
    if chosen not in FORMS:
        raise Failure(f"there is no format `{chosen}`", f"choose {', '.join(FORMS)}", 2)
    typed = sound(spec, settings).typed
    assert typed is not None
    if chosen == "png":
        return _png(typed, out)
    if chosen == "svg":
        from specc.graph.draw.image import draw

        text = draw(typed, "svg").decode("utf-8")
    else:
        text = import_module(f"specc.graph.draw.{chosen}").draw(typed)
    if out is None or out == STDOUT:
        typer.echo(text, nl=False)
    else:
        write_file(Path(out), text)
    return exits.DONE


def _png(typed: object, out: str | None) -> int:
    from specc.cli.writing import STDOUT, write_bytes
    from specc.graph.draw.image import draw
    from specc.graph.graph import TypedGraph

    assert isinstance(typed, TypedGraph)
    if out is None or out == STDOUT:
        raise Failure("png cannot be printed", "write it to a file: --out graph.png", 2)
    write_bytes(Path(out), draw(typed, "png"))
    return exits.DONE
