"""Laws of objectives that train an energy without a chain: score matching, and contrast with noise.

The energy is that of a normal distribution with a mean m and precisions p, or of a network. The
mean gradient is 0 at the truth. Where a loss has noise it is a mean over `CHUNKS` batches, within
`FAR` standard errors: a false alarm for one seed in 500,000 and number, of at most 10 numbers.
"""

import pytest
import torch

from specc.runtime.functions.laplacian import laplacian
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.losses import computed
from tests.oracles.chains import FAR

CHUNKS, ROWS = 50, 2000
NORMAL = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [3]}}}
model:
  m: {parameter: real, shape: [3]}
  p: {parameter: positive, shape: [3]}
  c: {parameter: real}
  x: {observed: normal}
  energy: "sum(p * (x - m) ** 2) / 2 + c"
"""
NETWORK = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [3]}}}
model:
  x: {observed: normal, draw: {mala: {step_size: 0.1}}}
  energy: "f(x)"
links: {f: {mlp: [6], activation: tanh}}
"""
CONTRAST = "programs: {contrast: {x: {latent: normal, loc: 0, scale: 1.5, shape: [3]}}}\n"
EXACT = "objective: score_matching\n"
SLICED = "objective: sliced_score_matching\n"
DENOISING = "objective: {denoising_score_matching: {sigma: 0.8}}\n"
NOISE = CONTRAST + "objective: {noise_contrastive: {noise: contrast.x}}\n"
MEAN = torch.tensor([0.5, -1.0, 0.2], dtype=torch.float64)
DEVIATION = torch.tensor([0.7, 1.0, 1.4], dtype=torch.float64)


def noise(*counters):
    return Noise.at(11, *counters, dtype=torch.float64)


def at(model, mean=MEAN, deviation=DEVIATION, constant=0.0):
    """Set the parameters of the normal energy."""
    with torch.no_grad():
        model.m.copy_(mean)
        model.log_p.copy_(-2 * deviation.log())
        model.c.fill_(constant)


def sigma_points():
    """Rows with exactly the mean and the covariance of the normal distribution."""
    moves = 3**0.5 * torch.diag(DEVIATION)
    return torch.cat([MEAN + moves, MEAN - moves])


def drawn(number, rows=ROWS):
    return MEAN + DEVIATION * noise(1, number).normal((rows, 3))


def gradient(made, x, number=0):
    (loss,) = made.manifest.losses
    value = computed(made, {"x": x}, noise(2, number), name=loss.name)[0]
    found = torch.autograd.grad(value, list(made.parameters()), allow_unused=True)
    return torch.cat([g.flatten() for g in found if g is not None])


def z_of_gradient(made):
    """The largest mean of a coordinate of the gradient, in standard errors."""
    every = torch.stack([gradient(made, drawn(n), n) for n in range(CHUNKS)])
    return (every.mean(0) / (every.std(0) / CHUNKS**0.5)).abs().max().item()


def loss_of(made, x, number=0):
    (loss,) = made.manifest.losses
    return computed(made, {"x": x}, noise(2, number), name=loss.name)[0].detach()


def test_score_matching_has_its_minimum_at_the_truth(tmp_path):
    """The loss is quadratic in x, so rows with the exact moments give the exact mean."""
    made = program(NORMAL + EXACT, tmp_path)
    at(made.model)
    assert gradient(made, sigma_points()).abs().max() < 1e-12
    at(made.model, deviation=1.1 * DEVIATION)
    assert gradient(made, sigma_points()).abs().max() > 0.1
    at(made.model, mean=MEAN + 0.1)
    assert gradient(made, sigma_points()).abs().max() > 0.01


def test_the_laplacian_with_the_other_sign_has_no_minimum_at_the_truth(tmp_path):
    made = program(NORMAL + EXACT, tmp_path, ("- laplacian", "+ laplacian"))
    at(made.model)
    assert gradient(made, sigma_points()).abs().max() > 0.1


