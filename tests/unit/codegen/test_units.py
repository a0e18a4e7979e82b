"""Specs with an energy whose derivation or generated code was once wrong."""

import pytest

from specc.compiler import compile
from specc.diagnostics.source import Source

SPEC = """specc: 1
name: machine
data:
  source: csv
  path: rows.csv
  fields: {{v: {{from: x, shape: [6]}}, g: {{from: y, shape: [2, 2]}}}}
model:
  w: {{parameter: real, shape: [6, 4]}}
  b: {{parameter: real, shape: [4]}}
  v: {{observed: bernoulli}}
{nodes}
objective: {{cd: {{}}}}
"""


def compiled(*nodes):
    text = SPEC.format(nodes="\n".join(f"  {node}" for node in nodes))
    return compile(Source("spec.yaml", text))


def test_a_map_of_vectors_is_summed_out():
    result, checked = compiled(
        "c: {parameter: real, shape: [2, 2]}",
        "h: {latent: one_hot_categorical, shape: [2, 2]}",
        'energy: "-sum(v) * sum(c * h)"',
    )
    assert result is not None, checked.diagnostics
    assert "def free_energy(self, v: Tensor" in result.files["model.py"]


def test_latent_nodes_may_be_independent_of_the_data():
    result, checked = compiled(
        "h: {latent: one_hot_categorical, shape: [2, 2]}",
        "c: {parameter: real, shape: [2, 2]}",
        'energy: "-sum(v) - sum(c * h)"',
    )
    assert result is not None, checked.diagnostics
    assert "def free_energy(self, v: Tensor" in result.files["model.py"]


def test_a_pooled_value_has_its_axes():
    result, checked = compiled(
        "g: {given: g}", 'energy: "-sum(average_pool(g, 2)) * sum(v) - sum(w[0]) * sum(v)"'
    )
    assert result is not None, checked.diagnostics


@pytest.mark.parametrize(
    ("nodes", "code"),
    [
        (('s: {let: "v ** s"}', 'energy: "-sum(s)"'), "E0221"),
        (('energy: "-sum(average_pool(v)) - sum(v)"',), "E0232"),
    ],
    ids=["a power of itself", "a function without its size"],
)
def test_what_is_wrong_elsewhere_is_reported_there(nodes, code):
    result, checked = compiled(*nodes)
    assert result is None
    assert code in {d.code for d in checked.diagnostics}
