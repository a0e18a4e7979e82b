"""Log Z by enumeration of one block, against sums over all states and integrals, to 1e-10.

Wrong conditionals change it, since the other block is summed out by the conditional's
log-partition.
"""

import math

import pytest
import torch

from specc.evaluate.energies import enumeration
from specc.evaluate.energies.enumeration import fewest_states, log_sum, log_z, states_in_words
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import Path, neutral_base
from specc.runtime.exponential_families import Bernoulli, Normal
from tests.oracles.energies import (
    CountRbm,
    Deep,
    Deeper,
    GaussianRbm,
    OneHotRbm,
    Rbm,
    Softmax,
    Triangle,
    binary,
    brute_free_energy,
    brute_log_z,
    count_log_z,
    counts,
    flip,
    gaussian_log_z,
)


def model_of(module):
    return EnergyModel.of(module, module.declared)


def one_hot_log_z(module):
    visible, classes = module.shape
    rows = torch.cartesian_prod(*[torch.arange(classes)] * visible)
    return (-brute_free_energy(module, torch.eye(classes).double()[rows])).logsumexp(0).item()


def softmax_log_z(module):
    every = counts(len(module.a), module.total)
    return count_log_z(module, every[every.sum(1) == module.total])


CASES = {
    "1-1": (lambda: Rbm(1, 1), brute_log_z),
    "6-4": (lambda: Rbm(6, 4, seed=1), brute_log_z),
    "4-9": (lambda: Rbm(4, 9, seed=2, scale=3.0), brute_log_z),
    "one-hot": (lambda: OneHotRbm(3, 4, 5), one_hot_log_z),
    "one-hot, fewer visible states": (lambda: OneHotRbm(2, 3, 7), one_hot_log_z),
    "Poisson": (lambda: CountRbm(3, 3, scale=0.5), lambda m: count_log_z(m, counts(3, 40))),
    "multinomial": (lambda: Softmax(4, 3), softmax_log_z),
    "multinomial, fewer visible states": (lambda: Softmax(2, 6), softmax_log_z),
    "normal": (lambda: GaussianRbm(5, 4), gaussian_log_z),
    "6-6-6": (lambda: Deep(6, 6, 6), brute_log_z),
    "2-7-3": (lambda: Deep(2, 7, 3, seed=3), brute_log_z),
    "5-4-5-4": (lambda: Deeper(5, 4, 5, 4), brute_log_z),
    "three blocks": (lambda: Triangle(4, 3, 5), brute_log_z),
}


@pytest.mark.parametrize("case", CASES)
def test_log_z_is_the_sum_over_all_states(case):
    make, oracle = CASES[case]
    module = make()
    assert log_z(model_of(module)) == pytest.approx(oracle(module), abs=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_a_sign_error_of_the_summed_unit_changes_it(case):
    make, oracle = CASES[case]
    module = make()
    summed, _ = fewest_states(module.declared, model_of(module).families)
    flip(module, summed[0])
    assert abs(log_z(model_of(module)) - oracle(module)) > 1e-3


@pytest.mark.parametrize("make", [lambda: Rbm(6, 4), lambda: GaussianRbm(5, 4)])
def test_a_forgotten_log_partition_changes_it(make, monkeypatch):
    module = make()
    exact = log_z(model_of(module))
    for family in (Bernoulli, Normal):
        monkeypatch.setattr(family, "log_partition", lambda self, eta: eta[0].flatten(1).sum(1) * 0)
    assert abs(log_z(model_of(module)) - exact) > 0.1


def test_chunks_do_not_matter(monkeypatch):
    module = Rbm(9, 8, seed=4)
    whole = log_z(model_of(module))
    for budget in (1, 8 * 17 * 100):
        monkeypatch.setattr(enumeration, "BUDGET", budget)
        assert log_z(model_of(module)) == pytest.approx(whole, abs=1e-11)


def test_it_is_computed_in_float64():
    module = Rbm(20, 10, seed=5)
    exact = log_z(model_of(module))
    rounded = log_z(model_of(module.float()))
    assert next(module.parameters()).dtype == torch.float32
    assert 0 < abs(rounded - exact) < 1e-4
    assert rounded == pytest.approx(log_z(model_of(module.double())), abs=1e-11)


def test_clamped_values_have_a_sum_each():
    module = Triangle(4, 3, 5)
    model, v = model_of(module), binary(4)
    summed, states = fewest_states(model.declared, model.families, ("v",))
    assert (summed, states) == (("h",), 3.0)
    with torch.no_grad():
        found = log_sum(Path(model, neutral_base(model), summed, {"v": v}))
    torch.testing.assert_close(found, -brute_free_energy(module, v), rtol=0, atol=1e-10)


def test_too_many_states_are_refused():
    with pytest.raises(ValueError, match=r"2\^21 states"):
        log_z(model_of(Rbm(22, 21)))


def test_states_in_words():
    assert states_in_words(20.0) == "2^20"
    assert states_in_words(math.log2(3) * 10) == "2^15.8"
    assert states_in_words(math.inf) == "infinitely many"
    normal = model_of(GaussianRbm(2, 3))
    assert fewest_states(normal.declared, normal.families) == (("v",), 3.0)
