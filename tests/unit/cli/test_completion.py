"""Completion scripts, and what they get when they ask."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from specc.cli.main import VERBS
from tests.unit.cli.running import process, run


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_specc(capsys, shell):
    result = run(capsys, "completion", shell)
    assert result.code == 0
    assert f"_SPECC_COMPLETE={shell}_complete" in result.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_accepts_the_script(capsys, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = run(capsys, "completion", shell).out
    subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_an_unknown_shell(capsys):
    result = run(capsys, "completion", "tcsh")
    assert result.code == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in result.err


def test_the_verbs_are_completed():
    result = process(_SPECC_COMPLETE="bash_complete", COMP_WORDS="specc co", COMP_CWORD="1")
    assert result.code == 0
    found = [line.removeprefix("plain,") for line in result.out.splitlines()]
    assert found == [verb for verb in VERBS if verb.startswith("co")]


def test_the_choices_of_an_argument_are_completed():
    words = {"COMP_WORDS": "specc completion z", "COMP_CWORD": "2"}
    result = process(_SPECC_COMPLETE="bash_complete", **words)
    assert result.out == "plain,zsh\n"


def test_a_question_no_shell_asks():
    assert process(_SPECC_COMPLETE="nonsense").code == 0
