"""Relaxed draws: discrete at their vertices, biased gradients whose bias falls with temperature.

Exact gradients are by enumeration, as in `test_gradients`.
"""

import pytest
import torch
from scipy import stats

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.distributions import bernoulli, one_hot_categorical
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import Z, gradient, sampled, settle
from tests.laws.test_gradients import HEAD, TWO, X, elbo, one_layer, two_elbo

MODULES = {"bernoulli": bernoulli, "one_hot_categorical": one_hot_categorical}
LOGITS = torch.tensor([0.8, -1.1, 0.2], dtype=torch.float64)
TEMPERATURES = (2.0, 0.5, 0.1)


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def relaxed(form, temperature):
    return f", draw: {{relax: {{form: {form}, temperature: {temperature}}}}}"


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_the_nearest_vertex_of_a_draw_has_the_distribution(name, temperature):
    """By a chi-square test at the level of 1e-6."""
    module, count = MODULES[name], 20_000
    drawn = module.relaxed_sample(Noise.at(0), LOGITS, temperature, shape=(count, 3))
    vertices = module.harden(drawn)
    seen = vertices.sum(0)
    wanted = count * (LOGITS.softmax(-1) if name == "one_hot_categorical" else LOGITS.sigmoid())
    if name == "bernoulli":
        assert ((seen - wanted).abs() < 5 * (wanted * (1 - wanted / count)).sqrt()).all()
    else:
        assert stats.chisquare(seen.numpy(), wanted.numpy()).pvalue > 1e-6
    assert ((drawn >= 0) & (drawn <= 1)).all()


@pytest.mark.parametrize("name", MODULES)
def test_the_density_is_linear_between_the_vertices(name):
    """So it is the expectation of the log-probability under the relaxed value."""
    module = MODULES[name]
    value = module.relaxed_sample(Noise.at(1), LOGITS, 1.0)
    if name == "bernoulli":
        ends = [module.log_prob(torch.full_like(value, end), LOGITS) for end in (0.0, 1.0)]
        wanted = (1 - value) * ends[0] + value * ends[1]
    else:
        wanted = value @ module.log_prob(torch.eye(3), LOGITS)
    torch.testing.assert_close(module.relaxed_log_prob(value, LOGITS), wanted)


def away(spec, exact, folder, change=None):
    """The distance of the mean gradient from the exact one, over its norm, with its error."""
    made = program(HEAD + spec, folder, change)
    settle(made)
    wanted = gradient(made, exact(made))
    mean, error, _ = sampled(made, {"x": X})
    return (mean - wanted).norm().item() / wanted.norm().item(), error.norm().item()


@pytest.mark.parametrize("name", ["one layer", "two layers"])
def test_the_bias_falls_with_the_temperature(name, tmp_path):
    """A value without noise is the mean field at any temperature, and its bias remains."""

    def spec(temperature):
        draw = relaxed("gumbel", temperature)
        if name == "one layer":
            return one_layer("elbo", draw)
        return TWO % (draw, draw) + "objective: elbo\n"

    exact = elbo if name == "one layer" else two_elbo
    found = [away(spec(temperature), exact, tmp_path) for temperature in TEMPERATURES]
    biases = [bias for bias, _ in found]
    assert biases[0] > 2 * biases[1] > 4 * biases[2], found
    assert biases[0] > 0.05 and biases[2] < 0.05, found
    if name == "one layer":
        mean = ("bernoulli.relaxed_sample(noise, h_logits, 0.1)", "h_logits.sigmoid()")
        assert away(spec(0.1), exact, tmp_path, mean)[0] > 0.05


def test_a_rounded_draw_has_the_value_of_the_bound_and_another_gradient(tmp_path):
    values = {}
    for form in ("gumbel", "straight_through"):
        made = program(HEAD + one_layer("elbo", relaxed(form, 0.5)), tmp_path)
        settle(made)
        wanted = elbo(made)
        mean, error, loss = sampled(made, {"x": X})
        away = (mean - gradient(made, wanted)).abs() / error.clamp(min=1e-9)
        assert away.max() > Z  # biased, as the reference says
        values[form] = abs(loss.item() - wanted.item())
    assert values["straight_through"] < 0.003 < values["gumbel"], values


def test_a_straight_path_is_exactly_discrete(tmp_path):
    made = program(HEAD + one_layer("elbo", relaxed("straight_through", 0.7)), tmp_path)
    text = (made.folder / "objective.py").read_text(encoding="utf-8")
    assert "h = straight_through(" in text
    soft = bernoulli.relaxed_sample(Noise.at(0), LOGITS.clone().requires_grad_(), 0.7)
    from specc.runtime.draws.relaxed import straight_through

    hard = straight_through(soft, bernoulli.harden)
    assert set(hard.tolist()) <= {0.0, 1.0}
    (slope,) = torch.autograd.grad(hard.sum(), soft)
    assert (slope == 1).all()


def test_what_has_no_relaxation_is_refused():
    spec = one_layer("elbo", ", draw: relax").replace("bernoulli, logits: 0.3", "poisson, rate: 1")
    spec = spec.replace("bernoulli, logits: up(x)", "poisson, rate: exp(up(x))")
    result, checked = compile(Source("wrong.yaml", HEAD + spec))
    assert result is None
    assert [d.code for d in checked.diagnostics] == ["E0463"]
