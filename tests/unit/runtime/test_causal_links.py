"""What the laws of causal links do not say: orders, degrees, and the nets that have a formula."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from specc.catalog.links.blocks.activation import ACTIVATIONS, Activation
from specc.runtime.causal_links.causal_conv import CausalConv
from specc.runtime.causal_links.degrees import entry_orders, hidden_degrees
from specc.runtime.causal_links.masked_conv import MaskedConv, raster
from specc.runtime.causal_links.masked_mlp import MaskedHead, MaskedMLP, function


def test_the_first_order_is_the_natural_one_and_all_are_permutations():
    orders = entry_orders(7, 5, seed=3)
    assert orders.shape == (5, 7)
    assert torch.equal(orders[0], torch.arange(7))
    assert torch.equal(orders.sort(1).values, torch.arange(7).expand(5, 7))
    assert len(orders.unique(dim=0)) == 5


def test_a_seed_gives_the_same_orders_everywhere():
    """Written down: a checkpoint does not hold them."""
    assert entry_orders(6, 3, seed=0)[1:].tolist() == [[3, 5, 2, 4, 1, 0], [1, 2, 5, 3, 0, 4]]


def test_more_orders_keep_the_first_ones_and_another_seed_changes_them():
    assert torch.equal(entry_orders(9, 6, seed=1)[:4], entry_orders(9, 4, seed=1))
    assert not torch.equal(entry_orders(9, 2, seed=1), entry_orders(9, 2, seed=2))


@pytest.mark.parametrize("lowest", [-1, 0])
@pytest.mark.parametrize("units", [1, 2, 3, 5, 6, 7, 13, 40])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_degrees_are_spread_evenly(units, size, lowest):
    degrees = hidden_degrees(units, size, lowest)
    possible = list(range(lowest, max(size - 1, lowest + 1)))
    counts = [(degrees == degree).sum().item() for degree in possible]
    assert sum(counts) == units == len(degrees)
    assert max(counts) - min(counts) <= 1
    assert degrees[0] == lowest
    if units > 1:
        assert degrees[-1] == possible[-1]


def test_masks_are_those_of_the_paper():
    """Equations 12 and 13, with degrees and entries that count from 1."""
    trunk = MaskedMLP((3,), (4,))
    m = [1, 1, 2, 2]
    assert trunk.layers[0].mask.tolist() == [
        [float(m[k] >= d) for d in (1, 2, 3)] for k in range(4)
    ]
    head = MaskedHead((3,), 4)
    assert head.mask.tolist() == [[float(d > m[k]) for k in range(4)] for d in (1, 2, 3)]


def test_without_hidden_layers_it_is_a_belief_net_without_latents():
    trunk, head = MaskedMLP((4,), context=2), MaskedHead((4,), 0, direct=True, context=2)
    x, h = torch.randn(5, 4), torch.randn(5, 2)
    weight, of_context = head.weight.split((4, 2), 1)
    expected = x @ weight.tril(-1).T + h @ of_context.T + head.bias
    torch.testing.assert_close(head(trunk(x, h)), expected)


def test_a_member_is_the_network_of_its_order_alone():
    """The first member has the natural order; the others are it with the entries moved about."""
    torch.manual_seed(0)
    trunk, head = MaskedMLP((5,), (8, 8), orders=3), MaskedHead((5,), 8, orders=3)
    one, last = MaskedMLP((5,), (8, 8)), MaskedHead((5,), 8)
    x = torch.randn(6, 5)
    y = head(trunk(x))
    for member, order in enumerate(trunk.order):
        place = order.argsort()
        one.load_state_dict(trunk.state_dict())
        last.load_state_dict(head.state_dict())
        with torch.no_grad():
            one.layers[0].weight.copy_(trunk.layers[0].weight[:, place])
            last.weight.copy_(head.weight[place])
            last.bias.copy_(head.bias[place])
        torch.testing.assert_close(last(one(x[:, place])), y[member][:, place])


@pytest.mark.parametrize("name", get_args(Activation))
def test_an_activation_is_torch_s_own(name):
    x = torch.linspace(-8, 8, 33)
    made = getattr(nn, ACTIVATIONS[name].removeprefix("nn."))()
    torch.testing.assert_close(function(name)(x), made(x))


def test_a_raster_goes_row_by_row_and_then_by_channel():
    order = raster((3, 2, 2))
    assert order[:, 0, 0].tolist() == [0, 1, 2]
    assert order[:, 0, 1].tolist() == [3, 4, 5]
    assert order[:, 1, 0].tolist() == [6, 7, 8]


def test_the_orders_of_images_and_series():
    assert torch.equal(MaskedConv((2, 3), 2, depth=1).order, torch.arange(6).reshape(2, 3))
    assert CausalConv((3, 2), 2).order.tolist() == [[0, 0], [1, 1], [2, 2]]


def test_one_channel_needs_a_mask_in_the_first_layer_alone():
    masks = [layer.horizontal.mask for layer in MaskedConv((4, 4), 6, depth=3).layers]
    assert masks[0] is not None
    assert masks[1:] == [None, None]
