"""The densities of a path against sums over all states, and its sweeps against their target.

The frequencies of about 1,000 states are each within 4.5 standard errors, and fail by chance with a
probability of 7e-6 each, 0.7 % together; the seeds are fixed.
"""

import pytest
import torch

from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import Path, base_of, completed, largest_block, neutral_base
from specc.runtime.exponential_families import dot
from specc.runtime.noise import Noise
from tests.oracles.energies import (
    CountRbm,
    Deep,
    GaussianRbm,
    OneHotRbm,
    Rbm,
    Softmax,
    Triangle,
    every,
)

MAKERS = {
    "bernoulli": lambda: Rbm(4, 3),
    "one-hot": lambda: OneHotRbm(3, 4, 3),
    "poisson": lambda: CountRbm(3, 3, scale=0.5),
    "multinomial": lambda: Softmax(4, 3),
    "normal": lambda: GaussianRbm(4, 3),
    "deep": lambda: Deep(3, 2, 4),
    "three blocks": lambda: Triangle(3, 2, 4),
}
BINARY = ("bernoulli", "deep", "three blocks")
BLOCKS = [(name, block) for name in MAKERS for block in range(3 if name == "three blocks" else 2)]


def made(name, block):
    """A path with random base parameters, which sums out the block of that number."""
    module = MAKERS[name]()
    model = EnergyModel.of(module, module.declared)
    generator = torch.Generator().manual_seed(7)
    base = neutral_base(model)
    for key, eta in base.items():
        shift = torch.randn(eta[0].shape, generator=generator, dtype=torch.float64)
        base[key] = (shift, *eta[1:])
    return module, Path(model, base, module.declared.blocks[block])


def brute(module, path, b):
    """Log f_b of every state of the kept units, with these states."""
    values = every(module)
    with torch.no_grad():
        logs = -b * module.energy(**values)
    for name, value in values.items():
        logs = logs + (1 - b) * dot(path.base[name], (value,))
    wide = torch.cat([values[name] for name in path.names], 1)
    kept, index = wide.unique(dim=0, return_inverse=True)
    sums = torch.stack([logs[index == i].logsumexp(0) for i in range(len(kept))])
    sizes = [values[name].shape[1] for name in path.names]
    return dict(zip(path.names, kept.split(sizes, 1), strict=True)), sums


@pytest.mark.parametrize("name, block", [own for own in BLOCKS if own[0] in BINARY])
@pytest.mark.parametrize("b", [0.0, 0.3, 1.0])
def test_the_density_is_the_sum_over_the_summed_block(name, block, b):
    module, path = made(name, block)
    kept, expected = brute(module, path, b)
    with torch.no_grad():
        found = path.log_density(path.state(kept), b)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
        if b == 0:
            total = path.log_base_partition()
            assert total == pytest.approx(expected.logsumexp(0).item(), abs=1e-10)


@pytest.mark.parametrize("name, block", BLOCKS)
def test_a_change_is_the_difference_of_two_densities(name, block):
    _, path = made(name, block)
    with torch.no_grad():
        state = path.start(Noise.at(1, dtype=torch.float64), 50)
        for first, last in ((0.0, 0.1), (0.3, 0.31), (0.99, 1.0), (0.7, 0.2)):
            found = path.change(state, first, last)
            expected = path.log_density(state, last) - path.log_density(state, first)
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name, block", BLOCKS)
def test_the_density_at_the_end_does_not_depend_on_the_base(name, block):
    """-E + the log-partition of the summed block, for the neutral base too."""
    module, path = made(name, block)
    other = Path(path.model, neutral_base(path.model), path.summed)
    with torch.no_grad():
        values = path.start(Noise.at(2, dtype=torch.float64), 20).values
        found = path.log_density(path.state(values), 1.0)
        torch.testing.assert_close(found, other.log_density(other.state(values), 1.0))
        if path.summed == path.model.latents and module.declared.free_energy:
            torch.testing.assert_close(found, -path.model.free_energy(values))


@pytest.mark.parametrize("name, block", [own for own in BLOCKS if own[0] in BINARY])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_sweep_leaves_the_density_invariant(name, block, backwards):
    """Exact samples of f_b are samples of f_b after a sweep: the frequency of every state."""
    module, path = made(name, block)
    kept, logs = brute(module, path, 0.6)
    probability = logs.softmax(0)
    noise, count = Noise.at(3, dtype=torch.float64), 20_000
    chosen = noise.classes(probability, count)
    with torch.no_grad():
        state = path.state({key: value[chosen] for key, value in kept.items()})
        after = path.move(state, 0.6, noise, backwards)
        wrong = path.move(path.move(state, 0.3, noise), 0.3, noise)
    assert worst(after, kept, path, probability) < 4.5
    assert worst(wrong, kept, path, probability) > 4.5


