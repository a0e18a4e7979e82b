"""Checking specs, and printing their findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

from specc.cli.failure import WrongSpec
from specc.cli.terminal import echo_error
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import severity
from specc.reading import read

if TYPE_CHECKING:
    from specc.compiler import Checked


def examine(
    name: str, settings: Sequence[str] = (), *, trained: bool = True
) -> tuple[Checked | None, list[Diagnostic]]:
    """The checked spec `name` and its findings; None if the file cannot be read.

    Without `trained`, the objective is not checked.
    """
    source, findings = read(name)
    if source is None:
        return None, findings
    from specc.compiler import front

    checked = front(source, settings=tuple(settings), trained=trained)
    return checked, list(checked.diagnostics)


def sound(name: str, settings: Sequence[str] = ()) -> Checked:
    """A spec without errors; its warnings go to stderr. Raises `WrongSpec`."""
    checked, findings = examine(name, settings)
    if checked is None or has_errors(findings):
        raise WrongSpec(rendered(findings))
    if findings:
        echo_error(rendered(findings))
    return checked


def has_errors(findings: Iterable[Diagnostic]) -> bool:
    """Whether one of the findings stops the compiler."""
    return any(severity(finding) == "error" for finding in findings)


def rendered(findings: Sequence[Diagnostic], form: str = "text") -> str:
    """The findings in the format `text`, `json`, `github` or `sarif`.

    Text has colour codes, which `typer.echo` removes unless it writes to a terminal.
    """
    renderer = import_module(f"specc.diagnostics.render_{form}")
    coloured = {"colour": True} if form == "text" else {}
    return cast("str", renderer.render(findings, **coloured))
