"""Laws of the maps onto each support: inverses, log-determinants, images, extremes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from specc.catalog.registry import DISTRIBUTIONS
from specc.catalog.supports import (
    CHOLESKY,
    CORR_CHOLESKY,
    NAMED,
    NATURAL,
    NONNEGATIVE,
    ONE_HOT,
    OPEN_UNIT_INTERVAL,
    ORDERED,
    POSITIVE,
    POSITIVE_DEFINITE,
    REAL,
    SIMPLEX,
    UNIT_INTERVAL,
    Interval,
    Ordered,
    Support,
    bounds,
    describe,
)
from specc.catalog.transforms import head_onto, transform_to
from specc.runtime.bijections.bijection import Bijection
from specc.runtime.distributions import normal
from specc.runtime.functions.vectors import (
    cholesky_factor,
    corr_cholesky_factor,
    positive_definite_matrix,
)
from specc.runtime.number import positive_exp
from specc.runtime.unconstrained import ordered
from tests.laws.bijecting import jacobian_log_det
from tests.laws.instantiate import module

HEAD = {
    "ordered": ordered,
    "positive_exp": positive_exp,
    "cholesky_factor": cholesky_factor,
    "corr_cholesky_factor": corr_cholesky_factor,
    "positive_definite_matrix": positive_definite_matrix,
    "__builtins__": {},
}
MATRICES = (CHOLESKY, CORR_CHOLESKY, POSITIVE_DEFINITE)


@dataclass(frozen=True)
class Case:
    """A support, and the shape of events in it."""

    support: Support
    shape: tuple[int, ...]

    def __str__(self):
        return f"{describe(self.support)} {list(self.shape)}"

    def bijection(self) -> Bijection:
        (layer,) = self.lowered().layers
        return module(layer)

    def lowered(self):
        return transform_to(self.support).bijection(self.shape)

    def draws(self, *leading: int, by: float = 1.5) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        shape = (*leading, *self.lowered().output)
        return by * torch.randn(shape, generator=generator, dtype=torch.float64)


OPEN = {"low_open": True, "high_open": True}
CASES = [
    Case(REAL, ()),
    Case(REAL, (3,)),
    Case(POSITIVE, ()),
    Case(POSITIVE, (2, 3)),
    Case(NONNEGATIVE, (2,)),
    Case(UNIT_INTERVAL, (2,)),
    Case(OPEN_UNIT_INTERVAL, (2, 2)),
    Case(Interval(-2.0, 5.0, **OPEN), (2,)),
    Case(Interval(0.0, 3.0, **OPEN), ()),
    Case(Interval(-3.0, 0.0, **OPEN), ()),
    Case(Interval(2.5, **OPEN), (2,)),
    Case(Interval(high=-1.5, **OPEN), ()),
    Case(Interval(high=0.0, **OPEN), (2,)),
    Case(SIMPLEX, (4,)),
    Case(SIMPLEX, (2, 3)),
    Case(SIMPLEX, (1,)),
    Case(ORDERED, (4,)),
    Case(ORDERED, (2, 3)),
    Case(ORDERED, (1,)),
    Case(Ordered(POSITIVE), (3,)),
    Case(Ordered(Interval(-1.5, **OPEN)), (2, 2)),
    Case(Ordered(UNIT_INTERVAL), (3,)),
    Case(Ordered(Interval(-2.0, 5.0, **OPEN)), (2,)),
    Case(CHOLESKY, (3, 3)),
    Case(CHOLESKY, (2, 2, 2)),
    Case(CHOLESKY, (1, 1)),
    Case(CORR_CHOLESKY, (2, 2)),
    Case(CORR_CHOLESKY, (4, 4)),
    Case(CORR_CHOLESKY, (2, 3, 3)),
    Case(CORR_CHOLESKY, (1, 1)),
    Case(POSITIVE_DEFINITE, (3, 3)),
    Case(POSITIVE_DEFINITE, (2, 2, 2)),
    Case(POSITIVE_DEFINITE, (1, 1)),
]
every = pytest.mark.parametrize("case", CASES, ids=str)


def coordinates(x: Tensor, support: Support) -> Tensor:
    """The free entries of an event, as many as it has degrees of freedom."""
    if support == SIMPLEX:
        return x[..., :-1]
    if support in MATRICES:
        rows, columns = torch.tril_indices(x.shape[-1], x.shape[-1], -(support == CORR_CHOLESKY))
        return x[..., rows, columns]
    return x


def completed(part: Tensor, support: Support) -> Tensor:
    """The event with these coordinates."""
    if support == SIMPLEX:
        return torch.cat([part, 1 - part.sum(-1, keepdim=True)], -1)
    if support in MATRICES:
        below = int(support == CORR_CHOLESKY)
        size = math.isqrt(2 * part.shape[-1]) + below
        rows, columns = torch.tril_indices(size, size, -below)
        x = part.new_zeros((*part.shape[:-1], size, size))
        x[..., rows, columns] = part
        if support == POSITIVE_DEFINITE:
            return x + x.tril(-1).mT
        if support == CORR_CHOLESKY:
            return x + (1 - x.square().sum(-1)).sqrt().diag_embed()
        return x
    return part


def inside(x: Tensor, support: Support) -> bool:
    """Whether all values are in the interior of the support."""
    if support == SIMPLEX:
        near = 16 * x.shape[-1] * torch.finfo(x.dtype).eps
        return bool((x > 0).all() and ((x.sum(-1) - 1).abs() < near).all())
    if support == ORDERED:
        return bool((x.diff(dim=-1) >= 0).all())  # rounding may make large neighbours equal
    if support == CHOLESKY:
        diagonal = x.diagonal(dim1=-2, dim2=-1)
        return bool((diagonal > 0).all() and torch.equal(x, x.tril()))
    if support == CORR_CHOLESKY:
        norms = x.square().sum(-1)
        return inside(x, CHOLESKY) and torch.allclose(norms, torch.ones_like(norms))
    if support == POSITIVE_DEFINITE:
        return bool((x.diagonal(dim1=-2, dim2=-1) > 0).all() and torch.equal(x, x.mT))
    within = bounds(support)
    return bool((x > within.low).all() and (x < within.high).all())


@every
def test_each_way_undoes_the_other(case):
    f, u = case.bijection(), case.draws(7)
    x, log_det = f(u)
    assert x.shape == (7, *case.shape) and log_det.shape == (7,)
    assert inside(x, case.support)
    again, negative = f.inverse(x)
    torch.testing.assert_close(again, u, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(negative, -log_det, atol=1e-10, rtol=1e-10)


@every
def test_log_determinants_are_those_of_the_jacobian(case):
    f, u = case.bijection(), case.draws(3)
    x, log_det = f(u)
    if not u.numel():
        assert not log_det.any()  # a simplex of one entry, or one variable
        return
    _, negative = f.inverse(x)
    part = coordinates(x, case.support)
    for i in range(3):
        onward = jacobian_log_det(lambda v: coordinates(f(v)[0], case.support), u[i])
        back = jacobian_log_det(lambda v: f.inverse(completed(v, case.support))[0], part[i])
        torch.testing.assert_close(log_det[i], onward, atol=1e-9, rtol=1e-9)
        torch.testing.assert_close(negative[i], back, atol=1e-9, rtol=1e-9)


# The product of a factor with its transpose rounds small eigenvalues away.
@pytest.mark.parametrize("case", [c for c in CASES if c.support != POSITIVE_DEFINITE], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_far_out_values_stay_inside_and_gradients_are_finite(case, dtype):
    f = case.bijection()
    for size in (20.0, 80.0, 1e4):
        u = torch.cat([size * case.draws(4, by=1.0).sign(), torch.zeros_like(case.draws(1))])
        u = u.to(dtype).requires_grad_()
        x, log_det = f(u)
        assert inside(x, case.support) and x.dtype == dtype
        back, _ = f.inverse(x)
        assert x.isfinite().all() and log_det.isfinite().all() and back.isfinite().all()
        (gradient,) = torch.autograd.grad(x.sum() + back.sum() + log_det.sum(), u)
        assert gradient.isfinite().all()


@every
def test_any_axes_may_lead(case):
    f, u = case.bijection(), case.draws(2, 3)
    x, log_det = f(u)
    one, alone = f(u[1, 2])
    torch.testing.assert_close(one, x[1, 2])
    torch.testing.assert_close(alone, log_det[1, 2])


@every
def test_it_compiles_as_one_graph(case):
    f, u = case.bijection(), case.draws(2)
    compiled = torch.compile(f, backend="aot_eager", fullgraph=True, dynamic=False)
    for got, expected in zip(compiled(u), f(u), strict=True):
        torch.testing.assert_close(got, expected)
    torch._dynamo.reset()


@pytest.mark.parametrize(
    "case, volume",
    [
        (Case(Interval(-2.0, 5.0), ()), 7.0),
        (Case(OPEN_UNIT_INTERVAL, ()), 1.0),
        (Case(SIMPLEX, (3,)), 1 / 2),
    ],
    ids=str,
)
def test_the_volume_of_a_bounded_support_is_the_integral_of_the_determinant(case, volume):
    side = torch.linspace(-40, 40, 2001, dtype=torch.float64)
    degrees = math.prod(case.lowered().output)
    u = torch.cartesian_prod(*[side] * degrees).reshape(-1, *case.lowered().output)
    _, log_det = case.bijection()(u)
    found = log_det.exp().sum() * (side[1] - side[0]) ** degrees
    assert abs(found - volume) < 1e-6 * volume


@every
def test_the_map_of_heads_reaches_the_support_and_is_the_bijection(case):
    """They are equal for elementwise maps and Cholesky factors; softmax is not stick breaking."""
    to = head_onto(case.support)
    u = case.draws(5)
    if case.support == SIMPLEX:
        raw = torch.randn(5, *case.shape, dtype=torch.float64)
        assert inside(eval(to.code.format("raw"), {**HEAD, "raw": raw}), SIMPLEX)
        return
    raw = u
    if case.support in MATRICES:
        size = case.shape[-1]
        rows, columns = torch.tril_indices(size, size, -(case.support == CORR_CHOLESKY))
        raw = torch.randn(5, *case.shape, dtype=torch.float64)
        raw[..., rows, columns] = u
    x = eval(to.code.format("raw"), {**HEAD, "raw": raw})
    assert torch.equal(x, case.bijection()(u)[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_positive_numbers_of_a_head_stay_positive_and_finite(dtype):
    """A scale of 0 has no log-density at its location; the exponential function gives one."""
    far = torch.tensor([-1e5, -800.0, -110.0, -3.0, 60.0, 100.0, 800.0, 1e5], dtype=dtype)

    def log_density(code: str) -> Tensor:
        scale = eval(code.format("far"), {**HEAD, "far": far})
        return normal.log_prob(torch.zeros_like(far), 0.0, scale)

    scale = eval(head_onto(POSITIVE).code.format("far"), {**HEAD, "far": far})
    assert (scale > 0).all()
    assert scale.isfinite().all()
    assert log_density(head_onto(POSITIVE).code).isfinite().all()
    assert log_density(transform_to(POSITIVE).code).isnan().any()
    assert torch.equal(scale[3:5], far[3:5].exp())


# `init:` of such a matrix or vector fills the unconstrained numbers themselves.
OTHERS = [c for c in CASES if c.support not in MATRICES and not isinstance(c.support, Ordered)]


@pytest.mark.parametrize("case", OTHERS, ids=str)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_inverse_finds_what_an_init_starts_from(case, share):
    to, within = transform_to(case.support), bounds(case.support)
    low = within.low if within.low > -math.inf else min(-5.0, within.high - 5.0)
    high = within.high if within.high < math.inf else low + 10.0
    value = low + share * (high - low)
    raw = torch.full((4,), to.inverse(value), dtype=torch.float64)
    x = eval(to.code.format("raw"), {**HEAD, "raw": raw})
    expected = torch.full_like(x, 0.25 if case.support == SIMPLEX else value)
    torch.testing.assert_close(x, expected)


def test_every_continuous_support_of_the_catalog_is_reached():
    known = {"low": -1.0, "high": 2.0, "n": 3.0}
    needed = set(NAMED.values())
    for entry in DISTRIBUTIONS.values():
        needed |= {parameter.support for parameter in entry.parameters}
        needed.add(entry.result(known))
    reached = {support for support in needed if not support.discrete}
    assert len(reached) > 5
    assert all(transform_to(support) is not None for support in reached)


@pytest.mark.parametrize("support", [NATURAL, ONE_HOT, Interval(2.0, 2.0)])
def test_what_no_smooth_map_reaches_has_none(support):
    assert transform_to(support) is None
