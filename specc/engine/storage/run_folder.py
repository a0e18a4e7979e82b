"""The run folder: all files of one run.

spec.yaml        the spec as the user wrote it
generated/<name> the code that is trained, with its manifest
run.json         seed, digests, versions, device, threads, hashes of data and files; sealed
explain.txt, graph.svg   the output of `specc explain` and `specc graph`
settings.json    the values of `--set`
arrays.npz       arrays that were passed in place of files
metrics.jsonl    a line for each epoch
checkpoints/     the checkpoints that `--resume` reads
revisions/<n>    spec, settings, code and drawing after a change of the spec
samples/         pictures of samples during training
samples.png, loss.png, result.json at the end

A run folder may be damaged or come from elsewhere, so every reader calls `facts_of` first, which
verifies it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from specc.engine.storage import file_io, metrics_log, record_schemas, seal
from specc.engine.storage.record_schemas import FORMAT, Facts, OtherFormat, Result, Revised
from specc.runtime import manifest as manifests
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest

RUN = "run.json"
SPEC = "spec.yaml"
EXPLAIN, GRAPH = "explain.txt", "graph.svg"
SETTINGS = "settings.json"
ARRAYS = "arrays.npz"
GENERATED = "generated"
REVISIONS = "revisions"
RESULT = "result.json"
LOCK = ".lock"
SHOWN = (EXPLAIN, GRAPH)
"""Files for display, which are verified when they are shown."""
COPIED = (".py", ".json")
COMPARED = ("math", "parameters", "training")

Extras = Mapping[str, str | bytes]
"""Texts and other files by their names."""


def new_folder(root: Path, name: str) -> Path:
    """The first free path `root/<name>-<n>`; nothing is created."""
    numbers = [p.name.removeprefix(f"{name}-") for p in root.glob(f"{name}-*")]
    return root / f"{name}-{max((int(n) for n in numbers if n.isdigit()), default=0) + 1}"


def create(
    folder: Path,
    program: Path,
    spec: str | None,
    facts: Mapping[str, Any],
    extras: Extras = MappingProxyType({}),
) -> None:
    """Creates a run folder with the spec, a copy of the code in `program`, and `facts` as run.json.

    `extras` are further files, by their names.

    Raises RunFailure: E0806, if the folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        hint = "choose another folder"
        has = "is not empty" if folder.is_dir() else "is a file"
        if (folder / RUN).exists():
            has, hint = "already has a run in it", f"add `--resume` to continue it, or {hint}"
        message = f"the run folder {folder} {has}"
        raise RunFailure("E0806", message, hint=hint, exit_code=USAGE)

    def fill(beside: Path) -> None:
        hashes = _write_spec(beside, program, spec, extras)
        file_io.write_json(beside / RUN, seal.sealed({"format": FORMAT, **facts, "files": hashes}))

    file_io.write_folder(folder, fill)


def _write_spec(folder: Path, program: Path, spec: str | None, extras: Extras) -> dict[str, str]:
    """Writes a spec with its code and further files; returns the hash of each file by its path."""
    code = folder / GENERATED / manifests.read(program).name
    code.mkdir(parents=True)
    for path in sorted(program.iterdir()):
        if path.is_file() and path.suffix in COPIED:
            shutil.copyfile(path, code / path.name)
    if spec is not None:
        (folder / SPEC).write_text(spec, encoding="utf-8")
    for file, content in extras.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / Path(file).name).write_bytes(data)
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): file_io.hash_of(path) for path in found}


def revise(
    folder: Path,
    program: Path,
    spec: str | None,
    extras: Extras,
    entry: Mapping[str, Any],
) -> None:
    """Changes the spec of a run; the files of the new spec are in `revisions/<n>`.

    run.json is written last, so that the change is atomic.

    Raises RunFailure: E0803 or E0811.
    """
    facts, _ = facts_of(folder)
    revisions = [*facts.get("revisions", ()), {**entry, "was": facts["name"]}]
    place, manifest = f"{REVISIONS}/{len(revisions)}", manifests.read(program)
    hashes: dict[str, str] = {}
    with file_io.writing(folder):
        shutil.rmtree(folder / place, ignore_errors=True)  # left by a process that was killed here
        (folder / REVISIONS).mkdir(exist_ok=True)
    file_io.write_folder(
        folder / place, lambda at: hashes.update(_write_spec(at, program, spec, extras))
    )
    known = {**facts["files"], **{f"{place}/{name}": own for name, own in hashes.items()}}
    more = {"name": manifest.name, "digests": dict(manifest.digests)}
    add_facts(folder, **more, files=known, revisions=revisions)


def home(folder: Path, facts: Facts) -> Path:
    """The folder of the current spec of a run, with its code."""
    count = len(facts.get("revisions", ()))
    return folder / REVISIONS / str(count) if count else folder


def revisions_of(folder: Path) -> list[Revised]:
    """The changes of the spec of a run, in order; none if there is no run.json.

    Raises RunFailure: E0803 or E0821.
    """
    return facts_of(folder)[0].get("revisions", []) if (folder / RUN).is_file() else []


