"""Energies whose entries interact: annealing, sums and bounds against enumeration.

Estimates are within 4.5 standard errors of a sum over all states, and fail by chance with a
probability of 7e-6 each, 1e-4 together. Chi-squares are below their quantile of 1 - 1e-5.
"""

import pytest
import torch
from scipy import stats

from specc.evaluate.energies import annealing, enumeration, likelihood
from specc.evaluate.energies.likelihood import unnormalized
from specc.evaluate.energies.log_z import Annealing, annealed_log_z
from specc.evaluate.energies.mean_field import lower_bound
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import Path, largest_block, neutral_base
from specc.runtime.noise import Noise
from tests.oracles.energies import binary, flip
from tests.oracles.interacting import Boltzmann, Ising, Lateral, Potts, all_values

MAKERS = {
    "ising": lambda: Ising(3, 3, coupling=1.5),
    "potts": lambda: Potts(2, 3, coupling=1.2),
    "boltzmann": lambda: Boltzmann(4, 3),
    "lateral": lambda: Lateral(5, 3),
}
OPTIONS = Annealing(chains=2000, temperatures=40, direction="both", sweeps=20)


def model_of(module):
    return EnergyModel.of(module, module.declared)


def exact(module):
    """Log Z by the energy alone."""
    with torch.no_grad():
        return (-module.energy(**all_values(module))).logsumexp(0).item()


def z_scores(module, wanted):
    model = model_of(module)
    found = annealed_log_z(model, neutral_base(model), OPTIONS)
    return [(own.value - wanted) / own.standard_error for own in (found.forward, found.backward)]


@pytest.mark.parametrize("name", MAKERS)
def test_both_directions_agree_with_enumeration(name):
    module = MAKERS[name]()
    assert all(abs(z) < 4.5 for z in z_scores(module, exact(module)))
    assert all(abs(z) > 4.5 for z in z_scores(module, exact(module) + 0.3))


def test_a_sum_over_all_states():
    for make in MAKERS.values():
        module = make()
        assert enumeration.log_z(model_of(module)) == pytest.approx(exact(module), abs=1e-10)
    for name, closed in (("boltzmann", ((), 7.0)), ("lateral", (("h",), 5.0))):
        model = model_of(MAKERS[name]())
        assert enumeration.fewest_states(model.declared, model.families) == closed
        assert largest_block(model) == closed[0]


def at_once(module):
    """All entries in one step, although they interact."""
    for own in module.declared.units.values():
        if own.colors is not None:
            getattr(module, own.colors.buffer).zero_()


def own_entry(module):
    """The diagonal of the couplings counts twice."""
    right = module.v_given
    module.v_given = lambda v, h: right(v, h) + 0.5 * module.w.diagonal()


def sign(module):
    flip(module, next(iter(module.declared.units)))


@pytest.mark.parametrize(
    "name, wrong",
    [
        ("ising", at_once),
        ("potts", at_once),
        ("boltzmann", at_once),
        ("lateral", at_once),
        ("boltzmann", own_entry),
        ("ising", sign),
        ("potts", sign),
    ],
)
def test_a_wrong_kernel_fails_the_same_comparison(name, wrong):
    module = MAKERS[name]()
    wanted = exact(module)
    wrong(module)
    assert max(abs(z) for z in z_scores(module, wanted)) > 4.5


def probabilities(path, values, b):
    """The probability of each state under f_b."""
    with torch.no_grad():
        return path.log_density(path.state(values), b).softmax(0)


def pairs_of(path, values, b, rows, backwards):
    """The numbers of states of rows before and after a sweep, from exact samples."""
    noise = Noise.at(5, int(backwards), dtype=torch.float64)
    chosen = noise.classes(probabilities(path, values, b), rows)
    with torch.no_grad():
        state = path.state({name: value[chosen] for name, value in values.items()})
        after = path.move(state, b, noise, backwards).values
    size = len(next(iter(values.values())))
    every = torch.cat([value.flatten(1) for value in values.values()], 1)
    weights = torch.randn(every.shape[1], generator=torch.Generator().manual_seed(1)).double()
    order = (every @ weights).argsort()
    found = torch.cat([after[name].flatten(1) for name in values], 1) @ weights
    place = torch.searchsorted((every @ weights)[order] - 1e-9, found) - 1
    return chosen, order[place], size


