"""Lines of Python, each with the node of the spec that it came from.

The lines are formatted as `ruff format` would: a line that is too long is broken at its brackets.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct, field

from specc.diagnostics.printable import comment, escaped

WIDTH = 100


class Writer(Struct):
    """Collects lines; `node` is the node of the spec that the next lines belong to."""

    lines: list[str] = field(default_factory=list)
    origins: dict[int, str] = field(default_factory=dict)
    depth: int = 0
    node: str = ""

    def line(self, text: str = "") -> None:
        """Write a line at the current depth; empty text gives an empty line."""
        assert text.isprintable(), f"a line of code with what cannot be printed: {text!r}"
        self.lines.append("    " * self.depth + text if text else "")
        if self.node and text:
            self.origins[len(self.lines)] = self.node

    def fits(self, text: str) -> bool:
        """Whether a line with this text is short enough at the current depth."""
        return len(text) + 4 * self.depth <= WIDTH

    def statement(self, text: str) -> None:
        """Write a statement that is never broken, with `# fmt: skip` if it is too long."""
        self.line(text if self.fits(text) else f"{text}  # fmt: skip")

    def remark(self, text: str) -> None:
        """Append a comment to the last line if there is room."""
        line = f"{self.lines[-1]}  # {text}"
        if len(line) <= WIDTH:
            self.lines[-1] = line

    def comment(self, text: str) -> None:
        """Write a comment, on several lines if it is too long."""
        room = WIDTH - 4 * self.depth - len("# ")
        lines = [text]
        if len(text) > room:
            lines = textwrap.wrap(text, room, subsequent_indent="    ", break_long_words=False)
        for line in lines:
            self.line(comment(line))

    def call(self, before: str, items: Sequence[str], after: str, exploded: bool = False) -> None:
        """Write `before(items)after` on one line, or with the items on separate lines."""
        joined = ", ".join(items)
        whole = f"{before}({joined}){after}"
        if not exploded and self.fits(whole):
            self.line(whole)
            return
        head, argument = _last_call(f"{before}({joined})", after)
        if argument and not exploded and self.fits(head):
            self.line(head)
            with self.indented():
                self.line(argument)
            self.line(")")
            return
        self.line(f"{before}(")
        with self.indented():
            if not exploded and self.fits(joined):
                self.line(joined)
            else:
                for item in items:
                    self._item(item)
        self.line(f"){after}")

    def _item(self, item: str) -> None:
        """Write an argument on a line of its own; if too long, a call or a dictionary is broken."""
        if self.fits(f"{item},"):
            self.line(f"{item},")
            return
        head, items = _call(item)
        name, entries = _dictionary(item)
        if items:
            self.call(head, items, ",")
        elif entries:
            self.line(f"{name}={{")
            with self.indented():
                for entry in entries:
                    self.line(f"{entry},")
            self.line("},")
        else:
            self.line(f"{item},")

    def collection(self, before: str, items: Sequence[str], brackets: str = "{}") -> None:
        """Write `before{items}` on one line, or with each item on its own line."""
        whole = f"{before}{brackets[0]}{', '.join(items)}{brackets[1]}"
        if self.fits(whole):
            self.line(whole)
            return
        self.line(before + brackets[0])
        with self.indented():
            for item in items:
                self.line(f"{item},")
        self.line(brackets[1])

    def sum(self, before: str, terms: Sequence[str], after: str = "") -> None:
        """Write `before` and a sum of signed terms (`+ a`, `- b`), broken before each operator."""
        first = terms[0].removeprefix("+ ")
        first = f"-{first[2:]}" if first.startswith("- ") else first
        joined = " ".join([first, *terms[1:]])
        single = f"{before}{joined}" if not after else f"{before}({joined}){after}"
        if self.fits(single):
            self.line(single)
            return
        called, _, argument = after.removesuffix(")").partition("(")
        head = f"{before}({joined}){called}("
        last = bool(argument) and after.endswith(")") and self.fits(head)
        self.line(head if last else f"{before}(")
        with self.indented():
            room = self.fits(joined)
            for line in [argument] if last else [joined] if room else [first, *terms[1:]]:
                self.line(line)
        self.line(")" if last else f"){after}")

    def table(self, before: str, values: tuple[object, ...], after: str = "") -> None:
        """Write `before[[1, 2], [3, 4]]` on one line, or with each inner list on its own line."""
        whole = f"{before}{listed(values)}{after}"
        if self.fits(whole) or not isinstance(values[0], tuple):
            self.statement(whole)
            return
        self.line(f"{before}[")
        with self.indented():
            for value in values:
                assert isinstance(value, tuple)
                self.table("", value, ",")
        self.line(f"]{after}")

    def docstring(self, text: str) -> None:
        """Write a docstring on one line, or on several with the closing quotes on the last one."""
        safe = "\n".join(map(_quoted, text.split("\n")))
        room = WIDTH - 4 * self.depth
        if "\n" not in safe and len(safe) + 6 <= room:
            safe = f'{safe[:-1]}\\"' if safe.endswith('"') else safe
            self.line(f'"""{safe}"""')
            return
        # The formatter removes a common indent, and joins a single last line.
        indent, taken = ("    ", 3) if "\n" in safe else ("", 6)
        folded = (_folded(line, room - taken, indent) for line in safe.split("\n"))
        lines = [piece for pieces in folded for piece in pieces]
        self.line(f'"""{lines[0]}')
        for line in lines[1:]:
            self.line(line)
        self.line('"""')

    @contextmanager
    def indented(self) -> Iterator[None]:
        """Write the lines inside the context one level deeper."""
        self.depth += 1
        yield
        self.depth -= 1

    @contextmanager
    def about(self, node: str) -> Iterator[None]:
        """Assign the lines inside the context to this node."""
        before, self.node = self.node, node
        yield
        self.node = before

    def text(self) -> str:
        """Return all lines, ending with a newline."""
        return "\n".join(self.lines) + "\n"


