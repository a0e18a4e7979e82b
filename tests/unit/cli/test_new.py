"""Templates and the files they become."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from specc.cli.main import main
from specc.cli.new import text
from specc.cli.template_names import TEMPLATES
from tests.unit.cli.running import run


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_table_is_the_folder_of_templates():
    folder = resources.files("specc.cli").joinpath("templates")
    assert {file.name for file in folder.iterdir()} == {f"{name}.yaml" for name in TEMPLATES}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_named_like_its_file_and_can_be_renamed(name):
    assert text(name).startswith(f"specc: 1\nname: {name}\ndoc: ")
    assert text(name, "mine").startswith("specc: 1\nname: mine\ndoc: ")


def test_without_arguments_it_lists_the_templates(capsys):
    for arguments in ((), ("--list",)):
        result = run(capsys, "new", *arguments)
        assert result.code == 0
        assert [line.split()[0] for line in result.out.splitlines()] == list(TEMPLATES)


def test_the_file_names_the_model(capsys):
    result = run(capsys, "new", "vae", "My-model.yaml")
    assert result.code == 0
    assert result.out == "wrote My-model.yaml; train it with `specc train My-model.yaml`\n"
    assert Path("My-model.yaml").read_text() == text("vae", "my_model")


def test_without_a_file_it_is_named_like_the_template(capsys):
    assert run(capsys, "new", "vae").code == 0
    assert Path("vae.yaml").read_text() == text("vae")


def test_a_dash_is_stdout(capsys):
    assert run(capsys, "new", "vae", "-").out == text("vae")
    assert not list(Path().iterdir())


def test_a_file_is_overwritten_only_by_force(capsys):
    Path("vae.yaml").write_text("mine")
    result = run(capsys, "new", "vae")
    assert result.code == 2
    assert result.err == (
        "specc: vae.yaml already exists\n  choose another name, or add --force to overwrite it\n"
    )
    assert Path("vae.yaml").read_text() == "mine"
    assert run(capsys, "new", "vae", "--force").code == 0
    assert Path("vae.yaml").read_text() == text("vae")


@pytest.mark.parametrize(
    "name", ["1st.yaml", "class.yaml", "a b.yaml", "ä.yaml", ".yaml", "a.b.yaml"]
)
def test_a_file_that_cannot_name_a_model(capsys, name):
    result = run(capsys, "new", "vae", name)
    assert result.code == 2
    assert "cannot name a model" in result.err
    assert not list(Path().iterdir())


def test_an_unknown_template(capsys):
    result = run(capsys, "new", "vea")
    assert result.code == 2
    assert result.err == "specc: there is no template `vea`\n  did you mean `vae`?\n"
    assert "the templates are vae, iwae" in run(capsys, "new", "xyzzy").err
    assert "specc new vae mine.yaml" in run(capsys, "new", "mine.yaml").err


def test_a_folder_that_is_not_there(capsys):
    result = run(capsys, "new", "vae", "no/vae.yaml")
    assert result.code == 3
    assert result.err == "specc: no/vae.yaml cannot be written: no such file or directory\n"


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_template_is_sound(name, capsys):
    assert main(["new", name, "model.yaml"]) == 0
    assert main(["check", "--strict", "model.yaml"]) == 0, capsys.readouterr().out
    assert main(["fmt", "--check", "model.yaml"]) == 0