def worst(state, kept, path, probability):
    """The largest z-score of the frequencies of the states that are expected 10 times or more."""
    rows = torch.cat([state.values[name] for name in path.names], 1)
    states = torch.cat([kept[name] for name in path.names], 1)
    hits = (rows[:, None] == states).all(-1).double().mean(0)
    error = (probability * (1 - probability) / len(rows)).sqrt()
    often = probability * len(rows) > 10
    return ((hits - probability).abs() / error)[often].max().item()


def test_a_backward_sweep_is_the_reversal_of_a_sweep():
    """Detailed balance of the pair: p(x) T(x, y) = p(y) T'(y, x), by frequencies of pairs."""
    module, path = made("three blocks", 0)
    kept, logs = brute(module, path, 0.8)
    noise, count = Noise.at(4, dtype=torch.float64), 200_000
    chosen = noise.classes(logs.softmax(0), count)
    with torch.no_grad():
        state = path.state({key: value[chosen] for key, value in kept.items()})
        after = path.move(state, 0.8, noise)
        before = path.move(state, 0.8, noise, backwards=True)
    at, to, back = (codes(own, path) for own in (state, after, before))
    size = 1 << 7
    ahead = torch.bincount(at * size + to, minlength=size * size).double()
    behind = torch.bincount(back * size + at, minlength=size * size).double()
    both = ahead + behind
    z = ((ahead - behind) / both.sqrt())[both > 50]
    assert len(z) > 100 and z.abs().max() < 5.5
    # The sweep itself is not reversible: its pairs in the opposite order differ.
    wrong = torch.bincount(to * size + at, minlength=size * size).double()
    total = ahead + wrong
    assert ((ahead - wrong) / total.sqrt())[total > 50].abs().max() > 5.5


def codes(state, path):
    rows = torch.cat([state.values[name] for name in path.names], 1)
    return (rows.long() << torch.arange(rows.shape[1])).sum(1)


def test_the_base_has_the_rates_of_the_data():
    module = Rbm(3, 2)
    model = EnergyModel.of(module, module.declared)
    data = torch.tensor([[0.0, 1, 1], [0, 0, 1]], dtype=torch.float64)
    base = base_of(model, {"v": data})
    torch.testing.assert_close(base["v"][0].sigmoid(), torch.tensor([[0.25, 0.5, 0.75]]).double())
    assert (base["h"][0] == 0).all()


@pytest.mark.parametrize("maker", ["bernoulli", "three blocks"])
def test_unknown_units_are_drawn_given_the_known_ones(maker, monkeypatch):
    module = MAKERS[maker]()
    model, rows = EnergyModel.of(module, module.declared), 4_000
    name = next(iter(module.declared.units))
    known = every(module)[name][-2].expand(rows, -1)
    states = every(module)
    chosen = (states[name] == known[0]).all(1)
    with torch.no_grad():
        exact = (-module.energy(**states))[chosen].softmax(0)

    def farthest():
        """The greatest deviation of a frequency in standard errors."""
        found = completed(model, {name: known}, Noise.at(5))
        assert found[name] is known and list(found) == [name, *(k for k in states if k != name)]
        drawn = torch.cat([found[key] for key in states], 1).long()
        wanted = torch.cat([states[key] for key in states], 1).long()[chosen]
        hits = (drawn[:, None] == wanted).all(-1).double().mean(0)
        assert hits.sum().item() == pytest.approx(1)
        return ((hits - exact) / (exact * (1 - exact) / rows).sqrt()).abs().max()

    assert farthest() < 4.5
    monkeypatch.setattr(Path, "move", lambda path, state, b, noise: state)  # a wrong variant
    assert farthest() > 6


def test_units_that_a_chain_moves_stay_unknown(monkeypatch):
    module = Rbm(3, 2)
    model = EnergyModel.of(module, module.declared)
    monkeypatch.setattr(type(module.declared.units["h"]), "is_moved", True)
    known = {"v": torch.zeros(4, 3, dtype=torch.float64)}
    assert list(completed(model, known, Noise.at(0))) == ["v"]


def test_the_block_that_is_summed_out_by_default():
    for module, block in ((Rbm(5, 2), ("v",)), (Rbm(2, 5), ("h",)), (Deep(3, 4, 2), ("v", "h"))):
        assert largest_block(EnergyModel.of(module, module.declared)) == block
