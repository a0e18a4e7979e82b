"""Laws of functions of matrices and of kernels: supports, adjoints and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from specc.catalog.registry import FUNCTIONS
from specc.catalog.supports import CHOLESKY, POSITIVE_DEFINITE, POSITIVE_DIAGONAL

from .calling import call, draw, lies_in
from .matrix_cases import KERNEL_CASES, MATRIX_CASES
from .test_functions import SUPPORTS

OF_MATRICES = (CHOLESKY, POSITIVE_DEFINITE, POSITIVE_DIAGONAL)


@pytest.mark.parametrize(
    ("name", "support", "shape"),
    [
        *[("diag", s, (3,)) for s in SUPPORTS],
        *[(n, s, (3, 3)) for n in ("diagonal", "transpose") for s in (*SUPPORTS, *OF_MATRICES)],
        *[("transpose", s, (2, 4)) for s in SUPPORTS],
        *[(n, POSITIVE_DEFINITE, (3, 3)) for n in ("cholesky", "inverse_cholesky")],
    ],
)
def test_matrices_lie_in_the_support_that_was_inferred(name: str, support, shape):
    values = torch.tensor(draw(support, (400, *shape), np.random.default_rng(11)))
    found = call(FUNCTIONS[name], (values, len(shape))).numpy()
    assert lies_in(FUNCTIONS[name].support((support,)), found)


ADJOINTS = {
    "append_zero": ((2, 3), ()),
    "blocks": ((3, 4, 6), (2,)),
    "diag": ((3,), ()),
    "diagonal": ((3, 3), ()),
    "drop_last": ((2, 3), ()),
    "neighbors": ((3, 4), ()),
    "transpose": ((2, 3), ()),
    "unblocks": ((3, 2, 4), (2,)),
}


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if FUNCTIONS[name].adjoint])
def test_adjoints(name):
    """sum(y * f(x)) = sum(f'(y) * x)."""
    entry, (shape, sizes) = FUNCTIONS[name], ADJOINTS[name]
    assert entry.linear
    other = entry.shape((shape, *((n,) for n in sizes)))
    rng = np.random.default_rng(7)
    x, y = (torch.tensor(rng.normal(size=each)) for each in (shape, other))
    rest = [(n, 0) for n in sizes]
    forward = (y * call(entry, (x, len(shape)), *rest)).sum()
    back = (call(FUNCTIONS[entry.adjoint], (y, len(other)), *rest) * x).sum()
    torch.testing.assert_close(forward, back, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*MATRIX_CASES, *KERNEL_CASES])
def test_gradients_are_those_of_finite_differences(name: str):
    entry, (_, supports, shapes) = FUNCTIONS[name], (MATRIX_CASES | KERNEL_CASES)[name]
    rng = np.random.default_rng(5)
    for each in shapes:
        values = [
            torch.tensor(draw(where, shape, rng), requires_grad=True)
            for where, shape in zip(supports, each, strict=True)
        ]

        def of(*given, each=each):
            # Of a symmetric matrix the derivative is along symmetric matrices.
            first = given[0]
            if supports[0] == POSITIVE_DEFINITE:
                first = (first + first.mT) / 2
            return call(entry, *zip((first, *given[1:]), map(len, each), strict=True))

        assert torch.autograd.gradcheck(of, values)


@pytest.mark.parametrize("name", KERNEL_CASES)
def test_a_kernel_of_equal_points_is_one_and_has_finite_gradients(name: str):
    points = [[0.3, -1.0], [0.3, -1.0], [2.0, 0.5]]
    x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    scales = [(0.7, 0)] * (FUNCTIONS[name].arity[0] - 2)
    found = call(FUNCTIONS[name], (x, 2), (x, 2), *scales)
    assert found[0, 1] == found[0, 0] == 1
    assert torch.linalg.eigvalsh(found.detach()).min() > -1e-12
    (gradient,) = torch.autograd.grad(found.sum(), x)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", ["cholesky", "inverse_cholesky", "logdet"])
def test_what_is_not_positive_definite_gives_nan_and_spoils_no_other_matrix(name: str):
    good, bad = torch.eye(2), torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    found = call(FUNCTIONS[name], (torch.stack([good, bad]).double(), 2))
    assert found[0].isfinite().all() and found[1].isnan().any()


def test_a_factor_that_all_rows_share_solves_them_together():
    rng = np.random.default_rng(2)
    factor = torch.tensor(draw(CHOLESKY, (4, 4), rng))
    right = torch.tensor(rng.normal(size=(5, 3, 4)))
    entry = FUNCTIONS["solve_triangular"]
    apart = call(entry, (factor.expand(5, 3, 4, 4), 2), (right, 1))
    torch.testing.assert_close(call(entry, (factor, 2), (right, 1)), apart)
