"""Values that another field of their row bounds."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import specc
from specc.codegen.manifest import manifest
from specc.data.read import failures, tables_of
from specc.runtime.fields import Data
from specc.runtime.manifest import parse
from tests.unit.data.files import write_npz

MULTINOMIAL = """
specc: 1
name: counts
data:
  source: npz
  path: a.npz
  fields: {x: {from: x, shape: [3]}, n: {from: n, shape: []}}
model:
  n: {given: n}
  p: {parameter: simplex, shape: [3]}
  x: {observed: multinomial, total_count: n, probs: p}
objective: mle
"""


def data_of(folder, text):
    (folder / "a.yaml").write_text(text)
    return data_of_model(specc.load(folder / "a.yaml"))


def data_of_model(model):
    """The data of a spec as its manifest has them."""
    found = parse(json.loads(json.dumps(manifest(model._plan)))).data
    assert isinstance(found, Data)
    return found


def wrong(folder, text, **arrays):
    write_npz(folder / "a.npz", **arrays)
    data = data_of(folder, text)
    return [str(failure) for failure in failures(tables_of(data, folder), data)]


X = [[1, 2, 3], [0, 0, 5], [2, 2, 2]]


def test_counts_add_up_to_the_total_of_their_row(tmp_path):
    assert wrong(tmp_path, MULTINOMIAL, x=X, n=[6, 5, 6]) == []
    (message,) = wrong(tmp_path, MULTINOMIAL, x=X, n=[6, 4, 6])
    assert "`x`: row 1 of a.npz adds up to 5, but `total_count` (`n` of the row) is 4" in message
    assert "a.yaml:7:12: " in message


def test_a_total_that_the_spec_has(tmp_path):
    text = MULTINOMIAL.replace(", n: {from: n, shape: []}", "").replace("  n: {given: n}\n", "")
    text = text.replace("total_count: n", "total_count: 6")
    (message,) = wrong(tmp_path, text, x=X)
    assert "row 1 of a.npz adds up to 5, but `total_count` is 6" in message
    constant = text.replace("count: 6", "count: N").replace("data:", "constants: {N: 5}\ndata:")
    (message,) = wrong(tmp_path, constant, x=X)
    assert "row 0 of a.npz adds up to 6, but `total_count` is 5" in message


SCALAR = MULTINOMIAL.replace("x: {from: x, shape: [3]}", "x: {from: x, shape: []}")


@pytest.mark.parametrize(
    ("node", "n", "says"),
    [
        (
            "binomial, total_count: n, logits: b",
            [3, 0, 3],
            "row 2 of a.npz is 4, but `total_count`",
        ),
        ("uniform, low: n, high: n + exp(b)", [3, 2, 3], "row 1 of a.npz is 0, but `low`"),
        ("uniform, low: n - exp(b), high: n", [3, 0, 3], "row 2 of a.npz is 4, but `high`"),
    ],
)
def test_limits_of_one_number(tmp_path, node, n, says):
    text = SCALAR.replace("multinomial, total_count: n, probs: p", node)
    text = text.replace("p: {parameter: simplex, shape: [3]}", "b: {parameter: real, shape: []}")
    (message,) = wrong(tmp_path, text, x=[3, 0, 4], n=n)
    assert says in message


def test_entries_of_a_vector_have_one_limit_or_their_own(tmp_path):
    text = MULTINOMIAL.replace("multinomial", "binomial").replace("simplex", "unit_interval")
    (message,) = wrong(tmp_path, text, x=X, n=[3, 5, 1])
    assert "row 2, column 0 of a.npz is 2" in message
    text = text.replace("n: {from: n, shape: []}", "n: {from: n, shape: [3]}")
    assert wrong(tmp_path, text, x=X, n=X) == []
    (message,) = wrong(tmp_path, text, x=X, n=[[1, 2, 3], [0, 0, 4], [2, 2, 2]])
    assert "row 1, column 2 of a.npz is 5" in message


def test_rows_of_many_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("specc.data.table.CHUNK", 48)
    (message,) = wrong(tmp_path, MULTINOMIAL, x=X * 5, n=[6, 5, 6] * 4 + [6, 5, 7])
    assert "row 14 of a.npz adds up to 6" in message


def test_what_the_model_sees_otherwise_is_not_compared(tmp_path):
    write_npz(tmp_path / "a.npz", x=X, n=[1, 2, 4])
    data = data_of(tmp_path, MULTINOMIAL)
    fields = {**data.fields, "n": replace(data.fields["n"], standardize=True)}
    data = replace(data, fields=fields)
    assert list(failures(tables_of(data, tmp_path), data)) == []
