"""`specc query` as a user calls it: on specs, on runs, and with questions that have no answer."""

import itertools
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from specc.run import open_run
from tests.house.test_walls import modules_after
from tests.unit.cli.running import run
from tests.unit.diagnostics.pages import PAGES
from tests.unit.infer.networks import STUDENT

ROOT = Path(__file__).parents[3]
GRADES = np.array([[[0.3, 0.4, 0.3], [0.05, 0.25, 0.7]], [[0.9, 0.08, 0.02], [0.5, 0.3, 0.2]]])
SCORES = np.array([[0.95, 0.05], [0.2, 0.8]])
LETTERS = np.array([[0.1, 0.9], [0.4, 0.6], [0.99, 0.01]])


@pytest.fixture
def student(tmp_path, monkeypatch):
    (tmp_path / "student.yaml").write_text(STUDENT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return "student.yaml"


def test_a_number_and_a_table(student, capsys):
    found = run(capsys, "query", student, "P(letter=1)")
    assert (found.code, found.out.splitlines()[0]) == (0, "P(letter=1) = 0.502336")
    found = run(capsys, "query", student, "P(grade | intelligence=1, difficulty=0)")
    assert found.out.splitlines()[2:6] == [
        "grade  probability",
        "    0  0.9",
        "    1  0.08",
        "    2  0.02",
    ]


def test_json(student, capsys):
    found = run(capsys, "query", student, "P(sat, letter | grade=2)", "--json")
    answer = json.loads(found.out)
    assert answer["variables"] == ["sat", "letter"] and answer["known"] == {"grade": 2}
    assert np.shape(answer["probabilities"]) == (2, 2)
    assert np.sum(answer["probabilities"]) == pytest.approx(1)
    assert answer["log_probability_of_known"] == pytest.approx(np.log(0.3496))
    found = run(capsys, "query", student, "P(sat=1)", "--json")
    assert json.loads(found.out)["probabilities"] == pytest.approx(0.275)
    words = ["--independent", "sat", "difficulty", "--given", "letter", "--json"]
    answer = json.loads(run(capsys, "query", student, *words).out)
    assert answer["path"] == ["sat", "intelligence", "grade", "difficulty"]
    assert answer["arrows"] == ["<-", "->", "<-"] and answer["independent"] is False


def test_both_answers_about_independence_end_with_0(student, capsys):
    words = ["query", student, "--independent", "letter", "sat", "--given", "difficulty"]
    no = run(capsys, *words)
    assert no.code == 0 and no.out.startswith("no: letter and sat can depend on each other")
    assert "letter <- grade <- intelligence -> sat" in no.out
    yes = run(capsys, *words, "grade")
    assert (yes.code, yes.out[:36]) == (0, "yes: letter and sat are independent ")


def test_independence_in_a_model_with_links_and_continuous_nodes(capsys):
    found = run(
        capsys,
        "query",
        ROOT / "specs/hierarchical_vae.yaml",
        "--independent",
        "z2",
        "x",
        "--given",
        "z1",
    )
    assert found.code == 0 and found.out.startswith("yes")


@pytest.mark.parametrize(
    "words, message",
    [
        (["P(grad)"], "did you mean `grade`?"),
        (["P(grade | sat=2)"], "classes are counted from 0"),
        (["P(grade"], "not a query about"),
        ([], "one question is needed"),
        (["P(sat)", "P(letter)"], "one question is needed"),
        (["P(sat)", "--given", "grade"], "one question is needed"),
        (["--independent", "sat", "letter", "grade"], "`grade` is not expected here"),
        (["--independent", "sat", "leter"], "did you mean `letter`?"),
        (["P(sat)", "--set", "constants.scores=[[1, 1], [0, 1]]"], "E0343"),
    ],
)
def test_what_has_no_answer_ends_with_2_and_a_reason(student, capsys, words, message):
    found = run(capsys, "query", student, *words)
    assert found.code == 2 and found.out == ""
    assert message in found.err and "Traceback" not in found.err


def test_a_setting_changes_a_table(student, capsys):
    words = ["P(sat=1)", "--set", "constants.scores=[[0.5, 0.5], [0.5, 0.5]]"]
    assert "= 0.5\n" in run(capsys, "query", student, *words).out


def test_impossible_evidence(student, capsys):
    text = STUDENT.replace("[0.95, 0.05]", "[1, 0]").replace("[0.2, 0.8]", "[1, 0]")
    Path(student).write_text(text, encoding="utf-8")
    found = run(capsys, "query", student, "P(letter | sat=1, grade=0)")
    assert found.code == 2 and "E1005" in found.err and "has probability 0" in found.err


def test_a_spec_is_answered_without_torch(student):
    path = str(Path(student).resolve())
    arguments = ["query", path, "P(letter=1 | sat=0)"]
    assert not modules_after(*arguments) & {"torch", "matplotlib", "sklearn", "safetensors"}
    alone = ["query", path, "--independent", "sat", "letter"]
    assert "torch" not in modules_after(*alone)


def students(rows, rng):
    """Rows of the textbook's network, as a table with a header."""

    def drawn(table):
        return (rng.random(rows)[:, None] > table.cumsum(-1)).sum(-1).clip(max=table.shape[-1] - 1)

    difficulty, intelligence = (rng.random(rows) < p for p in (0.4, 0.3))
    difficulty, intelligence = difficulty.astype(int), intelligence.astype(int)
    grade = drawn(GRADES[intelligence, difficulty])
    return np.stack([difficulty, grade, drawn(SCORES[intelligence]), drawn(LETTERS[grade])], 1)


def test_a_run_answers_with_its_learned_tables(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "specs" / "student.yaml", tmp_path)
    rows = students(8000, np.random.default_rng(0))
    header = "difficulty,grade,sat,letter"
    np.savetxt("students.csv", rows, fmt="%d", delimiter=",", header=header, comments="")
    train = ["train", "student.yaml", "--out", "r", "--quiet", "--threads", "1"]
    assert run(capsys, *train, "--data-dir", ".", "--set", "train.epochs=40").code == 0
    assert run(capsys, "sample", "r", "--data-dir", ".", "--rows", "5").code == 0
    questions = [
        f"P(grade={g} | letter={v}, sat={s})" for g in range(3) for v in (0, 1) for s in (0, 1)
    ]
    joint = whole_joint(open_run("r", device="cpu").program.model)
    for question, (g, v, s) in zip(
        questions, itertools.product(range(3), (0, 1), (0, 1)), strict=True
    ):
        answer = json.loads(run(capsys, "query", "r", question, "--json").out)
        known = joint[:, :, :, s, v]
        expected = known[:, :, g].sum() / known.sum()
        assert answer["probabilities"] == pytest.approx(expected, abs=1e-6)
    answer = json.loads(
        run(capsys, "query", "r", "P(grade | intelligence=1, difficulty=1)", "--json").out
    )
    assert np.abs(np.array(answer["probabilities"]) - GRADES[1, 1]).max() < 0.08
    found = run(capsys, "query", "student.yaml", "P(grade)")
    assert found.code == 2 and "train the spec, and query the run" in found.err
    assert run(capsys, "query", "r", "--independent", "sat", "letter").code == 0
    assert run(capsys, "query", "r", "P(sat)", "--set", "levels=2").code == 2


def whole_joint(model):
    """Every probability that the generated code gives, over the nodes in the order of the spec."""
    sizes = (2, 2, 3, 2, 2)
    joint = np.zeros(sizes)
    names = ("difficulty", "intelligence", "grade", "sat", "letter")
    with torch.no_grad():
        for values in itertools.product(*map(range, sizes)):
            row = {name: torch.tensor([value]) for name, value in zip(names, values, strict=True)}
            joint[values] = model.log_joint(**row).double().exp().item()
    return joint


SHOWN = re.compile(r'`specc query SPEC "([^"]*)"` gives:\n\n```text\n(.*?)```', re.DOTALL)


def test_the_pages_show_what_is_printed(student, capsys):
    pages = [path.read_text(encoding="utf-8") for path in PAGES.glob("E10*.md")]
    found = [case for page in pages for case in SHOWN.findall(page)]
    assert len(pages) == 8 and len(found) == 4
    for question, printed in found:
        assert run(capsys, "query", student, question).err == printed
