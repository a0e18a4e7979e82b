"""Recorded operations compute what the function does, at other inputs, and depend on no values."""

import pytest
import torch
from torch._decomp import core_aten_decompositions
from torch.autograd import grad

from specc.engine.compile.recording import Ambiguous, record
from specc.engine.step.player import NotCompiled

X = torch.linspace(0.5, 2.0, 4, dtype=torch.float64)
Y = torch.tensor([0.3, 1.2, 2.5, 0.1], dtype=torch.float64)
FORMS = core_aten_decompositions()


def with_gradient(x):
    point = x.detach().requires_grad_()
    parts = point.split(2)
    value = (parts[0].exp() * parts[1].lgamma()).sum() + torch.logsumexp(point * X, 0)
    value = value + torch.where(point > 1.0, point, X).var() + point[torch.tensor([1, 1, 3])].prod()
    (slope,) = grad(value, point)
    return slope, value.detach()


def in_place(x):
    total = (x * 2).sub_(x).log_()
    return (total.add_(x.square()).mul_(total + 1),)


def equal_twice(x):
    first, second = x * 2, x * 2
    return first + second, x * 2.0


def of_constants(x):
    return x + torch.special.erfcx(X).mean(), X * 3.0


@pytest.mark.parametrize("function", [with_gradient, in_place, equal_twice, of_constants])
def test_the_results_are_those_of_the_function(function):
    recorded = record(function, X, FORMS)
    for found, wanted in zip(recorded(Y), function(Y), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    assert not any(
        node.target._schema.is_mutable
        for node in recorded.graph.nodes
        if hasattr(node.target, "_schema")
    )


def test_equal_operations_are_recorded_once():
    names = [str(n.target) for n in record(equal_twice, X, FORMS).graph.nodes]
    assert names.count("aten.mul.Tensor") == 2  # x * 2 and x * 2.0 differ for integers


def test_what_the_input_does_not_change_is_a_constant():
    names = [str(node.target) for node in record(of_constants, X, FORMS).graph.nodes]
    assert not any("erfcx" in name or "mean" in name for name in names)


def of_the_input(x):
    return (x.add_(1),)


def of_a_view(x):
    total = x * 2
    total[:2].add_(1)
    return (total,)


def of_a_constant(x):
    total = torch.zeros(4, dtype=torch.float64)
    total.add_(x)
    return (total,)


def after_an_equal_one(x):
    first, second = x * 2, x * 2
    first.add_(1)
    return first, second


@pytest.mark.parametrize("function", [of_the_input, of_a_view, of_a_constant, after_an_equal_one])
def test_memory_that_others_may_share_is_not_recorded(function):
    with pytest.raises(Ambiguous):
        record(function, X, FORMS)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x * x.sum().item(),),
        lambda x: (x[x > 1.0],),
        lambda x: (x if x.sum() > 0 else -x,),
        lambda x: (x.nonzero(),),
        lambda x: (x * torch.rand(4),),
    ],
)
def test_what_depends_on_values_is_refused(function):
    with pytest.raises(NotCompiled):
        record(function, X, FORMS)
