"""Repeated C++ statements as loops.

The steps of a recurrence are the same statements, with other variables and other places in arrays.
If all these numbers grow by the same amount from each step to the next, the statements of one step
in a loop compute the same in the same order, and the compiler reads them once:

    t7 = (t3 * q[0]);    t11 = (t7 * q[0]);    t15 = (t11 * q[0]);
    for (long r = 0; r < 3; ++r) S[5 + 1 * r] = (S[4 + 1 * r] * q[0]);

The variables of such statements are places of one array, `S` for numbers and `Z` for truth values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

LEAST_SAVED = 200
"""Statements that a loop must save."""

LEAST_IN_LOOP = 16
"""Statements that each loop must save."""

MODULUS = (1 << 31) - 1
BASE = 1_000_003

DECLARED = re.compile(r"(?:static )?(?:const )?([VM]) ([ta]\d+)(?:\[(\d+)\];| = )")
VARIABLE = re.compile(r"\b([ta]\d+)\b(\[)?")
PLACE = re.compile(r"@(\d+)@|(?<=\[)(\d+)(?=\])")

Numbers = NDArray[np.int64]


class _Statement(Struct, frozen=True):
    """A statement as a text with a `#` for each number that may grow, and these numbers."""

    form: str
    numbers: tuple[int, ...]

    def text(self, growth: Sequence[int] | None = None) -> str:
        """The statement in a loop by `r`, or by itself."""
        steps = growth or [0] * len(self.numbers)
        pairs = zip(self.numbers, steps, strict=True)
        shown = iter([f"{first} + {step} * r" if step else f"{first}" for first, step in pairs])
        return re.sub("#", lambda _: next(shown), self.form)


class _Block(Struct, frozen=True):
    """Statements that are repeated, and the growth of the numbers of each."""

    statements: Sequence[_Statement]
    repeats: int
    growth: Sequence[Sequence[int] | None]

    @property
    def saved(self) -> int:
        """The statements that a loop saves."""
        return (self.repeats - 1) * len(self.statements)


def rolled(lines: Sequence[str]) -> list[str]:
    """The statements with loops; as they are, if loops would save few of them."""
    units = list(_units(lines))
    if len(units) < LEAST_SAVED:
        return list(lines)
    places, sizes = _places(units)
    statements = [_statement(unit, places) for unit in units]
    statements = [each for each in statements if each.form]
    blocks = list(_loops(statements))
    if 2 * sum(each.saved for each in blocks) < len(statements):
        return list(lines)
    written = [f"static {kind} {name}[{max(1, size)}];" for (kind, name), size in sizes.items()]
    for block in blocks:
        pairs = zip(block.statements, block.growth, strict=True)
        body = [each.text(growth) for each, growth in pairs]
        is_loop = block.repeats > 1
        head = [f"for (long r = 0; r < {block.repeats}; ++r) {{"] if is_loop else []
        written += [*head, *body, *(["}"] if is_loop else [])]
    return written


def _units(lines: Sequence[str]) -> Iterator[str]:
    """The statements; a block in braces is one."""
    depth, block = 0, list[str]()
    for line in lines:
        block.append(line)
        depth += line.count("{") - line.count("}")
        if not depth:
            yield "\n".join(block)
            block = []


def _places(units: Sequence[str]) -> tuple[dict[str, tuple[str, int]], dict[tuple[str, str], int]]:
    """The array and the first place of each variable, and the sizes of the arrays."""
    sizes = {("V", "S"): 0, ("M", "Z"): 0}
    found = {}
    for unit in units:
        declared = DECLARED.match(unit)
        if declared is not None:
            kind, name, size = declared.groups()
            own = ("V", "S") if kind == "V" else ("M", "Z")
            found[name] = (own[1], sizes[own])
            sizes[own] += int(size or 1)
    return found, sizes


def _statement(unit: str, places: dict[str, tuple[str, int]]) -> _Statement:
    """The statement of a unit; without a form, if it only declares a variable."""
    declared = DECLARED.match(unit)
    if declared is not None:
        unit = "" if declared[3] else f"{declared[2]} = {unit[declared.end() :]}"

    def placed(found: re.Match[str]) -> str:
        name, bracket = found.groups()
        if name not in places:
            return found[0]
        array, first = places[name]
        return f"{array}[@{first}@ + " if bracket else f"{array}[@{first}@]"

    numbers: list[int] = []

    def kept(found: re.Match[str]) -> str:
        numbers.append(int(found[1] or found[2]))
        return "#"

    form = PLACE.sub(kept, _joined(VARIABLE.sub(placed, unit)))
    return _Statement(form, tuple(numbers))


def _joined(text: str) -> str:
    """`S[@5@ + 2]` as `S[@7@]`."""
    return re.sub(r"@(\d+)@ \+ (\d+)\]", lambda m: f"@{int(m[1]) + int(m[2])}@]", text)


def _loops(statements: Sequence[_Statement]) -> Iterator[_Block]:
    """The statements in order, in blocks; of the repetitions at a place the one that saves most."""
    known = _Sequence(statements)
    at = 0
    while at < len(statements):
        best = _Block(statements[at : at + 1], 1, [None])
        for period in known.periods(at):
            repeats = known.repeats(at, period)
            block = _Block(statements[at : at + period], repeats, [])
            if repeats > 2 and block.saved >= max(LEAST_IN_LOOP, best.saved + 1):
                best = block
        period = len(best.statements)
        if best.repeats > 1:
            growth = known.growth(at, period)
            best = _Block(best.statements, best.repeats, growth)
        yield best
        at += period * best.repeats


class _Sequence:
    """Statements as arrays, in which repetitions are found."""

    def __init__(self, statements: Sequence[_Statement]) -> None:
        forms: dict[str, int] = {}
        kinds = [forms.setdefault(each.form, len(forms)) for each in statements]
        hashes, powers = [0], [1]
        for kind in kinds:
            hashes.append((hashes[-1] * BASE + kind + 1) % MODULUS)
            powers.append(powers[-1] * BASE % MODULUS)
        self.kinds, self.hashes, self.powers = map(np.array, (kinds, hashes, powers))
        lengths = [len(each.numbers) for each in statements]
        self.starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        self.numbers = np.array([n for each in statements for n in each.numbers], dtype=np.int64)
        order = np.argsort(self.kinds, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(self.kinds))[:-1])
        self._where = dict(enumerate(parts))

    def periods(self, at: int) -> list[int]:
        """The numbers of statements at a place that may be followed by the same ones."""
        later = self._where[int(self.kinds[at])]
        found = later[np.searchsorted(later, at + 1) :] - at
        found = found[at + 2 * found <= len(self.kinds)]
        middle, end = self.hashes[at + found], self.hashes[at + 2 * found]
        first = (middle - self.hashes[at] * self.powers[found]) % MODULUS
        second = (end - middle * self.powers[found]) % MODULUS
        return [int(period) for period in found[first == second]]

    def repeats(self, at: int, period: int) -> int:
        """How often the statements at a place are repeated with numbers that grow evenly."""
        first, growth, count = self._of(at, period), None, 1
        while (begin := at + count * period) + period <= len(self.kinds):
            same = self.kinds[begin : begin + period] == self.kinds[at : at + period]
            if not same.all():
                break
            own = self._of(begin, period)
            growth = own - first if growth is None else growth
            if not np.array_equal(own, first + count * growth):
                break
            count += 1
        return count

    def growth(self, at: int, period: int) -> list[list[int] | None]:
        """By how much the numbers of the statements grow from one repetition to the next."""
        grown = self._of(at + period, period) - self._of(at, period)
        ends = self.starts[at + 1 : at + period] - self.starts[at]
        return [part.tolist() for part in np.split(grown, ends)]

    def _of(self, at: int, period: int) -> Numbers:
        """The numbers of some statements."""
        return self.numbers[self.starts[at] : self.starts[at + period]]
