"""The parts of a bound and the active units of a latent, on the linear program's closed forms."""

import math

import pytest
import torch

from specc.engine.storage.loaded_run import precision
from specc.evaluate.decomposition import _size, active_units, loss_terms
from specc.evaluate.estimate import estimate
from specc.evaluate.scoring import Request
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.house.files import ROOT
from tests.programs import making
from tests.unit.evaluate.test_estimate import untrained

BATCHES = 200
GALLERY, SPECS = ROOT / "generated", ROOT / "specs"


@pytest.fixture
def linear(tmp_path):
    return untrained(making.copy("linear", tmp_path), making.linear_data(tmp_path / "data", 1200))


def rows_of(linear):
    rows = linear.rows("test")
    return rows.batch(slice(0, len(rows)), Noise.at(0))["x"]


def test_the_divergence_is_the_mean_of_its_closed_form(linear):
    found = loss_terms(linear)
    with torch.no_grad(), precision(torch.float64):
        x = rows_of(linear)
        loc, scale = linear.program.guide.z_loc_scale(x)
        kl = (0.5 * (scale**2 + loc**2 - 1) - scale.log()).sum(-1)
    assert found[making.KL].value == pytest.approx(kl.mean().item(), rel=1e-9)
    assert len(kl) > BATCHES
    batches = torch.stack([own.mean() for own in kl.split(math.ceil(len(kl) / BATCHES))])
    error = batches.std(correction=1).item() / math.sqrt(len(batches))
    assert found[making.KL].standard_error == pytest.approx(error, rel=1e-6)
    assert found["elbo"].value == pytest.approx(
        found["log p(x | z)"].value - found[making.KL].value, rel=1e-9
    )


def test_few_rows_have_the_error_of_the_mean_over_rows():
    """A loss that is the likelihood has the value and the error of the likelihood by row."""
    run = untrained(GALLERY / "factorial_hmm", SPECS)
    assert 1 < len(run.rows("train")) < BATCHES
    term, whole = loss_terms(run, "train")["log_likelihood"], estimate(run, Request(part="train"))
    assert whole.estimator == "exact"
    assert term.value == pytest.approx(whole.value, rel=1e-6)
    assert term.standard_error == pytest.approx(whole.standard_error, rel=1e-6)


def test_a_unit_that_does_not_look_at_the_data_is_not_active(linear):
    with torch.no_grad():
        weight = linear.program.guide.z_loc_head.weight
        weight.fill_(0.5)
        assert active_units(linear) == {"z": (2, 2)}
        weight[1].zero_()
        assert active_units(linear) == {"z": (1, 2)}


def test_the_noise_of_the_draws_makes_no_unit_active(linear):
    """A scale of 1 adds 1/32 to the variance of a mean over 32 draws, three times the limit."""
    with torch.no_grad():
        linear.program.guide.z_loc_head.weight.zero_()
        linear.program.guide.z_log_scale_head.weight.zero_()
        linear.program.guide.z_log_scale_head.bias.zero_()
    assert active_units(linear) == {"z": (0, 2)}


def test_the_limit_is_that_of_the_variance(linear):
    """Cov_x(E[u | x]) of u = a x_0: just above and just below 0.01."""
    x = rows_of(linear)
    unit = math.sqrt(0.01 / x[:, 0].var().item())
    with torch.no_grad():
        linear.program.guide.z_log_scale_head.weight.zero_()
        linear.program.guide.z_log_scale_head.bias.fill_(-6.0)
        weight = linear.program.guide.z_loc_head.weight
        weight.zero_()
        weight[0, 0], weight[1, 0] = 1.02 * unit, 0.98 * unit
    assert active_units(linear) == {"z": (1, 2)}


def test_a_loss_of_all_rows_of_a_batch_has_no_batches_of_one_row():
    """The discrepancy of `infovae` in batches of a few rows is another number."""
    program = load(GALLERY / "infovae")
    assert [loss.over_rows for loss in program.manifest.losses] == [True]
    assert [_size(rows, True) for rows in (100, 199, 200, 10_000)] == [25, 50, 100, 100]
    assert [_size(rows, False) for rows in (100, 201, 10_000, 60_000)] == [1, 2, 50, 100]
