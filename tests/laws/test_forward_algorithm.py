"""Laws of the forward algorithm: values and gradients against the definition."""

import math

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from specc.runtime.functions.markov import LogForward, forward_algorithm, scaled_forward

STEPS, OTHERS, STATES, ROWS = 5, 3, 4, 2
ALIKE = (slice(None), slice(0, 1), slice(None), slice(None), slice(0, 1))


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def made(alike):
    """Random terms of the steps, [steps, others, before, state, rows], and a mask of steps."""
    pairs = torch.randn(STEPS, OTHERS, STATES, STATES, ROWS)
    pairs[0] = pairs[0, :, :1]
    pairs[2, :, 1, 2] = -math.inf
    singles = torch.randn(STEPS, OTHERS, 1, STATES, ROWS)
    masks = torch.ones(STEPS, 1, 1, 1, ROWS)
    masks[3:, ..., 1] = 0
    return (pairs[ALIKE] if alike else pairs).clone(), singles, masks


def by_definition(pairs, singles, masks):
    """The recursion in probabilities, one step at a time."""
    alpha = torch.full((OTHERS, STATES, ROWS), 1 / STATES)
    full = pairs.exp().expand(STEPS, OTHERS, STATES, STATES, ROWS)
    for t in range(STEPS):
        after = torch.einsum("oir,oijr->ojr", alpha, full[t]) * singles[t, :, 0].exp()
        alpha = torch.where(masks[t, :, 0] > 0, after, alpha)
    return alpha.sum(1).log()


def in_logarithms(pairs, singles, masks):
    return LogForward.apply(pairs, singles, masks, -2)[:, 0, 0]


def as_products(pairs, singles, masks):
    flat = pairs.reshape(-1, STATES, STATES)
    inner = singles.movedim(-2, -1).reshape(STEPS, -1, STATES)
    taken = masks.movedim(-2, -1).expand(STEPS, OTHERS, 1, ROWS, 1).reshape(STEPS, -1, 1)
    return scaled_forward(flat, inner, taken).reshape(OTHERS, ROWS)


def at_once(pairs, singles, masks):
    """For two positions, as chains have it."""
    both = torch.vmap(lambda p, s: forward_algorithm(_last(p), _last(s), -3, _last(masks)))(
        torch.stack([pairs, pairs]), torch.stack([singles, singles])
    )
    return both[1][:, 0, 0]


def recorded(pairs, singles, masks):
    """The graph that is recorded at terms of other values."""
    graph = make_fx(lambda p, s: forward_algorithm(_last(p), _last(s), -3, _last(masks)))(
        pairs.detach().clone(), torch.zeros_like(singles)
    )
    return graph(pairs, singles)[:, 0, 0]


def _last(x):
    """The axis of steps is the last one."""
    return x.movedim(0, -1)


WAYS = [
    (in_logarithms, False),
    (in_logarithms, True),
    (as_products, True),
    (at_once, False),
    (at_once, True),
]


@pytest.mark.parametrize("way, alike", [*WAYS, (recorded, True)])
@pytest.mark.parametrize("homogeneous", [False, True])
def test_a_sum_and_its_gradient_are_those_of_the_definition(way, alike, homogeneous):
    pairs, singles, masks = made(alike)
    pairs = pairs[1:2] if homogeneous else pairs
    inputs = (pairs.requires_grad_(), singles.requires_grad_())
    exact, found = by_definition(*inputs, masks), way(*inputs, masks)
    torch.testing.assert_close(found, exact, rtol=1e-12, atol=1e-12)
    weights = torch.randn_like(exact)
    grads = (torch.autograd.grad((v * weights).sum(), inputs) for v in (found, exact))
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("way, alike", WAYS)
def test_derivatives_are_those_of_finite_differences(way, alike):
    pairs, singles, masks = made(alike)
    pairs = pairs.exp()  # finite
    inputs = (pairs.requires_grad_(), singles.requires_grad_())
    assert torch.autograd.gradcheck(lambda p, s: way(p, s, masks), inputs)


@pytest.mark.parametrize("scale", [1.0, 3000.0])
def test_sums_that_are_too_small_for_products_are_made_in_logarithms(scale):
    """A state of negligible probability at one step is likely at the next."""
    pair = torch.full((STATES, STATES), -math.inf).fill_diagonal_(0.0)[..., None, None]
    single = torch.zeros(STATES, ROWS, 3)
    single[1, :, 1], single[1, :, 2] = -scale, 2 * scale
    flat = pair.movedim(-1, 0)[..., 0], single.movedim(-1, 0).mT.contiguous()
    assert (scaled_forward(*flat, None) is None) == (scale > 1)
    found = forward_algorithm(pair, single, -3).squeeze()
    exact = single.sum(-1).logsumexp(0) - math.log(STATES)
    torch.testing.assert_close(found, exact)


def test_single_precision_is_within_its_rounding():
    pair = torch.randn(STATES, STATES, 1, 400).log_softmax(1)
    single = 30 * torch.randn(STATES, ROWS, 400)
    exact = forward_algorithm(pair, single, -3)
    found = forward_algorithm(pair.float(), single.float(), -3)
    torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=0.0)


def test_a_value_shared_by_all_steps_may_be_given_once():
    """Axes of states, steps and rows may have size 1, and `log_single` is optional."""
    pair = torch.randn(STATES, STATES, 1, STEPS)
    pair[..., 0] = pair[:1, ..., 0]  # the first step has no previous state
    mask = torch.tensor([[1.0, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    zeros = torch.zeros(1, STATES, ROWS, STEPS)
    wanted = forward_algorithm(pair, zeros, -3, mask)
    torch.testing.assert_close(forward_algorithm(pair, None, -3, mask), wanted)
    torch.testing.assert_close(forward_algorithm(pair, zeros[..., :1, :1], -3, mask), wanted)
    state = torch.randn(STATES, 1, 1)
    wanted = forward_algorithm(pair[:, :1].expand_as(pair), zeros + state, -3, mask)
    torch.testing.assert_close(forward_algorithm(pair[:, :1], state, -3, mask), wanted)


def test_a_chain_that_cannot_be_has_no_density_and_no_broken_gradient():
    pairs, singles = torch.full((2, 2, 2, 1), -math.inf), torch.zeros(2, 1, 2, 1)
    pairs[0] = 0.0
    total = LogForward.apply(pairs, singles.requires_grad_(), None, -2)
    assert total.item() == -math.inf
    assert torch.autograd.grad(total.sum(), singles)[0].isfinite().all()


def test_a_transposed_table_gives_another_sum():
    """So the laws above can fail."""
    pairs, singles, masks = made(alike=True)
    found = as_products(pairs, singles, masks)
    exact = by_definition(pairs.transpose(2, 3), singles, masks)
    assert (found - exact).abs().max() > 1e-3
