"""Ancestral draws follow the product of the conditional densities, and have its gradients.

A test compares 20,000 draws of a fixed seed with the exact probabilities of all states by a
chi-square test, which rejects at p = 1e-6: for each case, a correct program fails for one seed in a
million.
"""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from specc.runtime.distributions import bernoulli, categorical
from specc.runtime.draws.ancestral import ancestral, ancestral_mixture, ancestral_with_memory
from specc.runtime.draws.memory import Memory
from specc.runtime.noise import Noise
from tests.laws.causal_nets import every_state, net

DRAWS = 20_000
FALSE_ALARM = 1e-6
SHARP = 4.0  # a factor of the logits, so that the entries depend strongly on each other

BITS = [
    ("masked_mlp", {"masked_mlp": [10]}, (5,), 0, ()),
    ("masked_mlp", {"masked_mlp": []}, (1, 5), 2, ()),
    ("masked_mlp", {"masked_mlp": [10], "orders": 3, "seed": 2}, (5,), 0, ()),
    ("masked_mlp", {"masked_mlp": [7], "orders": 2, "direct": True}, (5,), 2, ()),
    ("masked_conv", {"masked_conv": 8, "depth": 2, "kernel": 3}, (1, 2, 3), 0, ()),
    ("masked_conv", {"masked_conv": 8, "depth": 2, "kernel": 3}, (2, 1, 3), 2, ()),
    ("causal_conv", {"causal_conv": 8, "dilations": [1, 2]}, (3, 2), 0, ()),
    ("nade", {"nade": 8}, (5,), 2, ()),
    ("nade", {"nade": 8, "orders": 3, "seed": 2}, (5,), 0, ()),
    ("transformer", {"transformer": 8, "depth": 1, "heads": 2}, (5,), 2, ()),
    ("transformer", {"transformer": 8, "depth": 2, "heads": 2}, (3, 2), 0, ()),
]


def noise(*counters):
    return Noise.at(7, *counters, dtype=torch.float64)


def drawn(made, context, start=None):
    """Draws from the density of the network, as in generated code."""
    start = torch.zeros(DRAWS, *made.shape).double() if start is None else start

    def draw(x):
        return bernoulli.sample(draws, SHARP * made(x, context))

    draws = noise()
    if made.members > 1:
        return ancestral_mixture(noise(1), draw, start, made.order)
    return ancestral(draw, start, made.order)


def probabilities(made, context):
    """The probabilities of all states, in the order of their indices."""
    states = every_state(math.prod(made.shape)).reshape(-1, *made.shape)
    with torch.no_grad():
        log_p = bernoulli.log_prob(states, SHARP * made(states, context))
    return log_p.reshape(made.members, len(states), -1).sum(-1).exp().mean(0)


def p_value(x, expected):
    """The p-value of a chi-square test of counts."""
    bits = x.reshape(len(x), -1)
    numbers = (bits * 2.0 ** torch.arange(bits.shape[1]).flip(0)).sum(1).long()
    counts = torch.bincount(numbers, minlength=len(expected)).double()
    wanted = expected * len(x)
    rare = wanted < 10
    counts = torch.cat([counts[~rare], counts[rare].sum()[None]])
    wanted = torch.cat([wanted[~rare], wanted[rare].sum()[None]])
    kept = wanted > 0
    square = ((counts - wanted)[kept] ** 2 / wanted[kept]).sum()
    return float(stats.chi2(int(kept.sum()) - 1).sf(float(square)))


@pytest.mark.parametrize("case", BITS, ids=lambda case: case[0])
def test_draws_follow_the_exact_probabilities(case):
    made = net(*case)
    context = made.vectors()
    with torch.no_grad():
        x = drawn(made, context)
    assert p_value(x, probabilities(made, context)) > FALSE_ALARM


@pytest.mark.parametrize("case", BITS[:3], ids=str)
def test_the_draw_test_can_fail(case):
    """Draws of a single pass, in which all inputs are 0, and of another network are rejected."""
    made = net(*case)
    context = made.vectors()
    with torch.no_grad():
        once = bernoulli.sample(
            noise(), SHARP * made(torch.zeros(DRAWS, *made.shape).double(), context)
        )
        once = once if made.members == 1 else once[0]
        assert p_value(once, probabilities(made, context)) < FALSE_ALARM
        other = probabilities(net(*case, seed=1), context)
        assert p_value(drawn(made, context), other) < FALSE_ALARM


def test_a_mixture_is_not_one_of_its_members():
    made = net(*BITS[2])
    with torch.no_grad():
        x = drawn(made, None)
        states = every_state(5)
        first = bernoulli.log_prob(states, SHARP * made(states)[1]).sum(-1).exp()
    assert p_value(x, first) < FALSE_ALARM


def test_each_cell_follows_one_member_throughout():
    """Member m sets each entry to 10 m plus the number of entries before it in its order."""
    order = torch.tensor([[0, 1, 2], [2, 1, 0]])
    tens = torch.tensor([10.0, 20.0]).reshape(2, 1, 1, 1)

    def draw(x):
        return tens + (x > 0).sum(-1, keepdim=True).expand(x.shape)

    x = ancestral_mixture(noise(), draw, torch.zeros(50, 4, 3), order)
    first = (x[..., :1] < 15).expand(x.shape)
    # 200 elements of probability 1/2: the count is outside 70 to 130 for one seed in 40,000.
    assert 70 < first[..., 0].sum() < 130
    assert torch.equal(x, torch.where(first, tens[0] + order[0], tens[1] + order[1]))


@pytest.mark.parametrize("case", BITS, ids=lambda case: case[0])
def test_what_the_start_holds_does_not_matter(case):
    made = net(*case)
    context, start = made.vectors(), torch.randn(10, *made.shape).double()
    assert torch.equal(drawn(made, context, start), drawn(made, context, 0 * start))


