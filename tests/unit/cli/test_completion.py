"""Completion scripts, and what they get when they ask."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from specc.cli.main import VERBS
from tests.unit.cli.running import process, run


def offered(*words: object, shell: str = "bash", cwd=None) -> list[str]:
    """What the last of the words may become."""
    result = process(*words, cwd=cwd, _SPECC_COMPLETE=shell)
    assert (result.code, result.err) == (0, "")
    return result.out.splitlines()


@pytest.fixture
def project(tmp_path):
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/vae.yaml").write_text("specc: 1\nconstants: {z_dim: 4, width: 9}\n")
    (tmp_path / "mine.yml").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".hidden.yaml").touch()
    (tmp_path / "runs/vae-1").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_calls_specc(capsys, shell):
    result = run(capsys, "completion", shell)
    assert result.code == 0
    assert f"_SPECC_COMPLETE={shell} " in result.out


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
    assert offered("co") == [verb for verb in VERBS if verb.startswith("co")]
    (line,) = offered("tra", shell="fish")
    assert line == "train\tTrain a spec and evaluate the result."


def test_options_and_choices_are_completed():
    assert offered("completion", "z") == ["zsh"]
    assert offered("train", "x.yaml", "--prec") == ["--precision"]
    assert offered("train", "x.yaml", "--precision", "fl") == ["float32", "float64"]


def test_specs_and_folders_are_completed(project):
    assert offered("check", "", cwd=project) == ["mine.yml", "runs/", "specs/"]
    assert offered("check", "specs/", cwd=project) == ["specs/vae.yaml"]
    assert offered("check", "mine.yml", "s", cwd=project) == ["specs/"]
    assert offered("check", ".h", cwd=project) == [".hidden.yaml"]
    assert offered("check", "no/", cwd=project) == []


def test_runs_templates_and_codes_are_completed(project):
    assert offered("evaluate", "v", cwd=project) == ["vae-1"]
    assert offered("evaluate", "runs/", cwd=project) == ["runs/vae-1/"]
    assert offered("train", "mine.yml", "--from", "v", cwd=project) == ["vae-1"]
    assert offered("new", "gauss") == ["gaussian_mixture"]
    assert offered("explain", "E070", cwd=project)[:2] == ["E0701", "E0702"]
    assert offered("explain", "mine", cwd=project) == ["mine.yml"]
    assert offered("explain", "bernou") == ["bernoulli"]
    assert "train.epochs" in offered("explain", "train.")


def test_the_keys_of_a_setting_are_completed(project):
    assert offered("train", "x.yaml", "--set", "train.epo", cwd=project) == ["train.epochs="]
    assert offered("train", "specs/vae.yaml", "--set", "z", cwd=project) == ["z_dim="]
    assert offered("check", "specs/vae.yaml", "--set", "w", cwd=project) == ["width="]


def test_a_file_that_specc_does_not_know_is_left_to_the_shell(project):
    assert offered("graph", "mine.yml", "--out", "no", cwd=project) == []


BASH = """
specc() { %s -m specc "$@"; }
source /dev/stdin <<<"$(specc completion bash)"
COMP_LINE="$1" COMP_POINT=${#1}
compopt() { echo "compopt $*"; }
_specc specc
printf '%%s\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_goes_on_behind_a_key_and_a_folder(project):
    def typed(line):
        script = BASH % sys.executable
        command = ["bash", "--norc", "-c", script, "bash", line]
        done = subprocess.run(command, capture_output=True, text=True, cwd=project, check=True)
        return done.stdout.split("\n")[:-1]

    line = "specc train specs/vae.yaml --set train.epochs=3 --set z"
    assert typed(line) == ["compopt -o nospace", "z_dim="]
    assert typed("specc check s") == ["compopt -o nospace", "specs/"]
    assert typed("specc check specs/") == ["specs/vae.yaml"]
