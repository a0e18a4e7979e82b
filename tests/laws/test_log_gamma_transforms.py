"""The functions with gradients of their own, under the transforms of torch.func."""

import pytest
import torch

from specc.runtime.distributions import beta, binomial, dirichlet, gamma, negative_binomial, poisson

COUNTS = torch.tensor([3.0, 5.0, 0.0], dtype=torch.float64)
SHARES = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
DENSITIES = {
    "beta": lambda u: beta.log_prob(SHARES, u, 2.0),
    "binomial": lambda u: binomial.log_prob(COUNTS, torch.full_like(COUNTS, 7.0), u.log()),
    "dirichlet": lambda u: dirichlet.log_prob(SHARES, u),
    "gamma": lambda u: gamma.log_prob(COUNTS + 1, u, 2.0),
    "negative_binomial": lambda u: negative_binomial.log_prob(COUNTS, u, SHARES.log()),
    "poisson": lambda u: poisson.log_prob(COUNTS, u),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_gradients_of_several_values_at_once_are_those_of_each(name):
    def total(u):
        return DENSITIES[name](u).sum()

    values = torch.tensor([[2.0, 4.0, 1.5], [0.3, 2.5, 9.0]], dtype=torch.float64)
    expected = []
    for value in values:
        point = value.clone().requires_grad_()
        expected += torch.autograd.grad(total(point), point)
    found = torch.func.vmap(torch.func.grad(total))(values)
    assert found == pytest.approx(torch.stack(expected), rel=1e-12)
    with torch.inference_mode():
        again = torch.func.grad(total)(values[0] * 1.0)
    assert again == pytest.approx(expected[0], rel=1e-12)


PLAIN = {
    "beta": lambda u: torch.distributions.Beta(u, 2.0, validate_args=False).log_prob(SHARES),
    "binomial": lambda u: torch.distributions.Binomial(7, logits=u.log()).log_prob(COUNTS),
    "dirichlet": lambda u: torch.distributions.Dirichlet(u).log_prob(SHARES),
    "gamma": lambda u: torch.distributions.Gamma(u, 2.0).log_prob(COUNTS + 1),
    "negative_binomial": lambda u: torch.distributions.NegativeBinomial(
        u, logits=SHARES.log()
    ).log_prob(COUNTS),
    "poisson": lambda u: torch.distributions.Poisson(u).log_prob(COUNTS),
}
"""The densities by the logarithms of gamma functions of torch."""


@pytest.mark.parametrize("name", DENSITIES)
def test_second_derivatives_are_those_of_the_plain_formula(name):
    """By torch.func and by torch.autograd; a gradient that is a constant for them would give 0."""
    values = torch.tensor([[2.0, 4.0, 1.5], [0.3, 2.5, 19.0]], dtype=torch.float64)
    for u in values:
        wanted = torch.func.jacrev(torch.func.grad(lambda v: PLAIN[name](v).sum()))(u)
        found = torch.func.jacrev(torch.func.grad(lambda v: DENSITIES[name](v).sum()))(u)
        assert found == pytest.approx(wanted, rel=1e-8, abs=1e-9)
        again = torch.autograd.functional.hessian(lambda v: DENSITIES[name](v).sum(), u)
        assert again == pytest.approx(wanted, rel=1e-8, abs=1e-9)
        assert wanted.abs().max() > 1e-3
