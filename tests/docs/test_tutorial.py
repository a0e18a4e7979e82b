"""The tutorial works as it is written: its files, its commands, and what they print."""

from __future__ import annotations

import re
import shlex

import pytest

from specc.cli.main import main
from tests.house.files import ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:`(\S+\.yaml)`\n\n)?```(\w+)\n(.*?)```", re.DOTALL)
NUMBER = re.compile(r"-?\d[\d.,]*\d|\d")
NEAR = 0.15
"""In nats a row: training takes other roundings on another processor."""

# Commands of the shell that the page needs, and what stands for them here.
SED = re.compile(r"sed s/(\w+)/(\w+)/ (\S+) > (\S+)")


def steps():
    """The blocks of the page in order: what kind, of which file, and the text."""
    return [(kind, name, text) for name, kind, text in BLOCK.findall(PAGE)]


def commands(text):
    """Each command of a console block with the lines that it is shown to print."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def shape(line):
    """A line without its numbers and without how wide its columns are."""
    return " ".join(NUMBER.sub("0", line).split())


def run(command, folder):
    """The exit code of a command of the page."""
    if edit := SED.fullmatch(command):
        old, new, source, target = edit.groups()
        text = (folder / source).read_text(encoding="utf-8")
        (folder / target).write_text(text.replace(old, new), encoding="utf-8")
        return 0
    program, *arguments = shlex.split(command)
    assert program == "specc"
    return main(arguments)


def numbers(line):
    return [float(number.replace(",", "")) for number in NUMBER.findall(line)]


def check(command, shown, printed):
    """The lines that are shown are printed in this order, figures nearly alike."""
    lines = iter(printed.splitlines())
    for line in shown:
        match = next((one for one in lines if shape(line) in shape(one)), None)
        assert match is not None, f"{command}: no line {line!r} in\n{printed}"
        if line.startswith("test:"):
            assert numbers(match)[0] == pytest.approx(numbers(line)[0], abs=NEAR)


def test_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for kind, name, text in steps():
        if kind == "yaml":
            (tmp_path / name).write_text(text, encoding="utf-8")
        elif kind == "python":
            exec(compile(text, "tutorial.md", "exec"), {})
        else:
            for command, shown in commands(text):
                code = run(command, tmp_path)
                out, err = capsys.readouterr()
                assert code == (1 if "wrong" in command and "check" in command else 0), err
                check(command, shown, out + err)
    assert (tmp_path / "drawn.npz").is_file()


def test_a_page_that_says_something_else_is_noticed():
    check("specc", ["test: log p = -1.10 nats"], "test: log p = -1.14 nats\n")
    for printed in ("test: log p = -1.34 nats\n", "test: log q = -1.1 nats\n", ""):
        with pytest.raises(AssertionError):
            check("specc", ["test: log p = -1.10 nats"], printed)
