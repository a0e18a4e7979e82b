"""The run folder: everything about a run in one place, and the refusal to mix two of them.

spec.yaml        the spec as given
generated/<name> the code that is trained, with its manifest
run.json         seed, digests, versions, device, threads, digest of the data
explain.txt, graph.svg   what the compiler says of the spec, and its drawing
settings.json    what `--set` changed in the spec
metrics.jsonl    a line an epoch
checkpoints/     what `--resume` goes on from
samples.png, loss.png, result.json at the end
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from specc.engine import files, forms
from specc.engine.forms import Facts, Result
from specc.runtime import manifest as manifests
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest

RUN = "run.json"
SPEC = "spec.yaml"
EXPLAIN, GRAPH = "explain.txt", "graph.svg"
SETTINGS = "settings.json"
GENERATED = "generated"
METRICS = "metrics.jsonl"
RESULT = "result.json"
COPIED = (".py", ".json")
COMPARED = ("math", "parameters", "training")


def new_folder(root: Path, name: str) -> Path:
    """The first free `root/<name>-<n>`; it is not made yet."""
    taken = [p.name.removeprefix(f"{name}-") for p in root.glob(f"{name}-*")]
    return root / f"{name}-{max((int(n) for n in taken if n.isdigit()), default=0) + 1}"


def create(
    folder: Path,
    program: Path,
    spec: str | None,
    facts: Mapping[str, Any],
    extras: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Makes a run folder with the spec, a copy of the code in `program`, and `facts` as run.json.

    `extras` are further texts, by the names of their files.

    Raises RunFailure: E0806, where the folder has something in it already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        has = "already has a run in it" if (folder / RUN).exists() else "is not empty"
        hint = "add `--resume` to go on with it, or choose another folder"
        message = f"the run folder {folder} {has}"
        raise RunFailure("E0806", message, hint=hint, exit_code=USAGE)
    name = manifests.read(program).name

    def fill(beside: Path) -> None:
        code = beside / GENERATED / name
        code.mkdir(parents=True)
        for path in sorted(program.iterdir()):
            if path.is_file() and path.suffix in COPIED:
                shutil.copyfile(path, code / path.name)
        if spec is not None:
            (beside / SPEC).write_text(spec, encoding="utf-8")
        for file, text in extras.items():
            (beside / Path(file).name).write_text(text, encoding="utf-8")
        (beside / RUN).write_text(json.dumps(dict(facts), indent=2) + "\n", encoding="utf-8")

    files.write_folder(folder, fill)


def facts_of(folder: Path) -> tuple[Facts, Path]:
    """The facts in a run's run.json, and the folder of its generated code.

    Raises RunFailure: E0802, where there is no run; E0803, where its run.json is damaged.
    """
    if not (folder / RUN).is_file():
        hint = "runs lie in `runs/`, one folder each"
        raise RunFailure("E0802", f"there is no run folder {folder}", hint=hint, exit_code=USAGE)
    try:
        facts = forms.read(Facts, folder / RUN)
    except (OSError, ValueError) as error:
        raise RunFailure("E0803", f"{folder / RUN} is damaged: {error}") from error
    return facts, folder / GENERATED / facts["name"]


def result_of(folder: Path) -> Result:
    """The figures in a run's result.json; none of them before the run has ended.

    Raises RunFailure: E0803, where it is damaged.
    """
    path = folder / RESULT
    if not path.is_file():
        return {}
    try:
        return forms.read(Result, path)
    except (OSError, ValueError) as error:
        hint = "`specc train --resume` makes it anew"
        raise RunFailure("E0803", f"{path} is damaged: {error}", hint=hint) from error


def same_spec(folder: Path, manifest: Manifest) -> None:
    """The run in `folder` must be one of this manifest.

    Raises RunFailure: E0801, which says what differs.
    """
    _, code = facts_of(folder)
    known = manifests.read(code)
    differs = [name for name in COMPARED if known.digests[name] != manifest.digests[name]]
    if known.name == manifest.name and not differs:
        return
    what = f"its {differs[0]} differs" if differs else f"it is one of `{known.name}`"
    message = f"the run folder {folder} belongs to another spec: {what}"
    hint = "choose another folder, or train the spec that is in it"
    raise RunFailure("E0801", message, hint=hint, exit_code=USAGE)


def no_links(folder: Path) -> None:
    """A run that is written to holds its files itself: a link would lead a write elsewhere.

    Raises RunFailure: E0803, with the first link.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            hint = "put what it points to in its place"
            message = f"the run folder {folder} is damaged: {path.relative_to(folder)} is a link"
            raise RunFailure("E0803", message, hint=hint)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the run folder for this process; the system lets go of it however the process ends.

    Raises RunFailure: E0806, where another process is training in it.
    """
    with files.writing(folder):
        file = files.own(folder / ".lock", os.O_WRONLY | os.O_CREAT)
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"another process is working in the run folder {folder}"
            raise RunFailure("E0806", message, hint="wait for it, or stop it") from error
        yield


def write_metrics(folder: Path, lines: list[dict[str, Any]]) -> None:
    """Writes metrics.jsonl anew; a run that goes on drops lines past its checkpoint this way."""
    text = "".join(files.to_json(line) + "\n" for line in lines)
    files.write(folder / METRICS, text.encode())


def append_metrics(folder: Path, line: dict[str, Any]) -> None:
    """Adds a line to metrics.jsonl."""
    path, flags = folder / METRICS, os.O_WRONLY | os.O_CREAT | os.O_APPEND
    with files.writing(path), files.own(path, flags) as file:
        file.write((files.to_json(line) + "\n").encode())


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl; one that was cut off while it was written is left out."""
    path = folder / METRICS
    if not path.is_file():
        return []
    found = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            break
        if not _is_line(line):
            break
        found.append(line)
    return found


def _is_line(line: object) -> bool:
    """Whether it has what every line has, so that nobody has to ask again."""
    if not isinstance(line, dict) or not isinstance(line.get("parts"), dict):
        return False
    counts = all(isinstance(line.get(key), int) for key in ("epoch", "step"))
    numbers = [line.get("loss"), *line["parts"].values()]
    valid = line.get("valid", {"loss": None})
    if not isinstance(valid, dict) or "loss" not in valid:
        return False
    return counts and all(_is_number(value) for value in (*numbers, *valid.values()))


def _is_number(value: object) -> bool:
    return value is None or isinstance(value, (int, float))