def facts_of(folder: Path) -> tuple[Facts, Path]:
    """The facts in a run's run.json, and the folder of its generated code.

    The folder must contain regular files and folders alone, and the files that the run depends on
    must have the hashes in run.json.

    Raises RunFailure: E0802, if there is no run; E0803, if it is damaged; E0821, if another version
    wrote it.
    """
    only_files(folder)
    if not (folder / RUN).is_file():
        hint = "runs are stored in `runs/`, one folder each"
        raise RunFailure("E0802", f"there is no run folder {folder}", hint=hint, exit_code=USAGE)
    try:
        facts = record_schemas.read_sealed(Facts, folder / RUN)
    except OtherFormat as error:
        hint = "train it again with this version, or read it with the version that wrote it"
        message = f"another version of specc wrote the run folder {folder}: {error}"
        raise RunFailure("E0821", message, hint=hint, exit_code=USAGE) from error
    except (OSError, ValueError) as error:
        raise _damaged(folder, RUN, str(error)) from error
    for name in facts["files"]:
        if Path(name).name not in SHOWN:
            written(folder, facts, name)
    return facts, home(folder, facts) / GENERATED / facts["name"]


def written(folder: Path, facts: Facts, name: str) -> bytes | None:
    """The bytes of a file that run.json lists, or None if it lists no such file.

    Raises RunFailure: E0803, if its hash differs.
    """
    if name not in facts["files"]:
        return None
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise _damaged(folder, RUN, f"it names a file `{name}`")
    try:
        data = file_io.read(path)
    except (OSError, ValueError) as error:
        raise _damaged(folder, name, str(error)) from error
    if hashlib.sha256(data).hexdigest() != facts["files"][name]:
        raise _damaged(folder, name, "its content differs from what was written")
    return data


def current(folder: Path, facts: Facts, name: str) -> bytes | None:
    """The bytes of a file of the current spec of a run; raises RunFailure E0803."""
    return written(folder, facts, str(home(Path(), facts) / name))


def add_facts(folder: Path, **more: Any) -> None:  # noqa: ANN401 - JSON is anything
    """Adds facts to run.json. Raises RunFailure: E0803 or E0811."""
    facts, _ = facts_of(folder)
    file_io.write_json(folder / RUN, seal.sealed({**facts, **more}))


def _damaged(folder: Path, name: str, problem: str) -> RunFailure:
    hint = "restore it from a copy of the folder, or train again"
    return RunFailure("E0803", f"the run folder {folder} is damaged: {name}: {problem}", hint=hint)


def result_of(folder: Path) -> Result:
    """The content of a run's result.json; empty before the end of the run.

    Raises RunFailure: E0803, if it is damaged.
    """
    path = folder / RESULT
    try:
        return record_schemas.read(Result, path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        hint = "`specc train --resume` writes it again"
        raise RunFailure("E0803", f"{path} is damaged: {error}", hint=hint) from error


def same_spec(folder: Path, manifest: Manifest) -> None:
    """Checks that the run in `folder` has the spec of this manifest.

    Raises RunFailure: E0801, with the difference.
    """
    _, code = facts_of(folder)
    what = differing(manifests.read(code), manifest)
    if what is None:
        return
    message = f"the run folder {folder} belongs to another spec: {what}"
    hint = "choose another folder, or train the spec that is in it"
    raise RunFailure("E0801", message, hint=hint, exit_code=USAGE)


def differing(known: Manifest, manifest: Manifest) -> str | None:
    """The difference between two programs as a clause; None if a run of one is a run of both."""
    differs = [name for name in COMPARED if known.digests[name] != manifest.digests[name]]
    places = ({n: m.canonical for n, m in own.modules.items()} for own in (known, manifest))
    if not differs and len({tuple(sorted(each.items())) for each in places}) > 1:
        return "two of its modules have new names"
    if known.name == manifest.name and not differs:
        return None
    return f"its {differs[0]} differs" if differs else f"it is one of `{known.name}`"


def only_files(folder: Path) -> None:
    """Checks that a folder contains regular files and folders alone: no links, no FIFOs.

    Raises RunFailure: E0803, with the first other entry.
    """
    for path, mode in _entries(folder):
        what = file_io.kind_of(mode)
        if what and not stat.S_ISDIR(mode):
            hint = "remove it, or put a regular file in its place"
            message = f"the run folder {folder} is damaged: {path.relative_to(folder)} is {what}"
            raise RunFailure("E0803", message, hint=hint)


def _entries(folder: Path) -> Iterator[tuple[Path, int]]:
    """The entries below a folder with their modes, in order; those that vanish are left out."""
    try:
        paths = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for path in paths:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        yield path, mode
        if stat.S_ISDIR(mode):
            yield from _entries(path)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Locks the run folder; the system releases the lock when the process ends.

    Raises RunFailure: E0806, if another process has the lock.
    """
    with file_io.writing(folder):
        file = file_io.open_regular(folder / LOCK, os.O_WRONLY | os.O_CREAT)
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"another process is working in the run folder {folder}"
            raise RunFailure("E0806", message, hint="wait for it, or stop it") from error
        yield


read_metrics = metrics_log.read
