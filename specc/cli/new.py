"""`specc new`: a small spec that trains as it is, to be changed from there."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from specc.cli import complete, exits
from specc.cli.failure import usage
from specc.cli.files import write_file, write_new_file

TEMPLATES: dict[str, str] = {
    "vae": "variational autoencoder (Kingma and Welling, 2014)",
    "iwae": "importance weighted autoencoder (Burda et al., 2016)",
    "conv_vae": "variational autoencoder with convolutions",
    "hierarchical_vae": "two stochastic layers (Sonderby et al., 2016)",
    "sbn": "sigmoid belief network, trained by VIMCO (Mnih and Rezende, 2016)",
    "conditional_vae": "images given their class (Sohn et al., 2015)",
    "gaussian_mixture": "mixture of Gaussians, classes summed out",
    "factor_analysis": "linear factors and a noise for each pixel",
    "naive_bayes": "a class, and pixels that are independent given it",
    "logistic_regression": "classes given pixels, by maximum a posteriori",
}

NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


HELP = "Write the spec TEMPLATE to FILE, TEMPLATE.yaml by default, - for standard output."

Template = Annotated[
    str | None,
    typer.Argument(autocompletion=complete.templates, help="The template; --list shows all."),
]


def command(
    template: Template = None,
    file: Annotated[str | None, typer.Argument(help="The file to write.")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
) -> int:
    """Write a template under its own or another name."""
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
    """The templates with what each one is, a line for each."""
    width = max(map(len, TEMPLATES))
    return "".join(f"{name:{width}}  {what}\n" for name, what in TEMPLATES.items())


def hint(name: str) -> str:
    """What to write instead of an unknown template."""
    from specc.diagnostics.nearest import nearest

    meant = nearest(name, TEMPLATES)
    return f"did you mean `{meant}`?" if meant else f"there are {', '.join(TEMPLATES)}"


def text(template: str, name: str | None = None) -> str:
    """The spec of a template, under another name where one is given."""
    found = resources.files("specc.cli").joinpath("templates", f"{template}.yaml")
    spec = found.read_text(encoding="utf-8")
    return spec.replace(f"\nname: {template}\n", f"\nname: {name or template}\n", 1)


def model_name(path: Path) -> str:
    """The name of the model in a file: the file's own name without its ending.

    Raises `Failure` where that is not a Python identifier, since it names the generated package.
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
    """Write the spec, and keep a file that is there already unless `force`; raises `Failure`."""
    if force:
        write_file(path, spec)
        return
    try:
        write_new_file(path, spec)
    except FileExistsError as error:
        hint = "choose another name, or add --force to overwrite it"
        raise usage(f"{path} already exists", hint) from error
