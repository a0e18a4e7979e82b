"""The first of the three readings of a spec: from text to located values.

YAML 1.2's core schema over PyYAML's events, with the traps of YAML told in plain words. No text
makes it raise, and none of up to 1 MiB takes it two seconds.
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
"""The parser: libyaml's, which is about five times faster, where PyYAML was built with it."""

_MAX_ROUNDS = 40
_MAX_REREAD = MAX_BYTES
"""How many characters are read again, in all, because an expression was cut in them."""

Cut = tuple[int, int, int]
"""An expression that YAML cuts: its start, where YAML ends it, and its end."""


def read(source: Source, loader: Loader = LOADER) -> tuple[Located | None, list[Diagnostic]]:
    """The values that stand in a text, and everything that is wrong with it as a text.

    The tree is None where the text could not be read to its end. Where it could, it stands for what
    was most likely meant, so that the next stages can look for errors of their own.
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


def _retold(builder: Builder, error: yaml.MarkedYAMLError | None) -> Diagnostic | None:
    """The parser's complaint in plain words, which are loaded where there is one."""
    if error is None:
        return None
    from specc.language.syntax import retell

    return retell(builder, error)


def _read_in_rounds(source: Source, loader: Loader) -> tuple[Located | None, list[Diagnostic]]:
    """Read; wherever an expression was cut, cover it with letters and read again."""
    text = source.text
    covered: dict[int, int] = {}
    told: list[Diagnostic] = []
    rounds = min(_MAX_ROUNDS, 1 + _MAX_REREAD // max(len(text), 1))
    for _ in range(rounds):
        builder = Builder(source, text, covered)
        error = _run(builder, loader)
        cuts = [*builder.cuts, *(_cuts_at(builder, error) if error else ())]
        fresh = _disjoint(cuts, covered)
        if not fresh:
            root = builder.root if error is None else None
            failure = _retold(builder, error)
            last = [failure] if failure is not None else []
            return _not_empty(source, root, [*told, *builder.findings, *last])
        for start, cut, end in fresh:
            covered[start] = end
            told.append(_tell_cut(source, start, cut, end))
        if len(told) >= MAX_FINDINGS:
            break
        text = _cover(text, fresh)
    return None, told


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
    """The expressions with an index, such as `u[user]`, in the brackets that the error is in."""
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
    """Each cut once, the outer one of two that overlap, and none that is covered already."""
    kept: list[Cut] = []
    for cut in sorted(set(cuts), key=lambda c: (c[0], -c[2])):
        if cut[0] not in covered and (not kept or cut[0] >= kept[-1][2]):
            kept.append(cut)
    return kept


def _cover(text: str, cuts: list[Cut]) -> str:
    pieces, at = [], 0
    for start, _, end in cuts:
        pieces += [text[at:start], re.sub(r"\S", "x", text[start:end])]
        at = end
    return "".join([*pieces, text[at:]])


def _tell_cut(source: Source, start: int, cut: int, end: int) -> Diagnostic:
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
    """The entries of a list in round brackets, as in Python's `(20, 20)`; none of anything else."""
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
    """An expression in quotes, where YAML would cut it otherwise."""
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
