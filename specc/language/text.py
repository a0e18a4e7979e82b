"""The first stage of reading a spec: from text to located values.

It implements the core schema of YAML 1.2 on the events of PyYAML, with diagnostics of common
mistakes. It never raises, and takes less than two seconds for any text of up to 1 MiB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source, Span
from specc.language.build import Builder
from specc.language.characters import unreadable
from specc.language.decode import read_bytes, too_large
from specc.language.flow import closing_of, split_by_brackets
from specc.language.limits import MAX_BYTES, MAX_FINDINGS
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence

__all__ = ["Entry", "Located", "Mapping", "Scalar", "Sequence", "read", "read_bytes"]

Loader = type[yaml.SafeLoader] | type[yaml.CSafeLoader]

LOADER: Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser: that of libyaml, if PyYAML has it, which is about five times faster."""

_MAX_ROUNDS = 40
_MAX_REREAD = MAX_BYTES
"""The maximum number of characters that are parsed again because of cut expressions."""

Cut = tuple[int, int, int]
"""An expression that YAML cuts: its start, the cut, and its end."""


def read(source: Source, loader: Loader = LOADER) -> tuple[Located | None, list[Diagnostic]]:
    """The located values of a text, and its diagnostics.

    The tree is None if the text could not be parsed to its end. Otherwise it has the most likely
    meaning of wrong values, so that the next stages can find further errors.
    """
    size = len(source.text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        return None, [too_large(source.path, size, source.text[:200])]
    findings = unreadable(source)
    if findings:
        return None, findings
    root, findings = _read_in_rounds(source, loader)
    findings.sort(key=lambda finding: (finding.span.start, finding.span.end))
    return root, findings[:MAX_FINDINGS]


def _parser_diagnostic(builder: Builder, error: yaml.MarkedYAMLError | None) -> Diagnostic | None:
    """The diagnostic for an error of the YAML parser."""
    if error is None:
        return None
    from specc.language.yaml_mistakes.explain import explain

    return explain(builder, error)


def _read_in_rounds(source: Source, loader: Loader) -> tuple[Located | None, list[Diagnostic]]:
    """Parses the text; replaces cut expressions by letters and parses again."""
    text = source.text
    covered: dict[int, int] = {}

    cut_findings: list[Diagnostic] = []
    rounds = min(_MAX_ROUNDS, 1 + _MAX_REREAD // max(len(text), 1))
    for _ in range(rounds):
        builder = Builder(source, text, covered)
        error = _run(builder, loader)
        cuts = [*builder.cuts, *(_cuts_at(builder, error) if error else ())]
        fresh = _disjoint(cuts, covered)
        if not fresh:
            root = builder.root if error is None else None
            failure = _parser_diagnostic(builder, error)
            last = [failure] if failure is not None else []
            return _not_empty(source, root, [*cut_findings, *builder.findings, *last])
        for start, cut, end in fresh:
            covered[start] = end
            cut_findings.append(_report_cut(source, start, cut, end))
        if len(cut_findings) >= MAX_FINDINGS:
            break
        text = _cover(text, fresh)
    return None, cut_findings


def _run(builder: Builder, loader: Loader) -> yaml.MarkedYAMLError | None:
    try:
        builder.run(_events(builder.text, loader))
    except yaml.MarkedYAMLError as error:
        return error
    return None


def _events(text: str, loader: Loader) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=loader)
    except ValueError as error:  # the pure Python parser, at an escape beyond Unicode
        raise yaml.MarkedYAMLError(problem=str(error)) from error


def _cuts_at(builder: Builder, error: yaml.MarkedYAMLError) -> list[Cut]:
    """The expressions with an index, such as `u[user]`, in the brackets around an error."""
    place = error.problem_mark.index if error.problem_mark else len(builder.text)
    opening = next((f.start for f in builder.frames if f.is_flow), None)
    if opening is None:
        match = re.compile(r"[\[{]").search(builder.text, builder.position, place + 1)
        if match is None:
            return []
        opening = match.start()
    closing = closing_of(builder.text, opening)
    line_end = builder.text.find("\n", place)
    limit = closing or (line_end if line_end >= 0 else len(builder.text))
    pieces = split_by_brackets(builder.text, opening, limit)
    return [(start, _cut_place(builder.text, start), end) for start, end in pieces]


def _cut_place(text: str, start: int) -> int:
    match = re.compile(r"[^\[\]{},]*").match(text, start)
    assert match is not None
    return start + len(match[0].rstrip())


def _disjoint(cuts: list[Cut], covered: dict[int, int]) -> list[Cut]:
    """The new cuts without duplicates, and only the outer one of two that overlap."""
    chosen: list[Cut] = []
    for cut in sorted(set(cuts), key=lambda c: (c[0], -c[2])):
        if cut[0] not in covered and (not chosen or cut[0] >= chosen[-1][2]):
            chosen.append(cut)
    return chosen


def _cover(text: str, cuts: list[Cut]) -> str:
    pieces, at = [], 0
    for start, _, end in cuts:
        pieces += [text[at:start], re.sub(r"\S", "x", text[start:end])]
        at = end
    return "".join([*pieces, text[at:]])


def _report_cut(source: Source, start: int, cut: int, end: int) -> Diagnostic:
    expression = " ".join(source.text[start:end].split())
    items = _items(expression)
    fix = f"[{', '.join(map(_quoted, items))}]" if items else _quoted(expression, always=True)
    span = Span(source, start, end)
    return diagnose(
        "E0015",
        span,
        suggestion=fix,
        expression=expression,
        piece=source.text[start:cut],
        hint=f"write a list as `{fix}`" if items else f"quote it: `{fix}`",
    )


def _items(expression: str) -> list[str]:
    """The entries of a list in round brackets, such as `(20, 20)` in Python; else empty."""
    if not (expression.startswith("(") and expression.endswith(")")):
        return []
    depth, entries = 0, [""]
    for place, char in enumerate(expression):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and place < len(expression) - 1:
            return []
        if char == "," and depth == 1:
            entries.append("")
        elif 0 < place < len(expression) - 1:
            entries[-1] += char
    return [entry.strip() for entry in entries] if len(entries) > 1 and all(entries) else []


def _quoted(expression: str, *, always: bool = False) -> str:
    """The expression, in quotes if YAML would cut it."""
    if not always and not set(expression) & set(",[]{}\"'#:"):
        return expression
    return '"' + expression.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _not_empty(
    source: Source, root: Located | None, findings: list[Diagnostic]
) -> tuple[Located | None, list[Diagnostic]]:
    nothing = root is None or (isinstance(root, Scalar) and root.tag_kind == "null")
    if nothing and not findings:
        return None, [diagnose("E0017", Span(source, 0, 0))]
    return root, findings
