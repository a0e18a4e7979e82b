"""The types of nodes: which one a spec makes, and what each answers."""

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.graph import nodes, queries
from specc.language.expressions.tree import Name

SPEC = """specc: 1
name: t
data: {source: npz, path: a.npz, fields: {y: {from: y, shape: [4, 2]}, u: {from: u}, v: {from: v}}}
plates: {t: {scan: 4}, g: 3}
model:
  z: {latent: normal, loc: "a * z[t-1]", scale: 1, initial: 0, plate: t, shape: []}
  a: {parameter: unit_interval}
  u: {given: u}
  h: {let: "z + u"}
  y: {observed: normal, params: f(h), plate: t}
  w: {latent: normal, loc: 0, scale: 1, plate: g, shape: []}
  d:
    joint: {c: latent, v: observed}
    distribution: multivariate_normal
    shapes: {c: [1], v: [1]}
    loc: 0
    scale_tril: "eye(2)"
links: {f: linear}
"""


@pytest.fixture(scope="module")
def graph():
    checked = front(Source("t.yaml", SPEC), trained=False)
    assert [d for d in checked.diagnostics if d.code.startswith("E")] == []
    return checked.graph


TYPES = {
    "z": nodes.Latent,
    "z[t-1]": nodes.Lagged,
    "a": nodes.Parameter,
    "u": nodes.Given,
    "h": nodes.Deterministic,
    "y": nodes.Observed,
    "w": nodes.Latent,
    "d": nodes.Joint,
    "c": nodes.Part,
    "v": nodes.Part,
}


def test_each_role_is_a_type(graph):
    assert {name: type(node) for name, node in graph.model.nodes.items()} == TYPES


def test_nodes_with_a_density_have_a_distribution(graph):
    random = {name for name, node in graph.model.nodes.items() if node.is_random}
    assert random == {"z", "y", "w", "d"}
    assert all(isinstance(graph.model.nodes[n], nodes.Distributed) for n in random)
    values = [value for name in sorted(random) for value in graph.model.nodes[name].values]
    assert values == ["c", "v", "w", "y", "z"]


def test_what_a_type_lacks_it_answers_with_a_default(graph):
    defaults = [name for name in vars(nodes.Defaults) if not name.startswith("_")]
    for node in graph.model.nodes.values():
        fields = set(node.__struct_fields__)
        lacking = [n for n in defaults if n not in fields and n not in vars(type(node))]
        assert all(getattr(node, n) in (None, False, (), {}) for n in lacking), node.name


def test_data_are_observed_or_given(graph):
    assert {n for n, node in graph.model.nodes.items() if queries.is_data(node)} == {"u", "v", "y"}


def test_the_first_index_of_a_value_on_a_plate_is_its_element(graph):
    names = {name: Name(name, node.span) for name, node in graph.model.nodes.items()}
    assert {n for n, e in names.items() if queries.plate_node(graph, "model", e)} == {"w"}


def test_a_lagged_value_comes_after_its_node_in_time_alone(graph):
    assert not graph.model.digraph.has_edge("z", "z[t-1]")
    assert queries.with_lagged_edges(graph.model).has_edge("z", "z[t-1]")
    assert graph.model.nodes["z[t-1]"].shift == nodes.Shift("z", -1)


def test_an_unknown_distribution_is_a_type_of_its_own():
    text = SPEC.replace("w: {latent: normal", "w: {latent: abnormal")
    found = front(Source("t.yaml", text), trained=False)
    assert type(found.graph.model.nodes["w"]) is nodes.Unresolved
    assert [d.code for d in found.diagnostics if d.code.startswith("E")] == ["E0202"]
