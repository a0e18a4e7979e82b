"""The training rows that `subset` chooses."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specc
from specc.cli.main import main
from specc.compiler import compile
from specc.data.subset import chosen
from specc.data.table import Column
from specc.diagnostics.source import Source
from specc.runtime.failure import RunFailure
from specc.runtime.noise import Noise

LABELS = np.array([0, 1, 1, 0, 2, 2, 1, 0, 2, 1], np.uint8)
PART = {"x": Column(np.arange(10.0)), "y": Column(LABELS)}


def rows(**options):
    """The numbers of the chosen rows; all columns are of the same rows."""
    found = chosen(PART, options)
    index = found["x"].raw.astype(int)
    assert (found["y"].raw == LABELS[index]).all()
    return index.tolist()


def test_every_class_has_the_same_number_of_rows():
    for seed in range(20):
        index = rows(rows=6, per_class="y", seed=seed)
        assert sorted(LABELS[index]) == [0, 0, 1, 1, 2, 2]
        assert index == sorted(index)


def test_the_choice_depends_on_its_seed_alone():
    assert rows(rows=4, seed=3) == rows(rows=4, seed=3)
    assert len({tuple(rows(rows=4, seed=seed)) for seed in range(20)}) > 10


def test_every_row_is_chosen_equally_often():
    """Of 2,000 choices of four of ten rows; the limit is exceeded by chance once in 10,000."""
    counts = np.bincount([r for s in range(2000) for r in rows(rows=4, seed=s)], minlength=10)
    expected, variance = 2000 * 0.4, 2000 * 0.4 * 0.6
    assert ((counts - expected) ** 2 / variance * 0.9).sum() < 33.7


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"rows": 11}, "it needs 11 rows, and 10 are left"),
        ({"rows": 5, "per_class": "y"}, "cannot be divided evenly among 3 classes"),
        ({"rows": 12, "per_class": "y"}, "it needs 12 rows"),
        ({"rows": 9, "per_class": "y"}, ""),
        ({"rows": 6, "per_class": "z"}, "no node uses the field `z`"),
    ],
)
def test_a_choice_that_cannot_be_made(options, reason):
    if not reason:
        assert len(rows(**options)) == 9
        return
    with pytest.raises(RunFailure) as found:
        rows(**options)
    assert found.value.code == "E0522"
    assert reason in found.value.message


def test_a_class_with_too_few_rows():
    part = {"y": Column(np.array([0, 0, 0, 1], np.uint8))}
    with pytest.raises(RunFailure, match="a class has fewer than 2 rows"):
        chosen(part, {"rows": 4, "per_class": "y"})


SPEC = """\
specc: 1
name: few
data:
  source: toy
  density: moons
  rows: 100
  fields: {x: {from: x}, label: {from: label}}
  split: {test: {rows: 50, seed: 1}}
  subset: {rows: 6, per_class: label, seed: 1}
model:
  x: {given: x}
  y: {observed: categorical, logits: net(x), classes: 2, from: label}
links: {net: linear}
objective: mle
train: {steps: 1}
"""


def test_training_rows_alone_are_chosen(tmp_path):
    spec = tmp_path / "few.yaml"
    spec.write_text(SPEC)
    run = specc.load(str(spec)).train(tmp_path / "run")
    assert {name: len(run.loaded.rows(name)) for name in ("train", "test")} == {
        "train": 6,
        "test": 50,
    }
    labels = run.loaded.rows("train").batch(slice(0, 6), Noise.at(0, 1))["y"]
    assert sorted(labels.tolist()) == [0, 0, 0, 1, 1, 1]


def test_another_subset_is_another_run_and_none_changes_no_digest(tmp_path):
    """Runs of specs without the key are those of earlier versions."""
    every, few = SPEC.replace("  subset: {rows: 6, per_class: label, seed: 1}\n", ""), SPEC
    other = SPEC.replace("seed: 1}\nmodel", "seed: 2}\nmodel")
    fixed = []
    for text in (every, few, other):
        result, _ = compile(Source("few.yaml", text))
        fixed.append(json.loads(result.files["manifest.json"])["fixed"])
    assert "data.subset" not in fixed[0]
    assert [own["data.subset"]["seed"] for own in fixed[1:]] == [1, 2]
    spec, run = tmp_path / "few.yaml", tmp_path / "run"
    spec.write_text(few)
    specc.load(str(spec)).train(run)
    spec.write_text(other)
    assert main(["train", str(spec), "--out", str(run), "--resume", "--quiet"]) == 2
