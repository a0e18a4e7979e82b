"""Densities in C++ of their own equal those of torch, with gradients, to 1e-10."""

import pytest
import torch
from torch.func import grad_and_value, vmap
from torch.nn import functional

from specc.engine.compile import cpp_library
from specc.engine.compile.cpp_library import Library
from specc.engine.samplers.lock_step import leapfrog_of
from specc.engine.step.player import NotCompiled

SIZE = 6
TABLE = torch.linspace(-1.0, 1.0, 20 * SIZE, dtype=torch.float64).reshape(20, SIZE) ** 3
GROUPS = torch.arange(20) % SIZE
STEPS = torch.linspace(-1.0, 1.0, 60, dtype=torch.float64)


def entries(q):
    """Functions of entries, comparisons and choices."""
    x = q.exp() + 0.5
    each = [q.sigmoid(), q.tanh(), q.sin() * q.cos(), q.erf(), q.atan(), torch.special.expm1(q)]
    each += [x.log(), x.log1p(), x.sqrt(), x.rsqrt(), 1.0 / x, x.lgamma(), x**3, x**1.7, x**q]
    each += [q.abs(), q.relu(), q.clamp(-0.3, 0.4), torch.maximum(q, x - 1.0), torch.sign(q) * x]
    each += [torch.where((q > 0.1) & ~(q > 0.8), q * x, x), functional.softplus(q)]
    each += [torch.where(q == q, q, 0.0) * 2, functional.logsigmoid(q)]
    chosen = torch.where(q > 0.2, q < 0.9, q < -0.4)
    each += [torch.where(chosen, q.exp(), q)]
    return torch.stack([value.sum() for value in each]).sum()


def arrays(q):
    """Views, parts, sums, products and indices."""
    wide = torch.cat([q[1:], q[:1].expand(3), q.flip(0)]).reshape(2, 7)
    found = torch.logsumexp(wide, 1).sum() + functional.log_softmax(wide, 0)[0].sum()
    found = found + wide.amax(0).mean() + wide.cumsum(1)[:, 2].sum() + wide.T[3].sum()
    rows = TABLE @ q + q[GROUPS] * TABLE[:, 0]
    found = found + (rows**2).mean() + rows.softmax(0).square().sum()
    matrix = torch.outer(q, q) + torch.eye(SIZE, dtype=q.dtype)
    found = found + (matrix @ matrix).square().sum() + functional.pad(wide, (1, -2))[:, :3].sum()
    left, right = q.unbind(0)[2], q.split(2)[1]
    return found + (left * right).sum() + wide.gather(1, torch.tensor([[1], [4]])).sum()


def recurrence(q):
    """Sixty steps, one after the other."""
    value, found = q[0], []
    for step in STEPS:
        value = q[1] * value.tanh() + q[2] * step
        found.append(value)
    return -0.5 * (torch.stack(found) - q[3]).square().sum()


def library_of(log_density, chains):
    return Library(grad_and_value(log_density), SIZE, chains)


@pytest.fixture(scope="module")
def several():
    """The library of all of them together, for several chains."""
    return library_of(every, 5)


def every(q):
    return entries(q) + arrays(q) + recurrence(q)


def positions(chains):
    return torch.randn(chains, SIZE, dtype=torch.float64, generator=torch.manual_seed(3))


def test_values_and_gradients_of_several_chains(several):
    """Five chains are one vector of four and a part of another one."""
    q = positions(5)
    slopes, values = several(q)
    wanted_slopes, wanted = vmap(grad_and_value(every))(q)
    torch.testing.assert_close(values, wanted, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(slopes, wanted_slopes, rtol=1e-10, atol=1e-10)
    own, numbers = several.of_array(q.numpy())
    assert (own == slopes.numpy()).all() and numbers == values.tolist()


def test_many_chains_have_wide_vectors_where_there_are_any(monkeypatch):
    """Nine chains are one vector and a part of another one."""
    q = positions(9)
    library = library_of(entries, 9)
    assert library.lanes == cpp_library.lanes_of(9) >= cpp_library.lanes_of(5) == 4
    slopes, values = library(q)
    wanted_slopes, wanted = vmap(grad_and_value(entries))(q)
    torch.testing.assert_close(values, wanted, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(slopes, wanted_slopes, rtol=1e-10, atol=1e-10)
    for is_wide in (False, True):
        monkeypatch.setattr(cpp_library, "_has_wide_vectors", lambda is_wide=is_wide: is_wide)
        assert [cpp_library.lanes_of(n) for n in (1, 7, 8)] == [1, 4, 8 if is_wide else 4]


def test_one_chain_has_no_lanes():
    q = positions(1)
    library = library_of(arrays, 1)
    assert library.lanes == 1
    slopes, values = library(q)
    wanted_slopes, wanted = vmap(grad_and_value(arrays))(q)
    torch.testing.assert_close(values, wanted, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(slopes, wanted_slopes, rtol=1e-10, atol=1e-10)


def test_a_trajectory_is_that_of_leapfrog_steps(several):
    q = positions(5)
    step = leapfrog_of(vmap(grad_and_value(every)))
    scales, size = torch.linspace(0.5, 2.0, SIZE, dtype=q.dtype), torch.tensor(1e-4, dtype=q.dtype)
    slopes, values = several(q)
    start = wanted = (q, q.flip(0), slopes, values)
    for _ in range(3):
        wanted = step(*wanted[:3], scales, size)
    for own, exact in zip(several.advanced(start, scales, size.item(), 3), wanted, strict=True):
        torch.testing.assert_close(own, exact, rtol=1e-8, atol=1e-8)
    assert torch.equal(start[0], positions(5)), "the start is left as it is"


def test_what_is_not_finite():
    library = library_of(lambda q: q.log().sum(), 2)
    slopes, values = library(torch.tensor([[-1.0] * SIZE, [0.0] * SIZE], dtype=torch.float64))
    assert values[0].isnan() and values[1] == -torch.inf and slopes[1].isposinf().all()


def choosing(q):
    return q.sum() if float(q[0]) > 0 else -q.sum()


def factorized(q):
    return torch.linalg.cholesky(torch.outer(q, q) + torch.eye(SIZE, dtype=q.dtype)).sum()


def moved(q):
    return q[(q > 0).long()].sum()


@pytest.mark.parametrize("log_density", [choosing, factorized, moved])
def test_other_operations_are_left_to_torch(log_density):
    with pytest.raises(NotCompiled):
        library_of(log_density, 2)


def test_large_arrays_are_left_to_torch():
    wide = torch.ones(100_000, SIZE, dtype=torch.float64)
    with pytest.raises(NotCompiled, match="too large"):
        library_of(lambda q: (wide @ q).square().sum(), 2)