def listed(values: tuple[object, ...]) -> str:
    """Return nested tuples as nested lists: `[[1, 2], [3, 4]]`."""
    items = [listed(v) if isinstance(v, tuple) else repr(v) for v in values]
    return f"[{', '.join(items)}]"


def _quoted(line: str) -> str:
    """Return a line for a docstring: no closing quotes, and escapes only where necessary."""
    safe = line.replace("\\", "\\\\").replace('"""', "'''")
    return escaped(safe)


def _folded(line: str, room: int, indent: str) -> list[str]:
    """Return a line of prose, folded into several if it is too long."""
    if len(line) <= room:
        return [line]
    return textwrap.wrap(
        line, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _call(text: str) -> tuple[str, list[str]]:
    """Return `f` and the arguments of the text `f(x, g(y))`; no arguments if it is no such call."""
    try:
        call = ast.parse(text, mode="eval").body
    except SyntaxError:  # an argument by keyword
        return "", []
    if not isinstance(call, ast.Call):
        return "", []
    utf8 = text.encode()  # the offsets count bytes; `get_source_segment` reads the text again
    parts: tuple[ast.expr | ast.keyword, ...] = (call.func, *call.args, *call.keywords)
    head, *items = (utf8[part.col_offset : part.end_col_offset].decode() for part in parts)
    return (head, items) if head.replace(".", "").isidentifier() else ("", [])


def _dictionary(text: str) -> tuple[str, list[str]]:
    """Return `d` and the entries of the argument `d={"a": 1, "b": 2}`; none if it is no such."""
    name, _, value = text.partition("=")
    try:
        found = ast.parse(value, mode="eval").body
    except SyntaxError:
        return "", []
    if not name.isidentifier() or not isinstance(found, ast.Dict) or None in found.keys:
        return "", []
    utf8 = value.encode()
    starts = (key.col_offset for key in found.keys if key is not None)
    ends = (entry.end_col_offset for entry in found.values)
    return name, [utf8[a:b].decode() for a, b in zip(starts, ends, strict=True)]


def _last_call(called: str, after: str) -> tuple[str, str]:
    """Return `f(x).sum(` and `(-2, -1)` if a tuple is the last argument, else empty texts."""
    name, _, argument = after.removesuffix(")").partition("(")
    return (
        (f"{called}{name}(", argument) if argument[:1] == "(" and argument[-1:] == ")" else ("", "")
    )
