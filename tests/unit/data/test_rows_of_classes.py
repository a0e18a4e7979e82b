"""The rows of a stage, by their classes."""

from __future__ import annotations

import json

import pytest
import torch

from specc.compiler import compile
from specc.data.load import load
from specc.data.rows_of_classes import rows_of_classes
from specc.diagnostics.source import Source
from specc.engine.order.row_order import row_order
from specc.runtime.failure import RunFailure
from specc.runtime.fields import parse_data
from specc.runtime.json_object import JsonObject
from specc.runtime.noise import Noise

SPEC = """\
specc: 1
name: tasks
data: {source: digits, fields: {x: {from: image}, y: {from: label}}, split: {test: 0.2}}
model:
  x: {given: x}
  y: {observed: categorical, logits: classifier(x), classes: 10, missing: integrate}
links: {classifier: linear}
objective: mle
"""
NOISE = Noise.at(0)


def part(text):
    result, checked = compile(Source("tasks.yaml", text))
    assert result is not None, checked.diagnostics
    manifest = json.loads(result.files["manifest.json"])
    return load(parse_data(JsonObject(manifest["data"], "manifest"), ""), None).parts["train"]


@pytest.fixture(scope="module")
def rows():
    return part(SPEC.replace(", missing: integrate", ""))


def labels(rows, index):
    return rows.batch(index, NOISE)["y"]


def test_it_has_the_rows_of_these_classes_and_no_others(rows):
    every = labels(rows, slice(0, len(rows)))
    chosen = rows_of_classes(rows, {"y": (7, 2)}, "")
    assert len(chosen) == int(((every == 2) | (every == 7)).sum()) < len(rows) == chosen.count
    for index in (row_order(0, 3, chosen, torch.device("cpu")), chosen.example(40, "cpu")):
        assert set(labels(chosen, index).tolist()) == {2, 7}
    order = row_order(0, 3, chosen, torch.device("cpu"))
    assert len(order) == len(set(order.tolist())) == len(chosen)


def test_a_row_keeps_its_number(rows):
    chosen = rows_of_classes(rows, {"y": (4,)}, "")
    order = row_order(0, 0, chosen, torch.device("cpu"))
    assert torch.equal(chosen.batch(order, NOISE)["x"], rows.batch(order, NOISE)["x"])
    assert int(order.max()) >= len(chosen)


def test_slices_and_chunks_have_all_of_them_in_order(rows):
    chosen = rows_of_classes(rows, {"y": (1, 3)}, "")
    slices = list(chosen.slices(50))
    assert sum(weight for *_, weight in slices) == pytest.approx(1)
    found = torch.cat([labels(chosen, index) for _, index, _ in slices])
    assert torch.equal(found, torch.cat([each["y"] for each in chosen.chunks(64, NOISE)]))
    assert len(found) == len(chosen) and set(found.tolist()) == {1, 3}


def test_a_field_of_another_source_chooses_nothing(rows):
    assert rows_of_classes(rows, {"other": (1,)}, "") is rows


def test_a_missing_value_is_of_no_class():
    text = SPEC.replace("from: label", "from: label, hide: {keep: 100, per_class: true}, repeat: 3")
    rows = part(text)
    chosen = rows_of_classes(rows, {"y": (1, 3)}, "")
    assert len(chosen) == 20
    assert set(labels(chosen, row_order(0, 0, chosen, torch.device("cpu"))).tolist()) == {1, 3}


def test_a_stage_without_rows_is_refused(rows):
    with pytest.raises(RunFailure) as found:
        rows_of_classes(rows, {"y": (11,)}, "stage 2 of 2, last")
    assert found.value.code == "E0530"
    assert "the part `train` has no rows for `stage 2 of 2, last`" in str(found.value)
