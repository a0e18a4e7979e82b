"""Repeated statements become loops that compute the same, by an interpreter of the statements."""

import re

import pytest

from specc.engine.compile import cpp_loops
from specc.engine.compile.cpp_loops import rolled

STEPS = 60


def recurrence(steps=STEPS, step=lambda t: t):
    """A value and an array of two, each step from those before; c0 has data."""
    lines = ["const V t0 = q[0];", "V a1[2];", "a1[0] = q[1];", "a1[1] = q[2];"]
    value, pair = "t0", "a1"
    for number in range(steps):
        first = 2 + 3 * number
        lines += [
            f"const V t{first} = ({value} * {pair}[1] + c0[{step(number)}]);",
            f"const M t{first + 1} = (t{first} < {pair}[0]);",
            f"V a{first + 2}[2];",
            f"a{first + 2}[0] = where(t{first + 1}, {pair}[1], t{first});",
            "{",
            "V s = V{};",
            f"s = s + t{first};",
            f"a{first + 2}[1] = s * 0.25;",
            "}",
        ]
        value, pair = f"t{first}", f"a{first + 2}"
    return [*lines, f"v[0] = {value} + {pair}[0];"]


def run(lines):
    """What the statements assign to v[0], as Python."""
    text = "\n".join(lines)
    text = re.sub(r"for \(long r = 0; r < (\d+); \+\+r\) \{", r"for r in range(\1): {", text)
    written, depth = [], 0
    for line in text.splitlines():
        line = re.sub(r"^(static )?(const )?[VM] (\w+)\[(\d+)\];", r"\3 = [0.0] * \4", line)
        line = re.sub(r"^(const )?[VM] ", "", line).replace("V{}", "0.0").rstrip(";")
        if line == "{":
            continue
        if line == "}":
            depth -= bool(depth and not written[-1].endswith("s * 0.25"))
            continue
        written.append("  " * depth + line.removesuffix("{"))
        depth += line.endswith("{")
    names = {
        "q": [0.3, -0.4, 0.9],
        "c0": [0.1 * ((7 * k) % 11) for k in range(4 * STEPS)],
        "v": [0.0],
        "where": lambda chosen, x, y: x if chosen else y,
    }
    exec("\n".join(written), names)
    return names["v"][0]


@pytest.mark.parametrize("step", [lambda t: t, lambda t: 2 * t + 1, lambda t: STEPS - t])
def test_a_recurrence_is_a_loop_with_the_same_result(step):
    lines = recurrence(step=step)
    found = rolled(lines)
    assert len(found) < 40 < len(lines)
    assert sum(line.startswith("for") for line in found) == 1
    assert run(found) == run(lines)


def test_steps_that_grow_unevenly_stay_as_they_are():
    lines = recurrence(step=lambda t: t * t % 97)
    assert rolled(lines) == lines


def test_a_jump_ends_a_loop():
    lines = recurrence(step=lambda t: t + 50 * (t > 20))
    found = rolled(lines)
    assert sum(line.startswith("for") for line in found) == 2
    assert run(found) == run(lines)


def test_a_few_statements_stay_as_they_are():
    lines = recurrence(steps=10)
    assert rolled(lines) == lines


def test_a_wrong_growth_is_detected(monkeypatch):
    right = cpp_loops._Sequence.growth

    def wrong(self, at, period):
        return [[n - (n == 1) for n in part] for part in right(self, at, period)]

    monkeypatch.setattr(cpp_loops._Sequence, "growth", wrong)
    lines = recurrence()
    assert run(rolled(lines)) != run(lines)
