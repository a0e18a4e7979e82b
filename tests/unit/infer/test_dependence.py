"""d-separation against networkx, and on graphs where networkx does not finish."""

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.infer.dependence import open_path


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
    assert (open_path(graph, left, right, observed) is None) == expected


def test_explaining_away():
    graph = nx.DiGraph([("rain", "wet"), ("sprinkler", "wet"), ("wet", "slip")])
    assert open_path(graph, "rain", "sprinkler") is None
    assert open_path(graph, "rain", "sprinkler", {"wet"}) == ("rain", "wet", "sprinkler")
    assert open_path(graph, "rain", "sprinkler", {"slip"}) is not None
    assert open_path(graph, "rain", "slip", {"wet"}) is None


@pytest.mark.parametrize("size", [20_000])
def test_a_long_chain_is_one_walk(size):
    graph = nx.DiGraph((i, i + 1) for i in range(size))
    assert open_path(graph, 0, size) == tuple(range(size + 1))
    assert open_path(graph, 0, size, {size // 2}) is None
