"""Log-likelihoods of rows: probabilities of all rows have the sum 1.

Annealed values of single rows are within 4.5 standard errors of enumeration; each of the 24
comparisons fails by chance with a probability of 7e-6.
"""

import pytest
import torch

from specc.evaluate.energies import likelihood
from specc.evaluate.energies.enumeration import log_z
from specc.evaluate.energies.likelihood import is_exact, unnormalized
from specc.evaluate.energies.log_z import Annealing
from specc.evaluate.energies.model import EnergyModel
from tests.oracles.energies import (
    CountRbm,
    Deep,
    Deeper,
    GaussianRbm,
    Rbm,
    Softmax,
    Triangle,
    binary,
    brute_free_energy,
    counts,
)

ANNEALED = Annealing(chains=200, temperatures=50, latents="ais")


def model_of(module):
    return EnergyModel.of(module, module.declared)


def all_counts(module):
    every = counts(len(module.a), module.total)
    return every[every.sum(1) == module.total]


@pytest.mark.parametrize(
    "module, rows",
    [
        (Rbm(6, 4), binary(6)),
        (Softmax(4, 3), all_counts(Softmax(4, 3))),
        (CountRbm(3, 3, scale=0.5), counts(3, 40)),
        (Deep(4, 3, 5), binary(4)),
        (Triangle(4, 3, 5), binary(4)),
    ],
    ids=["binary", "multinomial", "poisson", "deep", "three blocks"],
)
def test_the_probabilities_of_all_rows_have_the_sum_one(module, rows):
    model = model_of(module)
    assert is_exact(model.declared, model.families)
    found = unnormalized(model, {"v": rows}, Annealing())
    assert found.standard_error is None
    assert (found.values - log_z(model)).exp().sum().item() == pytest.approx(1.0, abs=1e-10)


def test_the_density_of_real_values_has_the_integral_one():
    module = GaussianRbm(1, 4)
    grid = torch.linspace(-40, 40, 800_001, dtype=torch.float64)[:, None]
    found = unnormalized(model_of(module), {"v": grid}, Annealing()).values
    total = (found - log_z(model_of(module))).exp().sum().item() * 1e-4
    assert total == pytest.approx(1.0, abs=1e-10)


MODULES = [
    Deep(4, 3, 5, scale=0.7),
    Deeper(4, 3, 3, 3, scale=0.7),
    Triangle(3, 3, 4, scale=0.7),
]


@pytest.mark.parametrize("module", MODULES)
def test_the_latents_of_a_row_are_summed_by_annealing(module, monkeypatch):
    monkeypatch.setattr(likelihood, "MOST_STATES_OF_A_ROW", 1)
    model, v = model_of(module), binary(len(module.a))
    assert not is_exact(model.declared, model.families)
    found = unnormalized(model, {"v": v}, ANNEALED)
    error = found.values + brute_free_energy(module, v)
    assert (error.abs() < 4.5 * found.standard_error).all()
    assert not ((error + 0.5).abs() < 4.5 * found.standard_error).all()
    assert (found.effective > 150).all()
    bound = unnormalized(model, {"v": v}, Annealing())
    assert bound.standard_error is None
    assert (bound.values < -brute_free_energy(module, v)).all()
    other = unnormalized(model, {"v": v}, ANNEALED, at=1)
    assert (other.values != found.values).all()


def test_units_without_latents():
    class Visible(Rbm):
        def __init__(self):
            super().__init__(4, 3)
            units = dict(self.declared.units)
            h = units["h"]
            units["h"] = type(h)(
                "observed", h.distribution, h.shape, h.method, h.given, h.parameters
            )
            self.declared = type(self.declared)(("v", "h"), None, units, self.declared.blocks)

    module = Visible()
    rows = binary(7)
    values = {"v": rows[:, :4], "h": rows[:, 4:]}
    found = unnormalized(model_of(module), values, Annealing()).values
    assert (found - log_z(model_of(module))).exp().sum().item() == pytest.approx(1.0, abs=1e-10)
