"""The log-determinants of the maps from real numbers onto supports, against Jacobians."""

import pytest
import torch

from specc.runtime import unconstrained


def triangle(matrix, offset=0):
    rows, columns = torch.tril_indices(3, 3, offset)
    return matrix[rows, columns]


ENDS = torch.tensor([[-1.0, 0.0, 2.0, 3.0], [0.5, 7.0, 2.5, 3.1]], dtype=torch.float64)
"""The ends of a map onto numbers between values."""

MAPS = {
    "exp_log_det": (4, lambda u: u.exp()),
    "sigmoid_log_det": (4, lambda u: u.sigmoid()),
    "onto_interval_log_det": (4, lambda u: unconstrained.onto_interval(u, *ENDS)),
    "stick_breaking_log_det": (4, lambda u: unconstrained.stick_breaking(u)[:-1]),
    "ordered_log_det": (4, unconstrained.ordered),
    "ordered_exp_log_det": (4, lambda u: unconstrained.ordered(u).exp()),
    "ordered_sigmoid_log_det": (4, lambda u: unconstrained.ordered(u).sigmoid()),
    "lower_triangle_log_det": (6, lambda u: triangle(unconstrained.lower_triangle(u))),
    "corr_cholesky_log_det": (3, lambda u: triangle(unconstrained.corr_cholesky(u), -1)),
    "positive_definite_log_det": (6, lambda u: triangle(unconstrained.positive_definite(u))),
}


@pytest.mark.parametrize("name", MAPS)
def test_a_log_determinant_is_that_of_the_jacobian(name):
    size, onto = MAPS[name]
    torch.manual_seed(0)
    free = torch.randn(size, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(onto, free)
    expected = torch.linalg.slogdet(jacobian).logabsdet
    given = ENDS if name == "onto_interval_log_det" else ()
    assert getattr(unconstrained, name)(free, *given) == pytest.approx(expected.item(), abs=1e-10)


def test_every_log_determinant_has_a_test():
    assert set(MAPS) == {name for name in vars(unconstrained) if name.endswith("log_det")}


def test_a_map_onto_a_simplex_sums_to_one():
    free = torch.randn(7, 3, dtype=torch.float64)
    x = unconstrained.stick_breaking(free)
    assert x.shape == (7, 4)
    assert x.sum(-1) == pytest.approx(torch.ones(7, dtype=torch.float64))


def test_zero_is_the_centre_of_a_simplex():
    x = unconstrained.stick_breaking(torch.zeros(3, dtype=torch.float64))
    assert x == pytest.approx([0.25] * 4)
