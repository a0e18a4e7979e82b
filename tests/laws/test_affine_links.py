"""Laws of affine links: the transpose against inner products and against the Jacobian matrix.

sum(y * (f(x) - f(0))) = sum(f.T(y) * x) for all x and y, in float64 to 1e-12 of the sizes.
"""

import math

import pytest
import torch
from torch import nn

from specc.catalog.link import never
from specc.catalog.registry import LINKS
from specc.runtime.links.affine import at_constant, transpose
from tests.laws.instantiate import network

PLAIN = {"activation": "identity"}
CASES = [
    ("linear", {"spectral_norm": True}, (7,), (5,)),
    ("linear", {}, (2, 3), ()),
    ("linear", {}, (), (2, 3)),
    ("mlp", {"mlp": [11, 4], **PLAIN}, (7,), (5,)),
    ("convolution", {"convolution": 3}, (2, 7, 6), (4, 5, 4)),
    ("convolution", {"convolution": 3, "stride": 2}, (2, 8, 7), (4, 3, 3)),
    (
        "convolution",
        {"convolution": 4, "stride": 3, "padding": 2, "bias": False},
        (7, 8),
        (2, 3, 3),
    ),
    ("convolution", {"convolution": 3, "spectral_norm": True}, (1, 4, 4), (2, 2, 2)),
    ("conv", {"conv": [4, 6], "kernel": 3, **PLAIN}, (3, 9, 8), (5,)),
    ("conv", {"conv": [4], "kernel": 5, "stride": 1, **PLAIN}, (1, 8, 8), (2, 8, 8)),
    ("conv", {"conv": [4], "hidden": [7], **PLAIN}, (8, 8), ()),
    ("deconv", {"deconv": [6, 4], "kernel": 4, **PLAIN}, (7,), (3, 9, 8)),
    ("deconv", {"deconv": [6, 4, 2], "stride": 3, "kernel": 5, **PLAIN}, (7,), (17, 28)),
    ("deconv", {"deconv": [6], "hidden": [5], "spectral_norm": True, **PLAIN}, (7,), (1, 8, 8)),
    ("embed", {}, (7,), (2, 2)),
]


def built(kind, options, input, output):
    """The module of a link, in float64, with random weights and biases."""
    entry = LINKS[kind]
    chosen = entry.Options(**options)
    assert entry.affine(chosen)
    joined = input if entry.input_rank(chosen) == 3 else (math.prod(input),)
    torch.manual_seed(len(str(options)))
    found = network(entry.lower(chosen, joined, output)).double()
    with torch.no_grad():
        for each in found.parameters():
            each.copy_(torch.randn(each.shape, dtype=torch.float64))
    return found


def applied(link, x, input):
    """f(x) for events of the shape of the argument, which a linear map takes as a vector."""
    first = next(m for m in link.modules() if not list(m.children()))
    leading = x.shape[: x.ndim - len(input)]
    is_image = isinstance(first, (nn.Conv2d, nn.Unflatten))
    return link(x if is_image else x.reshape(*leading, -1))


def difference(link, transposed, input, output):
    """The largest relative difference of the two inner products, with two leading axes."""
    x = torch.randn(2, 3, *input, dtype=torch.float64)
    y = torch.randn(2, 3, *output, dtype=torch.float64)
    zero = torch.zeros(input, dtype=torch.float64)
    forward = y * (applied(link, x, input) - applied(link, zero, input))
    back = transposed(link, y, input)
    assert back.shape == x.shape
    size = forward.abs().sum() + (back * x).abs().sum()
    left = forward.flatten(2).sum(-1) if output else forward
    right = (back * x).flatten(2).sum(-1) if input else back * x
    return ((left - right).abs().max() / size).item()


@pytest.mark.parametrize(("kind", "options", "input", "output"), CASES)
def test_the_transpose_is_the_adjoint(kind, options, input, output):
    link = built(kind, options, input, output)
    assert difference(link, transpose, input, output) < 1e-12


def test_all_affine_links_are_checked():
    assert {k for k, entry in LINKS.items() if entry.affine is not never} == {k for k, *_ in CASES}


def flipped(link, y, input):
    """A transposed convolution with each kernel turned by 180 degrees: the usual mistake."""
    for each in link.modules():
        if isinstance(each, nn.Conv2d):
            each.weight.data = each.weight.data.flip((-2, -1))
    return transpose(link, y, input)


def with_bias(link, y, input):
    """The bias is not part of the map that is transposed."""
    return transpose(link, y, input) + 1.0


@pytest.mark.parametrize("wrong", [flipped, with_bias])
def test_a_wrong_transpose_is_found(wrong):
    kind, options, input, output = CASES[5]
    assert difference(built(kind, options, input, output), wrong, input, output) > 1e-3


def test_a_number_stands_for_equal_entries():
    kind, options, input, output = CASES[6]
    link = built(kind, options, input, output)
    ones = torch.ones(output, dtype=torch.float64)
    assert torch.allclose(transpose(link, -2, input), transpose(link, -2 * ones, input))
    half = torch.full(input, 0.5, dtype=torch.float64)
    assert torch.equal(at_constant(link, 0.5, input), link(half))


def test_a_layer_that_is_not_affine_has_no_transpose():
    with pytest.raises(TypeError, match="ReLU has no transpose"):
        transpose(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), 1.0, (2,))
