"""Independence from the graph, against the joint of random tables."""

import itertools

import numpy as np
import pytest

from specc.infer.refusal import Refusal
from specc.infer.separation import random_graph, separate
from tests.unit.infer.networks import STUDENT, Made, typed


def dependence(joint, left, right, known):
    """How far P(l, r, k) is from P(l, k) P(r, k) / P(k), at most."""
    keep = [left, right, *known]
    summed = joint.sum(tuple(i for i in range(joint.ndim) if i not in keep), keepdims=True)
    both = summed.sum((left, right), keepdims=True)
    product = summed.sum(right, keepdims=True) * summed.sum(left, keepdims=True)
    return np.abs(summed * both - product).max()


@pytest.mark.parametrize("seed", range(12))
def test_separated_nodes_are_independent_and_others_are_not(seed):
    """Random tables have no independence that their graph does not have, but by accident."""
    made = Made(100 + seed, 6, most_parents=2)
    graph, joint = typed(made.text).graph, made.joint()
    for left, right in itertools.combinations(range(6), 2):
        rest = [i for i in range(6) if i not in (left, right)]
        for known in itertools.chain.from_iterable(
            itertools.combinations(rest, n) for n in (0, 1, 2)
        ):
            names = [made.names[i] for i in known]
            found = separate(graph, made.names[left], made.names[right], names)
            gap = dependence(joint, left, right, known)
            assert found.independent == (gap < 1e-14), (left, right, known, gap)
            if found.path:
                check_path(graph, found)


def check_path(graph, found):
    """The path joins the two along edges, and no node on it blocks it."""
    digraph, given = random_graph(graph), set(found.given)
    assert (found.path[0], found.path[-1]) == (found.left, found.right)
    assert len(set(found.path)) == len(found.path)
    for (a, b), arrow in zip(itertools.pairwise(found.path), found.arrows, strict=True):
        assert digraph.has_edge(*((a, b) if arrow == "->" else (b, a)))
    met = dict(found.meetings)
    for i, name in enumerate(found.path[1:-1]):
        if found.arrows[i : i + 2] == ("->", "<-"):
            held = met.pop(name)
            assert held in given and (held == name or held in reachable(digraph, name))
        else:
            assert name not in given
    assert not met


def reachable(digraph, name):
    import networkx as nx

    return nx.descendants(digraph, name)


@pytest.mark.parametrize(
    "left, right, given, path",
    [
        ("difficulty", "intelligence", [], ""),
        ("difficulty", "intelligence", ["grade"], "difficulty grade intelligence"),
        ("difficulty", "intelligence", ["letter"], "difficulty grade intelligence"),
        ("difficulty", "sat", ["letter", "intelligence"], ""),
        ("letter", "sat", [], "letter grade intelligence sat"),
        ("letter", "sat", ["grade"], ""),
    ],
)
def test_the_student_network(left, right, given, path):
    found = separate(typed(STUDENT).graph, left, right, given)
    assert " ".join(found.path) == path


def test_let_nodes_are_seen_through_and_data_is_given():
    text = """specc: 1
name: m
data: {source: csv, path: d.csv, fields: {w: {from: w}}}
model:
  w: {given: w}
  z: {latent: normal, loc: w, scale: 1}
  twice: {let: 2 * z}
  a: {latent: normal, loc: twice, scale: 1}
  b: {latent: normal, loc: twice + w, scale: 1}
  other: {latent: normal, loc: w, scale: 1}
objective: elbo
"""
    graph = typed(text).graph
    assert separate(graph, "a", "b", ["z"]).independent
    assert separate(graph, "a", "b", []).path == ("a", "z", "b")
    assert separate(graph, "z", "other", []).independent  # w is held fixed
    assert separate(graph, "w", "a", ["z"]).independent
    assert not separate(graph, "w", "a", []).independent


def test_parts_of_one_draw_depend_on_each_other_and_on_what_the_draw_depends_on():
    text = """specc: 1
name: m
data: {source: csv, path: d.csv, fields: {x: {from: x}}}
model:
  z: {latent: normal, loc: 0, scale: 1}
  o: {latent: normal, loc: 0, scale: 1}
  xu:
    joint: {x: observed, u: latent}
    distribution: normal
    loc: z
    scale: 1
    shapes: {x: [], u: []}
  y: {latent: normal, loc: u, scale: 1}
objective: elbo
"""
    graph = typed(text).graph
    assert separate(graph, "x", "u", []).path == ("x", "xu", "u")
    assert separate(graph, "x", "y", []).path == ("x", "xu", "u", "y")
    assert separate(graph, "x", "y", ["u"]).independent
    assert separate(graph, "z", "y", ["x"]).path == ("z", "xu", "u", "y")
    assert separate(graph, "o", "x", []).independent
    with pytest.raises(Refusal):
        separate(graph, "xu", "y", [])


@pytest.mark.parametrize(
    "left, right, given, code, marked",
    [
        ("sad", "grade", [], "E1002", "sad"),
        ("sat", "grades", [], "E1002", "grades"),
        ("sat", "sat", [], "E1004", "sat"),
        ("sat", "letter", ["grade", "sat"], "E1004", "sat"),
        ("sat", "letter", ["grade", "x"], "E1002", "x"),
    ],
)
def test_wrong_names_are_marked(left, right, given, code, marked):
    with pytest.raises(Refusal) as refused:
        separate(typed(STUDENT).graph, left, right, given)
    diagnostic = refused.value.diagnostic
    assert (diagnostic.code, diagnostic.span.text) == (code, marked)
