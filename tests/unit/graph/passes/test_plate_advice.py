"""What is advised where plates differ does not lead to the same finding again."""

import pytest

from specc.compiler import front
from specc.diagnostics.report import help_text
from specc.diagnostics.source import Source

SPEC = """specc: 1
name: t
plates: {g: 10, h: 3}
data: {source: digits, fields: {x: {from: image, dtype: float32}, y: {from: label}}}
model:
  y: {given: y, plate_index: g}
  u: {parameter: real, plate: g}
  NODE
  x: {observed: normal, loc: "b + u[y]", scale: 1}
  b: {parameter: real}
objective: map
"""


def codes(node, spec=SPEC):
    found = front(Source("m.yaml", spec.replace("NODE", node))).diagnostics
    return {each.code: help_text(each) for each in found}


@pytest.mark.parametrize(
    "wrong, advice, right",
    [
        # A node of the rows has an index.
        (
            'v: {let: "one_hot(y, 3) + u"}',
            "write `u[y]`, in quotes inside { }",
            'v: {let: "b + u[y]"}',
        ),
        # A global node can have the plate.
        (
            "v: {latent: normal, loc: u, scale: 1, global: true}",
            "write `plate: g` on `v` in place of `global: true`, to have a value for each",
            "v: {latent: normal, loc: u, scale: 1, plate: g}",
        ),
        # An index of data has a value for each row, and so leads to the same finding there.
        (
            "v: {latent: normal, loc: u, scale: 1, plate: h}",
            "use both in a node of the data rows, each with an index, as in `u[...]`",
            "v: {latent: normal, loc: 0, scale: 1, plate: h}",
        ),
    ],
)
def test_the_advice_fits_what_repeats_the_node(wrong, advice, right):
    assert codes(wrong)["E0311"] == advice
    assert "E0311" not in codes(right)


def test_an_index_by_data_does_not_help_a_node_on_a_plate():
    assert "E0311" in codes('v: {latent: normal, loc: "u[y]", scale: 1, plate: h}')


def test_a_new_plate_is_an_entry_of_those_that_stand():
    assert codes("v: {parameter: real, plate: k}")["E0211"] == (
        "declare it under `plates:`, as `k: 100`"
    )
    bare = SPEC.replace("plates: {g: 10, h: 3}\n", "").replace(", plate_index: g", "")
    advice = codes("", bare.replace('"b + u[y]"', "b"))["E0211"]
    assert advice == "declare it: `plates: {g: 100}`"
