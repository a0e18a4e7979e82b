"""The table of verbs, its help, and how fast it comes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from specc.cli.main import VERBS, group
from specc.cli.verbs import PANELS
from tests.unit.cli.running import run


def test_help_lists_every_verb_in_order(capsys):
    result = run(capsys, "--help")
    assert result.code == 0
    lines = [line.split()[0] for line in result.out.splitlines() if line.startswith("  ")]
    assert [word for word in lines if word in VERBS] == list(VERBS)
    headings = [line[:-1] for line in result.out.splitlines() if line.endswith(":")]
    assert headings == [*PANELS, "Options"] == ["Write", "Check", "Run", "Inspect", "Options"]


def test_the_help_of_all_verbs_imports_none_and_nothing_heavy():
    script = (
        "import sys; from specc.cli.main import main; code = main(['--help']); "
        "heavy = {'torch', 'pydantic', 'yaml', 'networkx', 'numpy', 'rich', 'matplotlib'}; "
        f"verbs = {{'specc.cli.' + verb for verb in {list(VERBS)!r}}}; "
        "print(sorted((heavy | verbs) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help_that_starts_like_a_sentence(capsys, verb):
    result = run(capsys, verb, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: specc {verb}")
    text = group().commands[verb].help
    assert text is not None and text[0].isupper() and text.endswith(".")


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_imports_torch_to_show_its_help(verb):
    script = (
        f"import sys; from specc.cli.main import main; main([{verb!r}, '--help']); "
        "print('torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "False"


def test_an_unknown_verb_gets_a_suggestion(capsys):
    result = run(capsys, "completoin")
    assert result.code == 2
    assert "No such command 'completoin'. Did you mean 'completion'" in result.err


def test_an_unknown_verb_without_a_near_one(capsys):
    result = run(capsys, "xyzzy")
    assert result.code == 2
    assert "No such command 'xyzzy'.\n" in result.err


def test_no_verb_at_all_shows_the_help(capsys):
    result = run(capsys)
    assert result.code == 2
    assert "Usage: specc" in result.err


def test_an_unknown_option_is_wrong_usage(capsys):
    assert run(capsys, "new", "--forec").code == 2


def test_the_version(capsys):
    result = run(capsys, "--version")
    assert result.code == 0
    assert result.out.startswith("specc ") and result.out.strip() != "specc unknown"


def test_the_version_of_a_bare_tree(capsys, monkeypatch):
    from importlib import metadata

    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert run(capsys, "--version").out == "specc unknown\n"


def test_debug_may_stand_before_or_after_the_verb(capsys):
    assert run(capsys, "--debug", "new", "--list").code == 0
    assert run(capsys, "new", "--list", "--debug").code == 0
    assert "--debug" not in run(capsys, "new", "--help").out


def test_the_table_of_verbs_names_modules_with_a_command(monkeypatch, capsys):
    monkeypatch.setitem(VERBS, "exits", "no command there")
    assert run(capsys, "exits").code == 70


@pytest.mark.parametrize(
    "arguments, lead",
    [
        (["train", "x.yaml", "--epochs", "3"], "did you mean `--set train.epochs=...`?"),
        (["train", "x.yaml", "--batch-size=3"], "did you mean `--set train.batch_size=...`?"),
        (["check", "x.yaml", "--seed", "3"], "did you mean `--set train.seed=...`?"),
        (["new", "--epochs", "3"], ""),
        (["train", "x.yaml", "--xyzzy"], ""),
    ],
)
def test_an_option_that_is_a_value_of_the_spec_leads_to_set(capsys, arguments, lead):
    result = run(capsys, *arguments)
    assert result.code == 2
    assert "No such option" in result.err
    assert ("did you mean" in result.err) == bool(lead) and lead in result.err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["sample", "run", "--sampler", "dddim"], "ddim"),
        (["check", "x.yaml", "--format", "jsn"], "json"),
        (["evaluate", "run", "--estimator", "it's"], ""),
        (["sample", "run", "--start", "xyzzy"], ""),
    ],
)
def test_a_word_that_an_option_cannot_have(capsys, arguments, meant):
    result = run(capsys, *arguments)
    assert result.code == 2
    assert "is not one of" in result.err and "Value error" not in result.err
    assert ("did you mean" in result.err) == bool(meant)
    assert not meant or f"\n  did you mean `{meant}`?\n" in result.err


def test_help_names_arguments_as_the_usage_does(capsys):
    out = run(capsys, "runs", "--help").out
    assert out.startswith("Usage: specc runs [OPTIONS] [FOLDER...]\n")
    assert "  FOLDER...  Folders that contain runs" in out
    assert run(capsys, "diff", "-h").out.startswith("Usage: specc diff [OPTIONS] OLD [NEW]\n")
