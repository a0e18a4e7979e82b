"""A generated file: docstring, imports, body, and the node behind each line."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from specc.codegen.code.writer import Writer


class PyFile(Struct, frozen=True):
    """The text of a Python file; `origins` maps line numbers to nodes of the spec."""

    name: str
    text: str
    origins: Mapping[int, str]


def assemble(
    name: str, docstring: str, imports: set[str], local: list[str], body: Writer
) -> PyFile:
    """Return a file with docstring and imports before the body, and line numbers adapted."""
    head = Writer()
    head.docstring(docstring + "\n" if "\n" in docstring else docstring)
    head.lines = [line.rstrip() for line in head.lines]
    _drop_empty_before_quotes(head)
    head.line()
    head.line("from __future__ import annotations")
    head.line()
    _write_imports(head, imports, local)
    head.line()
    head.line()
    offset = len(head.lines)
    head.lines += body.lines
    origins = {line + offset: node for line, node in body.origins.items()}
    return PyFile(name, head.text(), origins)


def _drop_empty_before_quotes(head: Writer) -> None:
    while len(head.lines) > 1 and head.lines[-1] == '"""' and head.lines[-2] == "":
        del head.lines[-2]


def _write_imports(head: Writer, imports: set[str], local: list[str]) -> None:
    groups = [
        sorted(_standard(imports)),
        _torch(imports),
        _runtime(imports),
        local,
    ]
    shown = [group for group in groups if group]
    for number, group in enumerate(shown):
        if number:
            head.line()
        for line in group:
            _import_line(head, line)


def _import_line(head: Writer, line: str) -> None:
    if len(line) <= 100 or " import " not in line:
        head.line(line)
        return
    before, names = line.split(" import ")
    head.line(f"{before} import (")
    with head.indented():
        for name in names.split(", "):
            head.line(f"{name},")
    head.line(")")


def _standard(imports: set[str]) -> list[str]:
    lines = [f"import {m}" for m in imports if m == "math"]
    return lines + [
        f"from pathlib import {m.split('.')[1]}" for m in imports if m == "pathlib.Path"
    ]


def _torch(imports: set[str]) -> list[str]:
    lines = ["import torch"] if "torch" in imports else []
    names = sorted(m.split(".")[1] for m in imports if m in ("torch.Tensor", "torch.nn"))
    return [*lines, f"from torch import {', '.join(names)}"] if names else lines


def _runtime(imports: set[str]) -> list[str]:
    """Return the imports of the run time: modules, or functions that are called by name."""
    grouped: dict[str, set[str]] = {}
    for target in imports:
        if not target.startswith("specc."):
            continue
        package, _, stem = target.rpartition(".")
        if target == "specc.runtime.noise":
            grouped.setdefault(target, set()).add("Noise")
        elif target == "specc.runtime.program":
            grouped.setdefault(target, set()).add("Program")
        else:
            grouped.setdefault(package, set()).add(stem)
    return [f"from {module} import {', '.join(sorted(n))}" for module, n in sorted(grouped.items())]
