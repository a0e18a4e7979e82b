"""Operations in place are replaced where no other value has the memory, and kept otherwise."""

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from specc.engine.compile.functional import is_mutable, made_functional, recorded

X = torch.linspace(0.5, 2.0, 4, dtype=torch.float64)


def chained(x):
    total = (x * 2).sub_(x).log_()
    return total.add_(x.square()).mul_(total + 1)


def of_a_value_used_before(x):
    total = x * 2
    before = total + 1
    total.add_(x)
    return before * total.exp()


def after_a_view(x):
    total = x * 2
    half = total[:2]
    total.add_(1)
    return half.sum() + total


def of_a_view(x):
    total = x * 2
    total[:2].add_(1)
    return total


def of_the_input(x):
    return x.add_(1)


@pytest.mark.parametrize("function", [chained, of_a_value_used_before])
def test_alone_in_memory(function):
    graph = make_fx(lambda x: function(x))(X)
    assert made_functional(graph.graph)
    assert not any(is_mutable(node) for node in graph.graph.nodes)
    graph.recompile()
    assert torch.equal(graph(X * 1.5), function(X * 1.5))


@pytest.mark.parametrize("function", [after_a_view, of_a_view, of_the_input])
def test_other_values_have_the_memory(function):
    graph = make_fx(lambda x: function(x))(X.clone())
    before = str(graph.graph)
    assert not made_functional(graph.graph)
    assert str(graph.graph) == before and any(is_mutable(node) for node in graph.graph.nodes)


@pytest.mark.parametrize("function", [chained, of_a_value_used_before, after_a_view, of_a_view])
def test_what_is_recorded_changes_nothing_in_place(function):
    found = recorded(lambda x: (function(x),), [X])
    assert not any(is_mutable(node) for node in found.graph.nodes)
    assert torch.equal(found(X * 1.5)[0], function(X * 1.5))
