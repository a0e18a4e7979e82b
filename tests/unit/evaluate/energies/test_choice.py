"""The estimator that an energy program gets, from its declaration alone."""

from dataclasses import replace

import pytest

from specc.evaluate.energies.choice import choose
from tests.oracles.energies import CountRbm, Deep, GaussianRbm, Rbm, Softmax


def declared(module, **changes):
    energy = module.declared
    units = {n: replace(u, **changes.get(n, {})) for n, u in energy.units.items()}
    return replace(energy, units=units, **{k: v for k, v in changes.items() if k not in units})


@pytest.mark.parametrize("requested", ["exact", "iwae", "elbo"])
@pytest.mark.parametrize(
    "make", [lambda: Rbm(30, 20), lambda: Rbm(20, 30), lambda: GaussianRbm(40, 20)]
)
def test_few_states_are_summed(requested, make):
    assert choose(make().declared, requested) == "exact"


@pytest.mark.parametrize(
    "make", [lambda: Rbm(3, 2), lambda: CountRbm(30, 30), lambda: Softmax(30, 30)]
)
def test_annealing_is_available_for_every_family(make):
    assert choose(make().declared, "ais") == "ais"


def test_many_states_are_refused_with_their_number():
    reason, hint = choose(Rbm(784, 500).declared, "exact")
    assert reason == "log Z is a sum over 2^500 states, and at most 2^20 are summed"
    assert hint == "write `ais`, annealed importance sampling"
    reason, _ = choose(Rbm(784, 21).declared, "iwae")
    assert (
        reason
        == "it has no guide, and log Z is a sum over 2^21 states, and at most 2^20 are summed"
    )


def test_latents_of_a_row_with_many_states_are_refused():
    reason, _ = choose(Deep(1, 18, 18).declared, "exact")
    assert reason == "the latents of each row have 2^18 states, and at most 2^16 are summed"
    assert choose(Deep(8, 10, 10).declared, "exact") == "exact"


@pytest.mark.parametrize("requested", ["exact", "ais", "iwae"])
@pytest.mark.parametrize(
    "energy, words",
    [
        (declared(Rbm(3, 2), energy=("v", "h", "x")), "its energy depends on `x`"),
        (declared(Rbm(3, 2), v={"method": ""}), "the distribution of `v` given the others"),
        (declared(Rbm(3, 2), v={"given": ("v", "h")}), "the entries of `v` depend on each other"),
        (declared(Softmax(3, 2), v={"total": None}), "the total count of `v` differs"),
    ],
)
def test_a_density_without_one_normalizer_is_refused(requested, energy, words):
    reason, hint = choose(energy, requested)
    assert reason.startswith(words) and hint
