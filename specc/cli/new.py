"""`specc new`: a small spec that trains unchanged, to start from."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from specc.cli import complete, exits
from specc.cli.failure import usage
from specc.cli.template_names import TEMPLATES
from specc.cli.writing import write_file, write_new_file

NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)

HELP = (
    "Write a spec to start from to FILE: TEMPLATE.yaml by default, - for standard output. Without "
    "TEMPLATE, list the templates."
)

Template = Annotated[
    str | None,
    typer.Argument(autocompletion=complete.templates, help="The name of a template."),
]


def command(
    template: Template = None,
    file: Annotated[str | None, typer.Argument(help="The file to write.")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE if it exists.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
) -> int:
    """Write a template, named after the file."""
    if listing or template is None:
        typer.echo(table(), nl=False)
        return exits.DONE
    if template not in TEMPLATES:
        raise usage(f"there is no template `{template}`", hint(template))
    if file == "-":
        typer.echo(text(template), nl=False)
        return exits.DONE
    path = Path(file or f"{template}.yaml")
    write(path, text(template, model_name(path)), force)
    typer.echo(f"wrote {path}; train it with `specc train {path}`")
    return exits.DONE


def table() -> str:
    """The templates with their descriptions, one per line."""
    width = max(map(len, TEMPLATES))
    return "".join(f"{name:{width}}  {what}\n" for name, what in TEMPLATES.items())


def hint(name: str) -> str:
    """The likely fix for an unknown template."""
    if name.endswith((".yaml", ".yml")):
        return f"name a template before the file: specc new vae {name}"
    from specc.diagnostics.nearest import nearest

    meant = nearest(name, TEMPLATES)
    return f"did you mean `{meant}`?" if meant else f"the templates are {', '.join(TEMPLATES)}"


def text(template: str, name: str | None = None) -> str:
    """The spec of a template, under another name if one is given."""
    found = resources.files("specc.cli").joinpath("templates", f"{template}.yaml")
    spec = found.read_text(encoding="utf-8")
    return spec.replace(f"\nname: {template}\n", f"\nname: {name or template}\n", 1)


def model_name(path: Path) -> str:
    """The name of the model in a file: the name of the file without its ending.

    Raises `Failure` if that is not a Python identifier, since it names the generated package.
    """
    stem = path.name.removesuffix(".yaml").removesuffix(".yml")
    name = stem.replace("-", "_").lower()
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise usage(
            f"`{stem}` cannot name a model: a name has letters, digits and _, and starts with a"
            " letter",
            "choose another file name, such as my_model.yaml",
        )
    return name


def write(path: Path, spec: str, force: bool) -> None:
    """Write the spec; raises `Failure` if the file exists, unless `force`."""
    if force:
        write_file(path, spec)
        return
    try:
        write_new_file(path, spec)
    except FileExistsError as error:
        hint = "choose another name, or add --force to overwrite it"
        raise usage(f"{path} already exists", hint) from error