def test_sliced_score_matching_has_a_mean_gradient_of_zero_at_the_truth(tmp_path):
    made = program(NORMAL + SLICED, tmp_path)
    at(made.model)
    assert z_of_gradient(made) < FAR
    at(made.model, deviation=1.1 * DEVIATION)
    assert z_of_gradient(made) > 2 * FAR


def test_the_mean_of_sliced_score_matching_is_the_exact_one(tmp_path):
    made, exact = program(NETWORK + SLICED, tmp_path), program(NETWORK + EXACT, tmp_path)
    exact.model.load_state_dict(made.model.state_dict())
    x = drawn(0, 20)
    values = torch.stack([loss_of(made, x.repeat(100, 1), n) for n in range(CHUNKS)])
    error = values.std() / CHUNKS**0.5
    assert abs(values.mean() - loss_of(exact, x)) < FAR * error
    assert abs(values.mean() - loss_of(exact, x + 0.5)) > 2 * FAR * error


def test_denoising_fits_the_density_of_data_with_noise(tmp_path):
    """Its variance is that of the data plus sigma^2; that of the data alone is no optimum."""
    made = program(NORMAL + DENOISING, tmp_path)
    at(made.model, deviation=(DEVIATION**2 + 0.8**2).sqrt())
    assert z_of_gradient(made) < FAR
    at(made.model)
    assert z_of_gradient(made) > 2 * FAR


def log_z():
    return (DEVIATION * (2 * torch.pi) ** 0.5).log().sum().item()


def test_the_contrast_with_noise_is_least_at_the_truth_with_its_normalizer(tmp_path):
    """The constant of the energy at the optimum is log Z."""
    made = program(NORMAL + NOISE, tmp_path)
    at(made.model, constant=log_z())
    assert z_of_gradient(made) < FAR
    at(made.model, constant=log_z() + 0.1)
    assert z_of_gradient(made) > 2 * FAR
    at(made.model, deviation=1.1 * DEVIATION, constant=log_z())
    assert z_of_gradient(made) > 2 * FAR


def test_the_log_normalizer_is_learnt(tmp_path):
    """From wrong parameters to the optimum for 50,000 rows, whose error is about 0.01."""
    made = program(NORMAL + NOISE, tmp_path)
    at(made.model, MEAN + 0.3, 1.3 * DEVIATION)
    x, parameters = drawn(0, 50_000), list(made.parameters())
    optimizer = torch.optim.LBFGS(parameters, max_iter=60, line_search_fn="strong_wolfe")
    (loss,) = made.manifest.losses

    def closure():
        optimizer.zero_grad()
        value = computed(made, {"x": x}, noise(2), name=loss.name)[0]
        value.backward()
        return value

    optimizer.step(closure)
    assert abs(made.model.c.item() - log_z()) < 0.1
    assert (made.model.m - MEAN).abs().max() < 0.1


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_the_laplacian_is_the_trace_of_the_hessian(shape):
    x = noise(3).normal((5, *shape))
    weight = noise(4).normal(shape)

    def f(x):
        inner = (weight * x).flatten(1).sum(-1) if shape else weight * x
        return torch.sin(inner) + (x**4).flatten(1).sum(-1) if shape else torch.sin(inner) + x**4

    def one(row):
        return f(row[None])[0]

    size = max(1, x[0].numel())
    hessian = torch.autograd.functional.hessian
    wanted = [hessian(one, row).reshape(size, size).trace() for row in x]
    torch.testing.assert_close(laplacian(f, x), torch.stack(wanted))
    assert laplacian(f, x).shape == (5,)


def test_the_gradient_passes_through_a_laplacian():
    x = noise(5).normal((5, 3))
    p = torch.ones(3, dtype=torch.float64, requires_grad=True)
    found = laplacian(lambda v: (p**2 * v**2).sum(-1), x)
    (slope,) = torch.autograd.grad(found.sum(), p)
    torch.testing.assert_close(slope, 20 * p)
