"""Diagnostics as text: place, code, message, the marked line, and the fix.

specs/vae.yaml:11:37: error[E0201]: `zz` is neither a node that the model can use nor a constant
   |
11 |   x: {observed: bernoulli, logits: decoder(zz)}
   |                                            ^^
   = help: did you mean `z`?
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.excerpt import excerpt
from specc.diagnostics.printable import printable
from specc.diagnostics.report import help_text, message, severity
from specc.diagnostics.source import Span

COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "mark": "\x1b[1;36m"}
PLAIN = "\x1b[0m"


def render(findings: Iterable[Diagnostic], colour: bool = False) -> str:
    """All diagnostics with empty lines between them, and their number if there are several."""
    listed = list(findings)
    shown = ["\n".join(_lines(found, colour)) for found in listed]
    if len(listed) > 1:
        shown.append(_count(listed))
    return "\n\n".join(shown)


def _count(findings: list[Diagnostic]) -> str:
    kinds = [severity(found) for found in findings]
    counts = [(kinds.count(kind), kind) for kind in ("error", "warning")]
    return " and ".join(f"{n} {kind}{'s' if n > 1 else ''}" for n, kind in counts if n)


def _lines(found: Diagnostic, colour: bool) -> Iterator[str]:
    kind = severity(found)
    title = _paint(f"{kind}[{found.code}]", kind, colour)
    yield f"{place(found.span)}: {title}: {printable(message(found))}"
    labels = [(found.span, "", "^")]
    labels += [(label.span, label.text, "-") for label in found.labels]
    margin = max(len(str(span.line)) for span, _, _ in labels)
    if found.span.source.text:
        yield from _marked(found, labels, margin, colour)
    advice = help_text(found)
    if advice:
        yield f"{' ' * margin} = help: {printable(advice)}"


def _marked(
    found: Diagnostic, labels: list[tuple[Span, str, str]], margin: int, colour: bool
) -> Iterator[str]:
    bar = f"{' ' * margin} |"
    yield bar
    for number, (span, text, mark) in enumerate(labels):
        if number:
            yield f"{' ' * margin} :" + _elsewhere(span, found.span)
        shown = excerpt(span)
        yield f"{shown.number:>{margin}} | {shown.text}".rstrip()
        under = _paint(mark * shown.marked, "mark", colour)
        yield f"{bar} {' ' * shown.before}{under} {printable(text)}".rstrip()


def _elsewhere(span: Span, first: Span) -> str:
    return "" if span.source is first.source else f" {place(span)}"


def place(span: Span) -> str:
    """The place of a diagnostic, such as `specs/vae.yaml:11:37`."""
    return f"{span.source.name}:{span.line}:{span.column}"


def _paint(text: str, colour: str, enabled: bool) -> str:
    return f"{COLOURS[colour]}{text}{PLAIN}" if enabled else text
