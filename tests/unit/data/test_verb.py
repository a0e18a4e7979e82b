"""`specc data`: what a spec will read, as a user sees it."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from specc.cli.main import main
from tests.house.files import ROOT, run

SPEC = """\
specc: 1
name: tab
data:
  source: a.csv
  columns: {both: [age, height]}
  fields: {x: {from: both, shape: [2], standardize: true}, y: {from: y, shape: []}}
  split: {test: is_test}
model:
  x: {given: x}
  y: {observed: bernoulli, logits: net(x)}
links:
  net: {mlp: [4]}
objective: mle
"""
TABLE = "age,height,y,is_test\n30,1.5,1,0\n40,1.75,0,1\n50,2,1,0\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "m.yaml").write_text(SPEC)
    (tmp_path / "d" / "a.csv").write_text(TABLE)
    return tmp_path


def said(capsys, *arguments, code=0):
    capsys.readouterr()
    assert main(["data", "m.yaml", "--data-dir", "d", *arguments]) == code
    return capsys.readouterr()


def test_a_line_for_every_part_and_field(project, capsys):
    lines = said(capsys).out.splitlines()
    assert lines[0] == "source: csv"
    rows = [line.split() for line in lines[4:]]
    assert [row[:4] for row in rows] == [
        ["train", "x", "both", "2"],
        ["train", "y", "y", "2"],
        ["test", "x", "both", "1"],
        ["test", "y", "y", "1"],
    ]
    assert "1.5 to 50" in lines[4]
    assert lines[4].split()[-3:] == ["given", "standardize:", "true"]
    assert "bernoulli" in lines[5]


def test_the_answer_for_a_program(project, capsys):
    found = json.loads(said(capsys, "--json").out)
    assert found["findings"] == []
    assert found["parts"]["train"]["y"] == {
        "rows": 2,
        "shape": [],
        "kind": "int64",
        "dtype": "float32",
        "low": 1.0,
        "high": 1.0,
        "mean": 1.0,
        "missing": 0.0,
        "from": "y",
        "role": "observed",
        "distribution": "bernoulli",
        "transforms": {},
    }
    again = json.loads(said(capsys, "--json").out)
    assert again["digest"] == found["digest"]
    (project / "d" / "a.csv").write_text(TABLE.replace("2,1,0", "3,1,0"))
    assert json.loads(said(capsys, "--json").out)["digest"] != found["digest"]


def test_everything_that_does_not_fit_is_reported_beside_the_table(project, capsys):
    (project / "d" / "a.csv").write_text("age,height,y,is_test\n30,,7,0\n40,1.75,0,1\n")
    out = said(capsys, code=1).out
    assert "50%" in out
    assert "error[E0512]: `x`: row 2, column 1 (`height`) of a.csv is missing" in out
    assert "error[E0508]: `y`: row 2 of a.csv is 7, but a bernoulli node holds 0 or 1" in out
    found = json.loads(said(capsys, "--json", code=1).out)
    assert [f["code"] for f in found["findings"]] == ["E0512", "E0508"]
    assert found["findings"][0]["place"] == "m.yaml:6:12"


def test_a_constant_column_is_reported(project, capsys):
    (project / "d" / "a.csv").write_text(TABLE.replace("2,1,0", "1.5,1,0"))
    out = said(capsys, code=1).out
    assert "error[E0515]: `x`: column 1 (`height`) is 1.5 in every training row" in out


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", 2, "E0505"),
        ("age,height,y\n1,2,0\n", 2, "no boolean array `is_test`"),
        ("age,height,is_test\n1,2,0\n", 2, "has no `y`"),
    ],
)
def test_what_cannot_be_read_at_all(project, capsys, text, code, says):
    (project / "d" / "a.csv").write_text(text)
    assert says in said(capsys, code=code).err


def test_settings_and_wrong_specs(project, capsys):
    assert "train  x      both  3" in said(capsys, "--set", "data.split={}").out
    assert "E0102" in said(capsys, "--set", "data.spilt=3", code=2).err
    (project / "m.yaml").write_text(
        "specc: 1\nname: m\nmodel: {z: {latent: normal, loc: 0, scale: 1}}"
    )
    assert main(["data", "m.yaml"]) == 2


def test_the_picture(project, capsys):
    assert "picture: p.png" in said(capsys, "--out", "p.png").out
    assert (project / "p.png").read_bytes()[:4] == b"\x89PNG"
    json.loads(said(capsys, "--out", "p.png", "--json").out)
    assert "does not end in .png" in said(capsys, "--out", "p.jpg", code=2).err


EXACT = "evaluate:\n  own: {estimator: exact}\n"
HELD = "evaluate:\n  a: {estimator: exact}\n  b: {estimator: exact, data: held}\n"


def test_a_part_that_no_split_makes_is_found_when_checked(project, capsys):
    (project / "m.yaml").write_text(SPEC + HELD)
    assert main(["check", "m.yaml"]) == 1
    out = capsys.readouterr().out
    assert "m.yaml:16:31: error[E0509]: the split `held` cannot be made" in out
    assert "the metric `b` needs `held`, and no split makes that part" in out
    assert "write `split: {held: 0.1}` under `data:`; there are `test`, `train`" in out
    assert "m.yaml:16:31" in said(capsys, code=2).err
    assert main(["train", "m.yaml", "--data-dir", "d", "--out", "run"]) == 2


def test_a_part_that_a_figure_leaves_unsaid(project, capsys):
    """It is `test`, and the place is that of the figure."""
    (project / "m.yaml").write_text(SPEC.replace("{test: is_test}", "{held: is_test}") + EXACT)
    assert "m.yaml:15:3: error[E0509]: the split `test`" in said(capsys, code=2).err


def test_parts_that_only_the_file_can_bring(project, capsys):
    """An npz file may have a part of its own, so it is asked when it is read."""
    text = SPEC.replace("a.csv", "a.npz").replace("  columns: {both: [age, height]}\n", "")
    text = text.replace("  split: {test: is_test}\n", "").replace("from: both", "from: x")
    (project / "m.yaml").write_text(text.replace("standardize: true", "scale: 2") + HELD)
    arrays = {"train_x": np.ones((3, 2)), "train_y": np.ones(3)}
    arrays |= {"test_x": np.ones((3, 2)), "test_y": np.ones(3)}
    np.savez(project / "d" / "a.npz", **arrays)
    told = said(capsys, code=1).out
    assert "error[E0509]: the data has no part `held`: the metric `b` needs `held`" in told
    assert "it has train, test; `split: {held: 0.1}` under `data:` makes one" in told
    found = json.loads(said(capsys, "--json", code=1).out)["findings"]
    assert [f["code"] for f in found] == ["E0509"]
    np.savez(project / "d" / "a.npz", held_x=np.ones((3, 2)), held_y=np.ones(3), **arrays)
    assert main(["check", "m.yaml"]) == 0


@pytest.mark.parametrize(
    "train, by",
    [
        ("early_stopping: {patience: 2}", "`early_stopping`"),
        ("validate_every: 2", "`validate_every`"),
        ("schedule: {plateau: {}}", "`schedule: plateau`"),
    ],
)
def test_a_part_that_training_looks_at(project, capsys, train, by):
    (project / "m.yaml").write_text(f"{SPEC}train: {{{train}}}\n")
    told = said(capsys, code=2).err
    assert f"error[E0509]: the split `valid` cannot be made: {by} needs `valid`" in told
    assert "m.yaml:14:9" in told


def test_a_picture_that_cannot_be_written(project, capsys):
    assert "p.png" in said(capsys, "--out", "no/p.png", code=3).err


def test_no_data_folder(project, capsys):
    assert main(["data", "m.yaml"]) == 2
    assert "--data-dir" in capsys.readouterr().err


def test_it_needs_no_torch(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", x=rng.random((50, 4)), y=rng.integers(0, 2, 50))
    (tmp_path / "m.yaml").write_text(
        SPEC.replace("a.csv", "a.npz")
        .replace("  columns: {both: [age, height]}\n", "")
        .replace("from: both, shape: [2]", "from: x, shape: [4]")
        .replace("is_test", "0.2")
    )
    code = (
        "import sys\nfrom specc.cli.main import main\n"
        f"assert main(['data', {str(tmp_path / 'm.yaml')!r}, '--data-dir', {str(tmp_path)!r}, "
        f"'--out', {str(tmp_path / 'p.png')!r}]) == 0\n"
        "assert 'torch' not in sys.modules"
    )
    done = run(sys.executable, "-c", code, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_files_beside_the_spec_need_no_folder(project, capsys):
    (project / "a.csv").write_text(TABLE)
    capsys.readouterr()
    assert main(["data", "m.yaml"]) == 0
    assert "1.5 to 50" in capsys.readouterr().out
    (project / "a.csv").unlink()
    (project / "m.yaml").write_text(SPEC.replace("data:", "doc: Rows of the clinic.\ndata:", 1))
    assert main(["data", "m.yaml"]) == 2
    err = capsys.readouterr().err
    assert "`--data-dir` names another" in err
    assert "the `doc` of the spec: Rows of the clinic." in err


def test_a_wrong_spec_still_shows_what_its_files_hold(project, capsys):
    """The shape of pictures is known from their files alone, and what is wrong may be that."""
    from PIL import Image

    (project / "p").mkdir()
    Image.new("L", (4, 3)).save(project / "p" / "a.png")
    (project / "m.yaml").write_text(
        "specc: 1\nname: p\n"
        "data: {source: images, path: p, fields: {x: {from: image}}}\n"
        "model:\n"
        "  z: {latent: normal, loc: 0, scale: 1, shape: [2]}\n"
        "  x: {observed: bernoulli, logits: dec(z)}\n"
        "guide:\n"
        "  z: {latent: normal, params: enc(x)}\n"
        "links: {dec: {mlp: [4]}, enc: {conv: [4]}}\n"
        "objective: elbo\n"
    )
    capsys.readouterr()
    assert main(["data", "m.yaml"]) == 2
    err = capsys.readouterr().err
    assert "E0612" in err
    assert "x: {from: image, shape: [12]}" in err
