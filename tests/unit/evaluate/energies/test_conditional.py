"""Log Z that differs between rows, against enumeration for each row.

The biases of a machine are computed from what is given, or the total of its counts is given. Each
of 18 comparisons is within 4.5 standard errors, and fails by chance with a probability of 7e-6.
"""

import pytest
import torch

from specc.evaluate.energies.conditional import ConditionalLogZ
from specc.evaluate.energies.likelihood import unnormalized
from specc.evaluate.energies.log_z import Annealing
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import neutral_base
from tests.oracles.energies import Conditional, Documents, binary, counts

X = torch.randn(5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
LENGTHS = torch.tensor([1.0, 4, 2, 6], dtype=torch.float64)
CASES = {
    "biases": (Conditional(6, 4, 3, scale=0.7), "x", X),
    "totals": (Documents(4, 3, scale=0.7), "n", LENGTHS),
}


def of(module, direction="both", chains=500, temperatures=60):
    model = EnergyModel.of(module, module.declared)
    options = Annealing(chains, temperatures, direction)
    return ConditionalLogZ(model, neutral_base(model), options)


def z_scores(found, exact):
    estimates = [(own.value, own.standard_error) for own in (*found.forward, *found.backward)]
    return torch.stack([(value - exact) / error for value, error in estimates])


@pytest.mark.parametrize("name", CASES)
def test_each_row_agrees_with_enumeration(name):
    module, given, rows = CASES[name]
    found, exact = of(module), module.log_z(rows)
    values = found.of({given: rows}, 0)
    assert z_scores(found, exact).abs().max() < 4.5
    assert z_scores(found, exact.flip(0)).abs().max() > 4.5
    torch.testing.assert_close(values, found.forward[0].value)
    own = found.summary()
    assert own.value == pytest.approx(values.mean().item())
    assert own.kind == "bracket on average" and own.summary()["given_values"] == len(rows)
    assert f"for each of {len(rows)} given values" in own.statement()


def test_a_wrong_total_fails_the_same_comparison(monkeypatch):
    module, _, rows = CASES["totals"]
    right, exact = module.v_given, module.log_z(rows)
    monkeypatch.setattr(module, "v_given", lambda h, n: (n + 1, right(h, n)[1]))
    found = of(module)
    found.of({"n": rows}, 0)
    assert not z_scores(found, exact).abs().max() < 4.5


def test_a_value_is_computed_once():
    found = of(CASES["totals"][0], chains=10, temperatures=10)
    rows = torch.tensor([3.0, 3, 5, 3], dtype=torch.float64)
    first = found.of({"n": rows}, 0)
    assert first[0] == first[1] == first[3] != first[2] and len(found.used) == 2
    again = found.of({"n": rows.flip(0)}, 4)
    torch.testing.assert_close(again, first.flip(0))
    assert found.used == [6, 2] and len(found.forward) == 1
    own, error = found.summary(), found.forward[0].standard_error
    assert own.value == pytest.approx((0.75 * first[0] + 0.25 * first[2]).item())
    expected = ((0.75 * error[0]) ** 2 + (0.25 * error[1]) ** 2) ** 0.5
    assert own.standard_error == pytest.approx(expected.item())


def test_the_requested_direction_is_the_value():
    module, given, rows = CASES["biases"]
    both, back = (of(module, way, chains=20, temperatures=10) for way in ("both", "backward"))
    assert (both.of({given: rows}, 0) != back.of({given: rows}, 0)).all()
    torch.testing.assert_close(both.backward[0].value, back.backward[0].value)
    assert back.summary().forward is None


def test_the_probabilities_of_all_rows_have_the_sum_one():
    module = CASES["biases"][0]
    model, v = EnergyModel.of(module, module.declared), binary(6)
    found = unnormalized(model, {"v": v, "x": X[:1].expand(len(v), -1)}, Annealing()).values
    assert (found - module.log_z(X[:1])).exp().sum().item() == pytest.approx(1, abs=1e-10)
    module = CASES["totals"][0]
    model, v = EnergyModel.of(module, module.declared), counts(4, 4)
    v = v[v.sum(1) == 4]
    n = torch.full((len(v),), 4.0, dtype=torch.float64)
    found = unnormalized(model, {"v": v, "n": n}, Annealing()).values
    assert (found - module.log_z(n[:1])).exp().sum().item() == pytest.approx(1, abs=1e-10)