@pytest.mark.parametrize("name", ["ising", "potts", "boltzmann"])
def test_a_sweep_keeps_the_density_and_its_reversal_is_one(name):
    small = {"ising": Ising(2, 2), "potts": Potts(1, 2), "boltzmann": Boltzmann(2, 2)}
    module, rows, b = small[name], 100_000, 0.7
    path, values = Path(model_of(module), neutral_base(model_of(module)), ()), all_values(module)
    start, end, size = pairs_of(path, values, b, rows, backwards=False)
    after = torch.bincount(end, minlength=size).double()
    wanted = probabilities(path, values, b) * rows
    assert stats.chisquare(after, wanted).pvalue > 1e-5
    assert stats.chisquare(after, probabilities(path, values, 1.0) * rows).pvalue < 1e-5
    ahead = torch.bincount(start * size + end, minlength=size * size).double()
    first, last, _ = pairs_of(path, values, b, rows, backwards=True)
    behind = torch.bincount(last * size + first, minlength=size * size).double()
    turned = torch.bincount(end * size + start, minlength=size * size).double()
    for other, is_reversal in ((behind, True), (turned, False)):
        both = ahead + other
        far = ((ahead - other) ** 2 / both)[both > 10]
        assert (stats.chi2.sf(far.sum(), len(far)) > 1e-5) == is_reversal


def test_the_latents_of_a_row_whose_entries_interact(monkeypatch):
    """By a sum over their states, by annealing, and by mean field from below."""
    module = Boltzmann(3, 4)
    model, v = model_of(module), binary(3)
    rows = {"v": v.repeat_interleave(16, 0), "h": binary(4).repeat(8, 1)}
    with torch.no_grad():
        wanted = (-module.energy(**rows)).reshape(8, 16).logsumexp(1)
    found = unnormalized(model, {"v": v}, Annealing()).values
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10)
    monkeypatch.setattr(likelihood, "MOST_STATES_OF_A_ROW", 1)
    found = unnormalized(model, {"v": v}, Annealing(500, 50, latents="ais"))
    z = (found.values - wanted) / found.standard_error
    assert z.abs().max() < 4.5
    below = unnormalized(model, {"v": v}, Annealing()).values
    assert (below < wanted).all() and (below > wanted - 3).all()


def test_the_bound_is_the_mean_energy_and_the_entropy_of_a_product():
    """E_q[-E] + H(q) by a sum over all states, with q from updates of one entry after the other."""
    module = Boltzmann(3, 4, scale=0.5)
    v, states = binary(3), binary(4)
    q = torch.full((8, 4), 0.5, dtype=torch.float64)
    with torch.no_grad():
        for _ in range(200):
            for entry in range(4):
                inside = q.clone()
                inside[:, entry] = 0.5
                q[:, entry] = module.h_given(inside, v)[:, entry].sigmoid()
        log_q = states @ q.logit().T + torch.log1p(-q).sum(1)
        energy = torch.stack([module.energy(row.expand(16, -1), states) for row in v], 1)
        wanted = (log_q.exp() * (-energy - log_q)).sum(0)
        found = lower_bound(model_of(module), {"v": v})
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


def test_the_directions_bracket_log_z():
    """Few temperatures: the mean of log w is below log Z, that of -log w above."""
    module = MAKERS["ising"]()
    path, values = Path(model_of(module), neutral_base(model_of(module)), ()), all_values(module)
    betas, noise = annealing.temperatures(3), Noise.at(7, dtype=torch.float64)
    with torch.no_grad():
        low = annealing.forward(path, 3000, betas, noise).log_weights
        chosen = noise.classes(probabilities(path, values, 1.0), 3000)
        start = path.state({"x": values["x"][chosen]})
        high = -annealing.backward(path, start, betas, noise).log_weights
    for found, side in ((low, -1), (high, 1)):
        z = (found.mean() - exact(module)) / (found.std() / 3000**0.5)
        assert side * z.item() > 4.5
