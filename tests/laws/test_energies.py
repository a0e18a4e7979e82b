"""Laws of energies: conditionals, free energies and blocks against sums over all values.

A run checks a part of the random energies. `python -m tests.laws.test_energies 1000` checks that
many.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from specc.compiler import compile
from specc.diagnostics.report import message
from specc.diagnostics.source import Source
from specc.language.expressions.print import print_expression
from specc.runtime.links import affine
from specc.runtime.program import load
from tests.laws.energizing import Maker, Oracle, evaluator, event, log_base, log_prob
from tests.laws.linking import Link, LinkMaker

affine_transpose = affine.transpose
SEEDS = range(60)
SEEDS_OF_LINKS = range(12)
ROWS = 3
CLOSE = 1e-10
LOG_PROB = "model.log_prob"
MOST = 3000
"""The largest number of values over which a free energy is summed by hand."""


class Compiled:
    """A compiled random energy, with random parameters and a batch of random values."""

    def __init__(self, made, folder, seed=0):
        self.made = made
        result, checked = compile(Source("spec.yaml", made.spec()))
        found = [message(each) for each in checked.diagnostics if each.code[0] == "E"]
        assert result is not None, (found, made.spec())
        self.nodes = result.plan.graph.graph.model.nodes
        for name, content in result.files.items():
            (folder / name).write_text(content, encoding="utf-8")
        self.program = load(folder).double()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for value in self.program.parameters():
                drawn = torch.randn(value.shape, generator=generator, dtype=torch.float64)
                value.copy_(0.4 * drawn)
        model = self.program.model
        parameters = {n: getattr(model, n).detach().numpy() for n in made.parameters}
        parameters |= {n: Link(getattr(model, n), made.inputs[n]) for n in made.links}
        self.oracle = Oracle(made, parameters)
        rng = np.random.default_rng(seed)
        self.events = [event(made, rng) for _ in range(ROWS)]
        self.batch = {
            name: torch.tensor(np.stack([own[name] for own in self.events]))
            for name in self.events[0]
        }

    def call(self, method, names, batch=None):
        """The results of a method, a tensor or several."""
        values = {**(self.batch if batch is None else batch)}
        lets = {name for name in names if name not in values}
        for name in lets:
            rows = [self.oracle.values(own)[name] for own in self.events]
            values[name] = torch.tensor(np.stack(rows))
        found = getattr(self.program.model, method)(*(values[n] for n in names))
        found = found if isinstance(found, tuple) else (found,)
        return [each.detach().numpy() if isinstance(each, torch.Tensor) else each for each in found]

    def parameters(self, unit, row):
        """The parameters of the conditional of a unit in a row, as the generated code has them."""
        known = self.program.manifest.energy.units[unit.name]
        rank = len(unit.shape)
        found = {}
        if known.method:
            results = self.call(known.method, known.given)
            for name, value in zip(known.parameters, results, strict=True):
                value = np.asarray(value)
                found[name] = value[row] if value.ndim > rank else value
        for name, argument in self.nodes[unit.name].arguments.items():
            if name not in found:  # a constant, which no method returns
                found[name] = np.asarray(evaluator(print_expression(argument))({}))
        return found


def worst(compiled, change=lambda parameters: parameters):
    """The largest error of the energy, the conditionals and the free energy.

    `change` modifies the parameters of each conditional: a wrong variant.
    """
    made, oracle = compiled.made, compiled.oracle
    errors = [0.0]
    declared = compiled.program.manifest.energy
    (energies,) = compiled.call("energy", declared.energy)
    for row, own in enumerate(compiled.events):
        errors.append(relative(energies[row], oracle.energy(own)))
        for unit in made.units:
            errors.append(of_unit(compiled, unit, row, change))
    if oracle.states(compiled.events[0]) <= MOST:
        (free,) = compiled.call("free_energy", declared.free_energy)
        for row, own in enumerate(compiled.events):
            errors.append(relative(np.broadcast_to(free, ROWS)[row], oracle.free_energy(own)))
    return max(errors)


def worst_density(compiled, scale=1.0):
    """The largest error of log p of the data; None without a density, or with too many states.

    `scale` is a factor of log Z: a wrong variant.
    """
    program, oracle, made = compiled.program, compiled.oracle, compiled.made
    if not program.can("model.log_prob") or oracle.states(compiled.events[0]) > MOST:
        return None
    inputs = {name: compiled.batch[name] for name in program.manifest.capabilities[LOG_PROB]}
    found = program.model.log_prob(**inputs).detach().numpy()
    errors = []
    for row, own in enumerate(compiled.events):
        log_z = oracle.log_z(own, MOST)
        if log_z is None:
            return None
        base = sum(log_base(u.kind, own[u.name]) for u in made.units if u.role == "observed")
        wanted = base - oracle.free_energy(own) - scale * log_z
        errors.append(relative(np.broadcast_to(found, ROWS)[row], wanted))
    return max(errors)


def relative(found, wanted):
    return float(np.max(np.abs(found - wanted) / (1 + np.abs(wanted))))


def of_unit(compiled, unit, row, change):
    """The error of the conditional of one unit in one row."""
    own = compiled.events[row]
    parameters = change(compiled.parameters(unit, row))
    if unit.kind == "normal":
        loc, precision = compiled.oracle.normal(unit, own)
        scale = np.broadcast_to(parameters["scale"], unit.shape).flatten()
        found = np.broadcast_to(parameters["loc"], unit.shape).flatten()
        bend = np.diag(1 / scale**2)
        return max(relative(found, loc), relative(bend, precision))
    values, logs = compiled.oracle.conditional(unit, own)
    found = np.array([log_prob(unit, parameters, value) for value in values])
    if unit.kind == "poisson":  # the sum over counts stops, and the rate may be far above its end
        found, logs = found - found[0], logs - logs[0]
    return relative(found, logs)


def interacting(compiled, one, other):
    """Whether the energy has a mixed difference in two units, at random values."""
    rng = np.random.default_rng(5)
    names = one.name, other.name
    for _ in range(4):
        first, second = event(compiled.made, rng), event(compiled.made, rng)
        corners = [
            {
                **first,
                names[0]: (first, second)[i][names[0]],
                names[1]: (first, second)[j][names[1]],
            }
            for i, j in itertools.product((0, 1), repeat=2)
        ]
        a, b, c, d = (compiled.oracle.energy(corner) for corner in corners)
        if abs(a - b - c + d) > 1e-9 * (1 + abs(a)):
            return True
    return False


def checked_by_sums(seed, folder, maker=Maker):
    """Compiles the energy of a seed; returns the largest error, and asserts its blocks."""
    compiled = Compiled(maker(seed).energy(), folder, seed)
    by_name = {unit.name: unit for unit in compiled.made.units}
    blocks = compiled.program.manifest.energy.blocks
    assert sorted(n for block in blocks for n in block) == sorted(by_name)
    for block in blocks:
        for one, other in itertools.combinations(block, 2):
            assert not interacting(compiled, by_name[one], by_name[other]), (seed, one, other)
    return max(worst(compiled), worst_density(compiled) or 0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_conditionals_and_free_energies_are_sums_over_all_values(seed, tmp_path):
    assert checked_by_sums(seed, tmp_path) < CLOSE


@pytest.mark.parametrize("seed", SEEDS_OF_LINKS)
def test_those_with_links_are_sums_over_all_values(seed, tmp_path):
    assert checked_by_sums(seed, tmp_path, LinkMaker) < CLOSE


def test_the_energies_have_every_kind_of_node():
    every = [Maker(seed).energy() for seed in SEEDS]
    found = {(unit.kind, unit.role) for made in every for unit in made.units}
    kinds = ("bernoulli", "multinomial", "normal", "one_hot_categorical", "poisson")
    assert found == set(itertools.product(kinds, ("latent", "observed")))
    assert any(made.given for made in every)
    assert any(made.lets for made in every)


def test_a_transpose_with_turned_kernels_is_far(tmp_path, monkeypatch):
    monkeypatch.setattr(affine, "transpose", lambda *given: affine_transpose(*given).flip(-1))
    assert checked_by_sums(1, tmp_path, LinkMaker) > 1e-3


def flipped(made):
    """The first term with the other sign."""
    made.terms[0] = "+" if made.terms[0] == "-" else "-"


def doubled(made):
    """The first term twice."""
    made.terms[1] = f"2 * ({made.terms[1]})"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("change", [flipped, doubled])
def test_another_energy_is_far(change, seed, tmp_path):
    changed, original = Maker(seed).energy(), Maker(seed).energy()
    change(changed)
    compiled = Compiled(changed, tmp_path, seed)
    compiled.oracle = Oracle(original, compiled.oracle.parameters)
    assert worst(compiled) > 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_a_free_energy_without_log_partitions_is_far(seed, tmp_path):
    compiled = Compiled(Maker(seed).energy(), tmp_path, seed)
    declared, batch = compiled.program.manifest.energy, dict(compiled.batch)
    for unit in compiled.made.units:
        if unit.role == "latent":
            batch[unit.name] = torch.zeros(ROWS, *unit.shape, dtype=torch.float64)
    assert worst(compiled) < CLOSE
    at_zero = compiled.call("energy", declared.energy, batch)
    wanted = [compiled.oracle.free_energy(own) for own in compiled.events]
    assert relative(at_zero[0], np.array(wanted)) > 1e-3


def test_most_densities_are_sums_over_few_states(tmp_path):
    """Conditional ones, too; with log Z times 0.9 the density is far."""
    found = {}
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        compiled = Compiled(Maker(seed).energy(), folder, seed)
        error = worst_density(compiled)
        if error is not None:
            known = compiled.program.manifest.capabilities["model.log_z"]
            found[seed] = bool(known), error, worst_density(compiled, scale=0.9)
    assert len(found) >= 6 and {is_conditional for is_conditional, _, _ in found.values()} == {
        True,
        False,
    }
    assert all(right < CLOSE < 1e-3 < wrong for _, right, wrong in found.values())


def main(count, maker=Maker):
    """Checks the first energies; writes those that are wrong, and returns their number."""
    wrong = 0
    for seed in range(count):
        with tempfile.TemporaryDirectory() as place:
            try:
                error = checked_by_sums(seed, Path(place), maker)
            except AssertionError as failure:
                error = str(failure)
        if not (isinstance(error, float) and error < CLOSE):
            wrong += 1
            sys.stdout.write(f"{seed}: {error}\n{maker(seed).energy().spec()}\n")
    sys.stdout.write(f"{count} energies, {wrong} wrong\n")
    return wrong


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    sys.exit(bool(sum(main(count, maker) for maker in (Maker, LinkMaker))))
