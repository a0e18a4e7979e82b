"""A state of one number is conditioned and predicted as one with an entry that nothing observes."""

import pytest
import torch

from specc.runtime.functions.linear_gaussian import Affine, Normal, _predict, condition

ROWS, ENTRIES = 4, 3


def numbers(seed):
    made = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=made, dtype=torch.float64)

    prior = Normal(normal(ROWS, 1), normal(ROWS, 1, 1).exp())
    each = [
        (
            normal(ROWS, ENTRIES),
            Affine(normal(ENTRIES, 1), normal(ROWS, ENTRIES), normal(ENTRIES).exp()),
            (normal(ROWS, ENTRIES) > 0).double() if masked else None,
        )
        for masked in (False, True)
    ]
    return prior, each


def wider(prior, each, weight):
    """The same with a second entry of the state, which the observed values weigh by `weight`."""
    zero = torch.zeros(ROWS, 1, dtype=torch.float64)
    root = torch.diag_embed(torch.cat([prior.root[..., 0], zero + 2], -1))
    wide = [
        (x, Affine(torch.cat([m.weight, m.weight * 0 + weight], -1), m.offset, m.scale), known)
        for x, m, known in each
    ]
    return Normal(torch.cat([prior.mean, zero], -1), root), wide


@pytest.mark.parametrize(("weight", "same"), [(0.0, True), (0.1, False)])
def test_one_number_is_conditioned_as_by_factors(weight, same):
    prior, each = numbers(1)
    log_p, state = condition(prior, each)
    wide_log_p, wide = condition(*wider(prior, each, weight))
    variance = wide.root @ wide.root.mT
    assert torch.allclose(log_p, wide_log_p, rtol=1e-12) == same
    assert torch.allclose(state.mean[:, 0], wide.mean[:, 0], rtol=1e-12) == same
    assert torch.allclose(state.root[:, 0, 0].square(), variance[:, 0, 0], rtol=1e-12) == same


def test_one_number_is_predicted_as_by_factors():
    prior, _ = numbers(2)
    weight, offset, scale = torch.tensor([0.7, 0.3, 0.5], dtype=torch.float64)
    by = Affine(weight.view(1, 1), offset.view(1), scale.view(1))
    found = _predict(prior, by)
    mean, variance = 0.7 * prior.mean + 0.3, 0.49 * prior.root.square() + 0.25
    assert torch.allclose(found.mean, mean, rtol=1e-12)
    assert torch.allclose(found.root.square(), variance, rtol=1e-12)
