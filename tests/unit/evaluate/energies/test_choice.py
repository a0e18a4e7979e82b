"""The estimator that an energy program gets, from its declaration alone."""

from dataclasses import replace

import pytest

from specc.evaluate.energies.choice import choose
from tests.oracles.energies import (
    Conditional,
    CountRbm,
    Deep,
    Documents,
    GaussianRbm,
    Rbm,
    Softmax,
    Surface,
)


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


@pytest.mark.parametrize(
    "module, words",
    [
        (Conditional(3, 2, 2), "its energy depends on `x`"),
        (Documents(3, 2), "the total count of `v` differs"),
        (Surface(2), "the density of `x` given the others has no closed form"),
    ],
)
def test_a_density_without_a_sum_is_annealed(module, words):
    assert choose(module.declared, "ais") == "ais"
    reason, hint = choose(module.declared, "exact")
    assert reason.startswith(words) and hint == "write `ais`, annealed importance sampling"
    reason, hint = choose(module.declared, "iwae")
    assert reason.startswith(f"it has no guide, and {words}") and "`ais`" in hint


@pytest.mark.parametrize("requested", ["exact", "ais", "iwae"])
@pytest.mark.parametrize(
    "energy, words",
    [
        (declared(Rbm(3, 2), h={"method": ""}), "a chain draws `h`"),
    ],
)
def test_a_density_without_any_estimate_is_refused(requested, energy, words):
    reason, hint = choose(energy, requested)
    assert reason.startswith(words) and hint


def test_what_is_given_is_what_no_method_computes():
    assert Conditional(3, 2, 2).declared.given == ("x",)
    assert Documents(3, 2).declared.given == ("n",) and Rbm(3, 2).declared.given == ()
