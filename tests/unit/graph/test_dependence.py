"""d-separation against networkx's own, and on graphs where that does not finish."""

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.graph.passes.dependence import d_connected, d_separated


@st.composite
def dags(draw):
    size = draw(st.integers(2, 7))
    names = [f"n{i}" for i in range(size)]
    graph = nx.DiGraph()
    graph.add_nodes_from(names)
    for b in range(size):
        for a in range(b):
            if draw(st.booleans()):
                graph.add_edge(names[a], names[b])
    left, right = draw(st.permutations(names))[:2]
    rest = [n for n in names if n not in (left, right)]
    observed = draw(st.sets(st.sampled_from(rest))) if rest else set()
    return graph, left, right, observed


@given(dags())
@settings(max_examples=300, deadline=None)
def test_it_agrees_with_networkx(case):
    graph, left, right, observed = case
    expected = nx.is_d_separator(graph, {left}, {right}, observed)
    assert d_separated(graph, left, right, observed) == expected


def test_explaining_away():
    graph = nx.DiGraph([("rain", "wet"), ("sprinkler", "wet"), ("wet", "slip")])
    assert d_separated(graph, "rain", "sprinkler")
    assert not d_separated(graph, "rain", "sprinkler", {"wet"})
    assert not d_separated(graph, "rain", "sprinkler", {"slip"})
    assert d_separated(graph, "rain", "slip", {"wet"})


@pytest.mark.parametrize("size", [20_000])
def test_a_long_chain_is_one_walk(size):
    graph = nx.DiGraph((i, i + 1) for i in range(size))
    assert len(d_connected(graph, 0, ())) == size + 1
    assert size not in d_connected(graph, 0, {size // 2})
