"""Lines of Python, each with the node of the spec that it came from.

Only what the formatter of the project would leave alone is written: a line that does not fit is
broken at its brackets the way `ruff format` breaks it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from specc.diagnostics.printable import comment, escaped

WIDTH = 100


@dataclass(slots=True)
class Writer:
    """Collects lines; `node` is the node of the spec behind the lines being written."""

    lines: list[str] = field(default_factory=list)
    origins: dict[int, str] = field(default_factory=dict)
    depth: int = 0
    node: str = ""

    def line(self, text: str = "") -> None:
        """One line at the current depth; empty text is an empty line."""
        assert text.isprintable(), f"a line of code with what cannot be printed: {text!r}"
        self.lines.append("    " * self.depth + text if text else "")
        if self.node and text:
            self.origins[len(self.lines)] = self.node

    def fits(self, text: str) -> bool:
        """Whether a line of this text is short enough at the current depth."""
        return len(text) + 4 * self.depth <= WIDTH

    def statement(self, text: str) -> None:
        """A statement that is never broken; where it is too long the formatter is told so."""
        self.line(text if self.fits(text) else f"{text}  # fmt: skip")

    def remark(self, text: str) -> None:
        """A comment behind the last line, if it fits there."""
        line = f"{self.lines[-1]}  # {text}"
        if len(line) <= WIDTH:
            self.lines[-1] = line

    def comment(self, text: str) -> None:
        """A comment, on several lines where one is too long."""
        room = WIDTH - 4 * self.depth - len("# ")
        lines = textwrap.wrap(text, room, subsequent_indent="    ", break_long_words=False)
        for line in lines or [""]:
            self.line(comment(line))

    def call(self, before: str, items: Sequence[str], after: str, exploded: bool = False) -> None:
        """`before(items)after`, on one line, or with the items on lines of their own."""
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
                    self.line(f"{item},")
        self.line(f"){after}")

    def collection(self, before: str, items: Sequence[str], brackets: str = "{}") -> None:
        """`before{items}`, on one line, or with every item on a line of its own."""
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
        """`before` and a sum of signed terms (`+ a`, `- b`), broken before each operator."""
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
        """`before[[1, 2], [3, 4]]`, a list to a line where all of it is too long for one."""
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
        """A docstring of one line, or of several with the quotes on lines of their own."""
        safe = "\n".join(map(_quoted, text.split("\n")))
        room = WIDTH - 4 * self.depth
        if "\n" not in safe and len(safe) + 6 <= room:
            safe = f'{safe[:-1]}\\"' if safe.endswith('"') else safe
            self.line(f'"""{safe}"""')
            return
        # The formatter takes away an indent that all lines have, and joins a lone last line.
        indent, taken = ("    ", 3) if "\n" in safe else ("", 6)
        folded = (_folded(line, room - taken, indent) for line in safe.split("\n"))
        lines = [piece for pieces in folded for piece in pieces]
        self.line(f'"""{lines[0]}')
        for line in lines[1:]:
            self.line(line)
        self.line('"""')

    @contextmanager
    def indented(self) -> Iterator[None]:
        """One level deeper."""
        self.depth += 1
        yield
        self.depth -= 1

    @contextmanager
    def about(self, node: str) -> Iterator[None]:
        """The lines written inside come from this node."""
        before, self.node = self.node, node
        yield
        self.node = before

    def text(self) -> str:
        """All lines, ended by a newline."""
        return "\n".join(self.lines) + "\n"


def listed(values: tuple[object, ...]) -> str:
    """`[[1, 2], [3, 4]]`: nested tuples as nested lists."""
    items = [listed(v) if isinstance(v, tuple) else repr(v) for v in values]
    return f"[{', '.join(items)}]"


def _quoted(line: str) -> str:
    """A line as it stands in a docstring: no quotes that end it, and escapes only where needed."""
    safe = line.replace("\\", "\\\\").replace('"""', "'''")
    return escaped(safe)


def _folded(line: str, room: int, indent: str) -> list[str]:
    """A line of prose, folded where it is too long."""
    if len(line) <= room:
        return [line]
    return textwrap.wrap(
        line, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _last_call(called: str, after: str) -> tuple[str, str]:
    """`f(x).sum(` and `(-2, -1)`, where a tuple is what breaks best; nothing where it is none."""
    name, _, argument = after.removesuffix(")").partition("(")
    return (
        (f"{called}{name}(", argument) if argument[:1] == "(" and argument[-1:] == ")" else ("", "")
    )
