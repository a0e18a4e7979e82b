"""Properties of single bijections: volumes, masks, initial values, bounds, series."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from specc.catalog.link import LinkShapeError
from specc.runtime.bijections import determinant
from specc.runtime.bijections.actnorm import ActNorm
from specc.runtime.bijections.affine import Affine
from specc.runtime.bijections.autoregressive import masks
from specc.runtime.bijections.chain import Chain
from specc.runtime.bijections.coupling import AdditiveCoupling
from specc.runtime.bijections.data_dependent_init import (
    initializing,
    is_initializing,
    needs_initialization,
)
from specc.runtime.bijections.fixed_point import fixed_point
from specc.runtime.bijections.implicit import Implicit
from specc.runtime.bijections.invertible_linear import InvertibleLinear
from specc.runtime.bijections.lipschitz_network import (
    LIPSCHITZ_ACTIVATIONS,
    LipschitzNetwork,
    spectral_bound,
    spectrally_normalized,
)
from specc.runtime.bijections.planar import Planar
from specc.runtime.bijections.residual import InvertibleResidual
from specc.runtime.noise import Noise
from specc.runtime.solver_failures import on_solver_failure
from tests.laws.bijecting import Case, draws, lowered, nested, shaken

Z = 4.5


def shake(f, by=0.5, seed=0):
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in f.parameters():
            parameter += by * torch.randn_like(parameter)
    return f


# NICE, matrices, masks.


def test_additive_couplings_keep_volumes():
    f = shake(AdditiveCoupling(5, "last", (7,), "tanh").double())
    x, log_det = f(torch.randn(4, 5).double())
    assert (log_det == 0).all()
    whole = shaken(nested("nice", (5,), layers=3, hidden=[7], activation="tanh"))
    scale = whole.get_submodule("0").log_scale.sum()
    torch.testing.assert_close(whole(x)[1], scale.expand(4))


def test_the_matrix_has_the_determinant_that_it_says():
    f = shake(InvertibleLinear((3, 4, 2), seed=1).double(), by=0.2)
    x = torch.randn(2, 3, 4, 2).double()
    expected = 4 * 2 * torch.linalg.slogdet(f.matrix())[1]
    torch.testing.assert_close(f.inverse(x)[1], expected.expand(2))
    torch.testing.assert_close(f.matrix() @ f.inverse_matrix(), torch.eye(3).double())
    u = torch.einsum("ij,...jhw->...ihw", f.matrix(), x)
    torch.testing.assert_close(f.inverse(x)[0], u)


def test_a_fresh_matrix_is_a_rotation_that_its_seed_decides():
    first, again, other = (InvertibleLinear((6,), seed=s).double() for s in (0, 0, 1))
    eye = torch.eye(6).double()
    torch.testing.assert_close(first.matrix() @ first.matrix().mT, eye, atol=1e-6, rtol=0)
    assert torch.equal(first.matrix(), again.matrix())
    assert not torch.allclose(first.matrix(), other.matrix())


@pytest.mark.parametrize("size, hidden", [(5, (7, 9)), (4, (2,)), (1, (3,)), (6, (4, 3, 8))])
@pytest.mark.parametrize("least", [0, 1])
def test_masks_are_strictly_triangular_and_waste_nothing(size, hidden, least):
    made = masks(size, hidden, 2, least)
    seen = made[0]
    for mask in made[1:]:
        seen = mask @ seen
    for part in seen.chunk(2):
        assert (part.triu() == 0).all()
        if min(hidden) >= size - 1:
            assert (part.tril(-1) > 0).sum() == size * (size - 1) // 2
    if size > 1:
        assert (seen[:, :-1].sum(0) > 0).all()


@pytest.mark.parametrize("kind, way", [("maf", "inverse"), ("iaf", "forward")])
def test_one_layer_is_triangular(kind, way):
    f = shaken(nested(kind, (5,), layers=1, hidden=[16], activation="tanh"))
    value = torch.randn(5).double()
    found = torch.autograd.functional.jacobian(lambda v: getattr(f, way)(v)[0], value)
    assert (found.triu(1) == 0).all()
    assert (found.tril(-1).abs() > 1e-8).sum() == 10


def test_planar_inverses_are_exact_where_the_map_is_almost_flat():
    f = Planar(1).double()
    with torch.no_grad():
        f.parameter.bias.copy_(torch.tensor([3.0, -4.0, 0.1]))
    u = torch.linspace(-5, 5, 101).double()[:, None]
    torch.testing.assert_close(f.inverse(f(u)[0])[0], u, atol=1e-8, rtol=0)


# Equations without a solution.


def test_a_fixed_point_that_was_not_reached_is_no_number():
    """Of three vectors one has no fixed point, one has one, and one is NaN."""
    told = []
    start = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, torch.nan]]).double()
    far = torch.tensor([[False], [True], [False]])
    with on_solver_failure(lambda what, count: told.append((what, count))):
        found = fixed_point(lambda x: torch.where(far, x + 1, 1 + x / 2), start)
    torch.testing.assert_close(found[0], torch.full((2,), 2.0).double())
    assert found[1].isnan().all()
    assert told == [("a fixed point was not reached in 2,000 steps", 1)]


def test_a_gradient_through_a_fixed_point_that_was_not_reached_is_no_number(monkeypatch):
    f = shaken(nested("residual", (3,), layers=1, hidden=[9]), by=1.0)
    u = torch.randn(4, 3).double().requires_grad_()
    x = f.forward_value(u)
    monkeypatch.setattr("specc.runtime.bijections.fixed_point.MOST", 1)
    (grad,) = torch.autograd.grad(x.sum(), u)
    assert grad.isnan().all()


@pytest.mark.parametrize("steep", [1.0, 1e10])
def test_a_planar_value_whose_root_was_not_found_is_no_number(steep):
    """The map is so steep that its interval of 10^10 is too long for the bisections."""
    f = Planar(1).double()
    with torch.no_grad():
        f.parameter.bias.copy_(torch.tensor([1.0, steep, 0.1]))
    told, u = [], torch.tensor([[0.3], [-1.0]]).double()
    x, _ = f(u)
    with on_solver_failure(lambda what, count: told.append((what, count))):
        again, negative = f.inverse(x)
    if steep == 1.0:
        torch.testing.assert_close(again, u)
        assert not told
    else:
        assert again.isnan().any() and negative.isnan().any()
        assert told[0][0] == "the root of an equation was not found in 30 steps"
        known = ~again[:, 0].isnan()
        torch.testing.assert_close(again[known], u[known], atol=1e-5, rtol=0)


# Data-dependent initialization.


@pytest.mark.parametrize("shape", [(3,), (3, 4, 4)])
@pytest.mark.parametrize("way", ["forward", "inverse"])
def test_the_first_batch_is_whitened(shape, way):
    f = ActNorm(shape).double()
    value = 5 + 3 * torch.randn(2, 50, *shape).double()
    assert needs_initialization(f) and not is_initializing()
    with initializing():
        assert is_initializing()
        result, _ = getattr(f, way)(value)
    axes = [a for a in range(result.ndim) if a != 2]
    torch.testing.assert_close(result.mean(axes), torch.zeros(3).double(), atol=1e-9, rtol=0)
    torch.testing.assert_close(result.std(axes, correction=0), torch.ones(3).double())
    kept = parameters_to_vector(f.parameters()).clone()
    getattr(f, way)(7 * value)
    assert torch.equal(kept, parameters_to_vector(f.parameters()))


def test_a_constant_channel_and_a_single_row_are_only_shifted():
    f = ActNorm((2,)).double()
    with initializing():
        u, log_det = f.inverse(torch.tensor([[2.0, 5.0]]).double())
    assert (u == 0).all() and (log_det == 0).all()


def test_a_start_ends_with_an_error_too():
    with pytest.raises(KeyError), initializing():
        raise KeyError
    assert not is_initializing()


def test_only_what_has_data_dependent_init_wants_a_start():
    assert needs_initialization(shaken(nested("glow", steps=1)))
    assert not needs_initialization(shaken(nested("realnvp", layers=1)))


def test_every_actnorm_of_a_deep_map_starts():
    f = shaken(nested("glow", (2, 8, 8), steps=2, scales=2, channels=8), by=0.0)
    x = 3 + 2 * torch.randn(64, 2, 8, 8).double()
    with initializing():
        f.inverse(x)
    u, _ = f.inverse(x)
    assert abs(u.mean()) < 0.1 and abs(u.std() - 1) < 0.1


# Images.


def test_an_image_is_handed_out_in_parts():
    f = shaken(nested("glow", (3, 8, 8), steps=1, scales=3, channels=4), by=0.0)
    u, _ = draws(nested("glow", (3, 8, 8), steps=1, scales=3, channels=4), 2)
    assert u.shape == (2, 192)
    assert f.parts == [96, 48, 48]
    assert f(u)[0].shape == (2, 3, 8, 8)


@pytest.mark.parametrize(
    "given, shape, reason",
    [
        ({"scales": 3}, (1, 28, 28), "8 divides not both"),
        ({"hidden": [8]}, (1, 28, 28), "`hidden` means nothing"),
        ({"channels": 8}, (4,), "`channels` means nothing"),
        ({}, (1,), "is given \\[1\\]"),
        ({}, (2, 2), "maps vectors"),
    ],
)
def test_what_glow_cannot_map_is_refused(given, shape, reason):
    with pytest.raises(LinkShapeError, match=reason):
        lowered(Case("glow", {"glow": given}, shape))


# Contractions.


@pytest.mark.parametrize("shape", [(2, 2), (128, 128), (128, 2), (3, 700), (1, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_spectral_bound_holds_and_is_tight(shape, dtype):
    for seed, scale in itertools.product(range(5), (1e-4, 1.0, 1e4)):
        generator = torch.Generator().manual_seed(seed)
        weight = scale * torch.randn(shape, generator=generator, dtype=dtype)
        sigma = torch.linalg.matrix_norm(weight, 2)
        assert (1 - 1e-5) * sigma <= spectral_bound(weight) <= 1.02 * sigma


def test_the_spectral_bound_is_tight_for_rotations_and_smooth_at_zero():
    rotation = torch.linalg.qr(torch.randn(128, 128).double())[0]
    assert 1 <= spectral_bound(rotation) <= 1.02
    zero = torch.zeros(3, 4, requires_grad=True)
    spectrally_normalized(zero, 0.9).sum().backward()
    assert zero.grad.isfinite().all()


@pytest.mark.parametrize("name", sorted(LIPSCHITZ_ACTIVATIONS))
def test_activations_have_the_slopes_that_they_return_and_none_beyond_one(name):
    t = torch.linspace(-20, 20, 4001, dtype=torch.float64, requires_grad=True)
    for b in (-2.0, 0.5, 3.0):
        value, slope = LIPSCHITZ_ACTIVATIONS[name](t, torch.tensor(b, dtype=torch.float64))
        (expected,) = torch.autograd.grad(value.sum(), t)
        torch.testing.assert_close(slope, expected)
        assert slope.abs().max() <= 1


@pytest.mark.parametrize("name", sorted(LIPSCHITZ_ACTIVATIONS))
def test_a_contraction_contracts_and_knows_its_jacobian(name):
    g = shake(LipschitzNetwork(3, (9, 7), name, 0.97, 2).double(), by=2.0)
    at = g.at(torch.randn(6, 2).double())
    x, v = torch.randn(6, 3).double(), torch.randn(6, 3).double()
    _, slopes = at.with_slopes(x)
    jacobian = at.jacobian(slopes)
    for i in range(6):
        expected = torch.autograd.functional.jacobian(lambda y, i=i: at(y.expand(6, 3))[i], x[i])
        torch.testing.assert_close(jacobian[i], expected)
    assert torch.linalg.matrix_norm(jacobian, 2).max() <= 0.97**3
    torch.testing.assert_close(at.times(slopes, v), torch.einsum("bij,bj->bi", jacobian, v))
    torch.testing.assert_close(at.transposed(slopes, v), torch.einsum("bij,bi->bj", jacobian, v))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fixed_points_are_found_where_plain_steps_are_slow(dtype):
    """A linear map with slopes from -0.99 to 0.99, and a nonlinear one."""
    matrix = torch.diag(torch.linspace(-0.99, 0.99, 20, dtype=dtype))
    goal = torch.randn(50, 20, dtype=dtype)
    count = 0

    def f(x):
        nonlocal count
        count += 1
        return goal - torch.sin(x) @ matrix

    x = fixed_point(f, goal)
    assert count < 200
    eps = 100 * torch.finfo(dtype).eps
    assert ((x - f(x)).norm(dim=-1) < eps * (1 + x.norm(dim=-1))).all()


# The series of the log-determinant.


SIZE = 12


def blocks(kind):
    f = InvertibleResidual if kind == "residual" else Implicit
    return shake(f(SIZE, (9, 7), "sin", 0.8).double(), by=1.0)


@pytest.mark.parametrize("kind", ["residual", "implicit"])
@pytest.mark.parametrize("way", ["forward", "inverse"])
def test_the_noisy_log_determinant_is_unbiased_and_so_is_its_gradient(kind, way):
    f = blocks(kind)
    value = torch.randn(SIZE).double()
    n = 20
    exact = getattr(f, way)(value)[1]
    direction = [torch.randn_like(p) for p in f.parameters()]
    values, slopes = [], []
    for seed in range(n):
        noise = Noise.at(seed, 1, dtype=torch.float64)
        found = getattr(f, way)(value.expand(200, SIZE), noise=noise)[1].mean()
        values.append(found.detach())
        slopes.append(along(found, f, direction))
    assert zscore(values, exact.detach()) < Z
    assert zscore(slopes, along(exact, f, direction)) < Z


def along(value, f, direction):
    grads = torch.autograd.grad(value, list(f.parameters()), allow_unused=True)
    pairs = zip(grads, direction, strict=True)
    return sum((g * d).sum() for g, d in pairs if g is not None)


def zscore(found, exact):
    found = torch.stack(found)
    return (found.mean() - exact).abs() / (found.std() / len(found) ** 0.5)


def estimates(factors, n=3000):
    """|z| of estimates of log det(I + J) with these factors, for J close to -0.8 I."""
    network = LipschitzNetwork(3, (3,), "sin", 0.9).double()
    with torch.no_grad():
        network.linear[0].bias.zero_()
        network.linear[0].weight.copy_(torch.eye(3))
        network.linear[1].weight.copy_(-torch.eye(3))
    g, x = network.at(None), torch.zeros(3).double()
    _, slopes = g.with_slopes(x)
    exact = determinant.log_det(g, slopes, x, None)
    noise = Noise.at(0, 1, dtype=torch.float64)
    found = []
    for _ in range(n):
        probe = torch.where(noise.uniform((3,)) < 0.5, -1.0, 1.0).double()
        found.append(determinant.series(g, slopes, probe, factors(float(noise.uniform(())))))
    return zscore([f.detach() for f in found], exact.detach())


def test_few_columns_are_exact_with_noise_too():
    f = shake(InvertibleResidual(2, (9,), "sin", 0.8).double())
    x = torch.randn(4, 2).double()
    assert torch.equal(f.inverse(x)[1], f.inverse(x, noise=Noise.at(0, 1))[1])


def test_roulette_is_unbiased_and_without_its_factors_it_is_not(monkeypatch):
    monkeypatch.setattr(determinant, "ALWAYS", 1)
    assert estimates(determinant.roulette) < Z
    assert estimates(lambda u: [1.0] * len(determinant.roulette(u))) > Z


def test_what_is_left_of_the_series_is_within_its_bound():
    g = shake(LipschitzNetwork(3, (9,), "sin", 0.9).double(), by=2.0).at(None)
    x = torch.randn(5, 3).double()
    _, slopes = g.with_slopes(x)
    exact = determinant.log_det(g, slopes, x, None)
    lipschitz = 0.9**2
    for n in (1, 2, 5, 20):
        probes = torch.eye(3).double()[:, None].expand(3, 5, 3)
        cut = determinant.series(g, slopes, probes, [1.0] * n).sum(0)
        most = 3 * lipschitz ** (n + 1) / ((n + 1) * (1 - lipschitz))
        assert ((cut - exact).abs() <= most).all()
    torch.testing.assert_close(
        determinant.series(g, slopes, probes, [1.0] * 200).sum(0), exact, atol=1e-9, rtol=0
    )


def test_a_chain_hands_the_noise_to_those_that_take_it():
    f = Chain(Affine((SIZE,)), blocks("residual"), Affine((SIZE,))).double()
    x = torch.randn(4, SIZE).double()
    exact = f.inverse(x)[1]
    first, again, other = (
        f.inverse(x, noise=Noise.at(s, 1, dtype=torch.float64))[1] for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.allclose(first, other) and not torch.allclose(first, exact)
    assert not torch.allclose(f(x)[1], f(x, noise=Noise.at(0, 1, dtype=torch.float64))[1])


# A function that an implicit block fits and a residual block does not.


def fitted(f, steps):
    """The largest error on [-1, 1] of a fit to u = 3.5 x + sin(2 x) / 2, whose slope is over 2."""
    x = torch.linspace(-1, 1, 64).double()[:, None]
    goal = 3.5 * x + (2 * x).sin() / 2
    optimizer = torch.optim.Adam(f.parameters(), lr=1e-2)
    for _ in range(steps):
        u, _ = f.inverse(x)
        loss = (u - goal).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (f.inverse(x)[0] - goal).abs().max().item()


def test_an_implicit_block_fits_a_slope_above_two_and_a_residual_block_does_not():
    torch.manual_seed(0)
    implicit = Implicit(1, (32,), "sin", 0.99).double()
    residual = InvertibleResidual(1, (32,), "sin", 0.99).double()
    assert fitted(implicit, 300) < 0.15
    assert fitted(residual, 300) > 1.0