def test_one_pass_for_each_number_and_any_leading_axes():
    calls = []

    def draw(x):
        calls.append(x.shape)
        return x + 1

    order = torch.tensor([[0, 0], [4, 4], [7, 7]])
    assert torch.equal(ancestral(draw, torch.zeros(3, 2), order), torch.ones(3, 2))
    assert calls == [(3, 2)] * 3
    assert ancestral(draw, torch.zeros(5, 0, 3, 2), order).shape == (5, 0, 3, 2)


@pytest.mark.parametrize("orders", [1, 3])
def test_class_numbers_stay_whole(orders):
    made = net("masked_mlp", {"masked_mlp": [8], "orders": orders}, (4,), 0, (3,))
    draws = noise()

    def draw(x):
        return categorical.sample(draws, made(x.double()))

    start = torch.zeros(6, 4)
    x = (
        ancestral(draw, start, made.order)
        if orders == 1
        else ancestral_mixture(noise(1), draw, start, made.order)
    )
    assert x.dtype == torch.int64
    assert x.shape == (6, 4)


def test_a_reparameterized_draw_has_the_gradient_of_the_whole():
    """x = L x + b + e with L strictly triangular is x = (I - L)^-1 (b + e)."""
    made = net("masked_mlp", {"masked_mlp": []}, (4,))
    e = torch.randn(4, dtype=torch.float64, requires_grad=True)
    x = ancestral(lambda x: made(x) + e, torch.zeros(4).double(), made.order)
    inside = torch.eye(4).double() - made.head.weight * made.head.mask
    exact = torch.linalg.solve(inside, made.head.bias + e)
    torch.testing.assert_close(x, exact)
    inputs = (e, made.head.weight, made.head.bias)
    weights = torch.randn(4, dtype=torch.float64)
    found = torch.autograd.grad(x @ weights, inputs)
    torch.testing.assert_close(found, torch.autograd.grad(exact @ weights, inputs))


def test_a_mixture_of_reparameterized_draws_has_gradients():
    made = net("masked_mlp", {"masked_mlp": [], "orders": 2}, (4,))
    e = torch.randn(4, dtype=torch.float64, requires_grad=True)
    x = ancestral_mixture(noise(), lambda x: made(x) + e, torch.zeros(9, 4).double(), made.order)
    jacobian = torch.stack([torch.autograd.grad(row.sum(), e, retain_graph=True)[0] for row in x])
    assert (jacobian != 0).all()


REMEMBERING = [
    ("transformer", {"transformer": 8, "depth": 2, "heads": 2}, (6,), 0, (4,), 4),
    ("transformer", {"transformer": 8, "depth": 2, "heads": 4}, (5, 2), 3, (4,), 4),
    ("transformer", {"transformer": 8, "depth": 3, "heads": 2}, (7,), 2, ()),
    ("transformer", {"transformer": 6, "depth": 1, "heads": 1, "bias": False}, (4, 3), 0, ()),
]


def drawn_both_ways(case):
    """Draws [3, 5, *shape] with one noise and gradients: of whole passes, and with a memory."""
    kind, options, shape, context, each, *classes = case
    made = net(kind, options, shape, context, each, 0, *classes)
    h = made.vectors(3, 1)
    g = None if h is None else -h

    def draw(x):
        # Two passes in one step, as for two parameters, or to strengthen a context.
        if each:
            return categorical.sample(noise(2), SHARP * (2 * made(x, h) - made(x, g)))
        return made(x, h) + made(x, g).sin() * noise(2).normal((3, 5, *shape))

    start = torch.zeros(3, 5, *shape).double()
    for x in (
        ancestral(draw, start, made.order),
        ancestral_with_memory(draw, start, made.trunk),
    ):
        weights = torch.arange(1.0, 1 + x.numel()).reshape(x.shape).double()
        slopes = (
            [] if each else torch.autograd.grad((x * weights).sum(), [*made.trunk.parameters()])
        )
        yield x, slopes


@pytest.mark.parametrize("case", REMEMBERING, ids=lambda case: str(case[2]))
def test_a_draw_with_a_memory_is_that_of_whole_passes(case):
    (x, slopes), (kept, kept_slopes) = drawn_both_ways(case)
    torch.testing.assert_close(kept, x)
    for slope, other in zip(slopes, kept_slopes, strict=True):
        torch.testing.assert_close(other, slope)


def test_a_memory_that_mixes_the_passes_of_a_step_draws_others(monkeypatch):
    extended = Memory.extended

    def mixed(self, part, value):
        self._passes.clear()
        return extended(self, part, value)[..., -self.step - 1 :, :]

    monkeypatch.setattr(Memory, "extended", mixed)
    (x, _), (kept, _) = drawn_both_ways(REMEMBERING[1])
    assert x.shape == kept.shape
    assert not torch.allclose(kept.double(), x.double())


@pytest.mark.parametrize("case", REMEMBERING, ids=lambda case: str(case[2]))
def test_a_memory_that_forgets_the_first_step_draws_others(case, monkeypatch):
    extended = Memory.extended
    monkeypatch.setattr(
        Memory,
        "extended",
        lambda self, part, value: extended(self, part, value)[..., min(self.step, 1) :, :],
    )
    (x, _), (kept, _) = drawn_both_ways(case)
    assert x.shape == kept.shape
    assert not torch.allclose(kept.double(), x.double())


def test_the_memory_ends_with_the_draw():
    trunk = net("transformer", {"transformer": 8, "heads": 2}, (4,)).trunk

    def fail(x):
        raise KeyError

    with pytest.raises(KeyError):
        ancestral_with_memory(fail, torch.zeros(2, 4), trunk)
    assert trunk.memory is None
