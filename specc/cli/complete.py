"""Completions of an unfinished command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import typer
from typer.core import TyperGroup

from specc.cli.template_names import TEMPLATES

SPECS = (".yaml", ".yml")


def answer(group: TyperGroup, words: Sequence[str], shell: str) -> str:
    """A line for each completion of the last word; zsh and fish get its help after a tab."""
    # The scripts of Typer would install themselves; only its parser of command lines is used.
    from typer._completion_classes import FishComplete

    *before, incomplete = words or [""]
    found = FishComplete(group, {}, "specc", "").get_completions(before, incomplete)
    described = shell in ("zsh", "fish")
    lines = (
        f"{item.value}\t{item.help}" if described and item.help else item.value for item in found
    )
    return "".join(f"{line}\n" for line in lines)


def specs(incomplete: str) -> list[str]:
    """Specs and folders in the folder that the word names."""
    return _inside(incomplete, SPECS)


def runs(incomplete: str) -> list[str]:
    """Names of runs in `runs/`, and folders."""
    named = []
    if "/" not in incomplete:
        named = [path.name for path in _entries(Path("runs")) if path.is_dir()]
    return [*named, *_inside(incomplete, ())]


def explained(incomplete: str) -> list[str]:
    """Specs, names of the catalog, keys of a spec, and codes with this beginning."""
    from specc.reference.pages import named

    found = [*specs(incomplete), *sorted({entry.name for entry in named()})]
    if incomplete[:1].upper() in ("E", "W"):
        from specc.diagnostics.codes import CODES

        found += [code for code in CODES if code.startswith(incomplete.upper())]
    return found


def templates(incomplete: str) -> list[str]:
    """The templates of `specc new`."""
    return list(TEMPLATES)


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """The constants of the spec, and the paths of `train:`, each with its `=`."""
    from specc.language.schema.keys import setting_keys

    return [f"{key}=" for key in [*_constants(ctx), *setting_keys()]]


def _constants(ctx: typer.Context) -> Iterable[str]:
    """The names of the constants of the spec on the command line; empty if it is unreadable."""
    from specc.language import text
    from specc.language.located import Mapping
    from specc.reading import read

    # An option without its value at the end leaves the arguments unparsed in `ctx.args`.
    name = next((word for word in ctx.args if Path(word).suffix in SPECS), "")
    source = read(name)[0] if name else None
    root = None if source is None else text.read(source)[0]
    constants = root.get("constants") if isinstance(root, Mapping) else None
    return [entry.name for entry in constants.entries] if isinstance(constants, Mapping) else []


def _inside(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    """Files with one of the endings, and folders with a slash, under the folder of the word."""
    above, slash, last = incomplete.rpartition("/")
    found = []
    for path in _entries(Path(f"{above}/" if slash else ".")):
        if path.name.startswith(".") and not last.startswith("."):
            continue
        if path.is_dir():
            found.append(f"{above}{slash}{path.name}/")
        elif path.suffix in endings:
            found.append(f"{above}{slash}{path.name}")
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
