"""An order of vertices that no renaming and no order of the arguments changes."""

import math
import random

from hypothesis import example, given
from hypothesis import strategies as st

from specc.codegen import canonical
from specc.codegen.canonical import canonical_order


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 8))
    labels = draw(st.lists(st.sampled_from("ab"), min_size=count, max_size=count))
    edges = draw(
        st.lists(
            st.tuples(
                st.integers(0, count - 1), st.sampled_from("xy"), st.integers(0, count - 1)
            ).filter(lambda edge: edge[0] > edge[2]),
            max_size=12,
        )
        if count > 1
        else st.just([])
    )
    return labels, edges


def form(labels, edges):
    """The graph with the place in the order for a name."""
    order = canonical_order(labels, edges)
    assert sorted(order) == sorted(labels)
    place = {vertex: number for number, vertex in enumerate(order)}
    return [labels[v] for v in order], sorted((place[a], b, place[c]) for a, b, c in edges)


def mixed(labels, edges, seed):
    """The same graph with other names, told in another order."""
    chance = random.Random(seed)
    names = [f"v{i}" for i in range(len(labels))]
    chance.shuffle(names)
    items = [(names[i], label) for i, label in enumerate(labels)]
    others = [(names[a], b, names[c]) for a, b, c in edges]
    chance.shuffle(items)
    chance.shuffle(others)
    return dict(items), others


# Two parts that mirror each other, joined below: a choice in one pair decides the next.
MIRROR = (["a"] * 6, [(4, "x", 0), (4, "y", 2), (5, "x", 1), (5, "y", 3)])


@given(graphs(), st.integers(0, 99))
@example(MIRROR, 1)
@example(MIRROR, 2)
@example((["a"] * 4, [(2, "x", 0), (3, "x", 1)]), 3)
def test_names_and_order_change_nothing(graph, seed):
    labels, edges = graph
    assert form(dict(enumerate(labels)), edges) == form(*mixed(labels, edges, seed))


def test_another_graph_has_another_form():
    """`v` uses what its own `u` uses, or what the other does: only the sharing tells them apart."""
    labels = dict.fromkeys(range(6), "a")
    used = [(2, "x", 0), (3, "x", 1), (4, "u", 2), (5, "u", 3)]
    straight = form(labels, [*used, (4, "v", 0), (5, "v", 1)])
    crossed = form(labels, [*used, (4, "v", 1), (5, "v", 0)])
    assert straight != crossed


def test_the_work_grows_as_the_theory_says(monkeypatch):
    """Edges looked at, for 2,000 vertices: at most 4 (n + m) log n, in a chain and in twins."""
    size = 2_000
    looked: list[int] = []
    compare = canonical._Partition._compare_by

    def counted(self, cell):
        looked.append(sum(len(self.joined[v]) for v in self.cells[cell]))
        compare(self, cell)

    monkeypatch.setattr(canonical._Partition, "_compare_by", counted)
    chain = [(i + 1, "x", i) for i in range(size - 1)]
    twins = [(2 * i + 1, "x", 2 * i) for i in range(size // 2)]
    for edges in (chain, twins):
        looked.clear()
        canonical_order(dict.fromkeys(range(size), "a"), edges)
        assert sum(looked) <= 4 * (size + len(edges)) * math.log2(size)
