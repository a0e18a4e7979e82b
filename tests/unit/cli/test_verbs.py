"""The verbs that read a spec, as a user calls them."""

import json
import shutil
from pathlib import Path

import pytest

from specc.cli.main import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "specs").mkdir()
    for name in ("vae", "gaussian_mixture"):
        shutil.copy(ROOT / "specs" / f"{name}.yaml", tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_says_what_is_wrong_and_ends_with_1(project, capsys):
    assert main(["check", "specs/vae.yaml"]) == 0
    path = project / "specs" / "vae.yaml"
    path.write_text(path.read_text().replace("decoder(z)", "decodr(z)"))
    assert main(["check", "specs/vae.yaml"]) == 1
    assert "did you mean `decoder`?" in capsys.readouterr().out
    assert main(["check", "specs/vae.yaml", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["code"] == "E0231"
    assert main(["compile", "specs/vae.yaml"]) == 2


def test_compile_finds_drift_and_keeps_an_edit_by_hand(project, capsys):
    assert main(["compile", "specs/vae.yaml"]) == 0
    model = project / "generated" / "vae" / "model.py"
    assert main(["compile", "--check", "specs/vae.yaml"]) == 0
    model.write_text(model.read_text().replace("nn.Tanh()", "nn.ReLU()"))
    capsys.readouterr()
    assert main(["compile", "--check", "specs/vae.yaml"]) == 1
    assert "was edited by hand" in capsys.readouterr().out
    assert main(["compile", "specs/vae.yaml"]) == 3
    assert "nn.ReLU()" in model.read_text()
    assert main(["compile", "--force", "specs/vae.yaml"]) == 0
    assert main(["compile", "--check", "--set", "z_dim=3", "specs/vae.yaml"]) == 1
    assert "is out of date" in capsys.readouterr().out


def test_train_evaluate_and_sample(project, capsys):
    short = ["--set", "train.epochs=2", "--set", "evaluate.test.particles=5", "--threads", "1"]
    assert main(["train", "specs/vae.yaml", "--json", *short]) == 0
    result = json.loads(capsys.readouterr().out)
    run = project / result["run"]
    assert (run / "samples.png").read_bytes()[:4] == b"\x89PNG"
    first = result["evaluate"]["test"]["value"]
    assert main(["evaluate", str(run), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["test"]["value"] == first
    assert main(["sample", str(run), "--rows", "4", "--out", "rows.npz"]) == 0
    assert (project / "rows.npz").is_file()
    assert main(["train", "specs/vae.yaml", "--out", str(run), "--quiet", *short]) == 2
    assert main(["train", "specs/vae.yaml", "--resume"]) == 2


def test_explain_graph_schema_and_diff(project, capsys):
    assert main(["explain", "specs/gaussian_mixture.yaml"]) == 0
    assert "summed out of the density" in capsys.readouterr().out
    assert main(["explain", "specs/vae.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "vae"
    assert main(["graph", "specs/vae.yaml", "--out", "g.png"]) == 0
    assert (project / "g.png").read_bytes()[:4] == b"\x89PNG"
    assert main(["graph", "specs/vae.yaml", "--format", "png"]) == 2
    assert main(["schema"]) == 0
    capsys.readouterr()
    assert main(["diff", "specs/vae.yaml", "specs/vae.yaml"]) == 0
    assert "identical" in capsys.readouterr().out
    wide = ["diff", "specs/vae.yaml", "specs/gaussian_mixture.yaml", "--fail-on", "breaks"]
    assert main(wide) == 1


def test_train_with_seeds_and_from_another_run(project, capsys):
    short = ["--set", "train.epochs=1", "--set", "evaluate.test.particles=5", "--quiet"]
    assert main(["train", "specs/vae.yaml", *short, "--seeds", "3,4", "--out", "two"]) == 0
    assert "(2 seeds)" in capsys.readouterr().out
    assert (project / "two-seed3/result.json").is_file()
    again = ["train", "specs/vae.yaml", *short, "--from", "two-seed4", "--precision", "float64"]
    assert main(again) == 0
    assert "14 of 14 tensors come from" in capsys.readouterr().err
    assert main(["train", "specs/vae.yaml", "--seeds", "a"]) == 2
    assert main(["train", "specs/vae.yaml", "--resume"]) == 2
    assert main(["train", "specs/vae.yaml", "--resume", "--out", "x", "--from", "y"]) == 2
    assert "--resume and --from exclude each other" in capsys.readouterr().err


def test_diff_of_one_spec_needs_a_repository(project, capsys, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    assert main(["diff", "specs/vae.yaml"]) == 2
    assert "is not in a git repository" in capsys.readouterr().err


def test_diff_reads_revisions(project, capsys):
    import subprocess

    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *command], check=True)
    path = project / "specs" / "vae.yaml"
    path.write_text(path.read_text().replace("lr: 0.001", "lr: 0.01"))
    assert main(["diff", "HEAD:specs/vae.yaml", "specs/vae.yaml"]) == 0
    assert "checkpoint resumes" in capsys.readouterr().out
    assert main(["diff", "specs/vae.yaml"]) == 0
    assert "learning rate: 0.001 -> 0.01" in capsys.readouterr().out
    (project / "specs" / "new.yaml").write_text(path.read_text())
    assert main(["diff", "specs/new.yaml"]) == 2
    assert "is in no commit yet" in capsys.readouterr().err
    assert main(["diff", "specs"]) == 2
    assert main(["diff", "HEAD~7:specs/vae.yaml", "specs/vae.yaml"]) == 3
    assert main(["diff", "--", "-x:specs/vae.yaml", "specs/vae.yaml"]) == 3


def test_fmt(project, capsys):
    path = project / "specs" / "vae.yaml"
    tidy = path.read_text()
    path.write_text(tidy.replace("loc: 0,", "loc:  0 ,"))
    assert main(["fmt", "--check", "specs/vae.yaml"]) == 1
    assert main(["fmt", "specs/vae.yaml"]) == 0
    assert path.read_text() == tidy
    capsys.readouterr()
    assert main(["fmt", "--diff", "specs/vae.yaml"]) == 0
    assert capsys.readouterr().out == ""
