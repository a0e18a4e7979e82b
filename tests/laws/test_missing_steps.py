"""Sequences with missing values, which are marginalized exactly.

The references are sums over all completions of the missing values, and marginals of the joint
normal distribution of all entries.
"""

import itertools

import pytest
import torch
from torch.distributions import MultivariateNormal

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws import test_integrals as linear
from tests.laws import test_sequences as states
from tests.laws.compiling import program
from tests.losses import computed


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def gaps(text):
    """The same spec, in which entries of x may be missing."""
    lines = text.split("\n")
    (at,) = [i for i, line in enumerate(lines) if line.startswith("  x: {observed")]
    lines[at] = lines[at].removesuffix("}") + ", missing: integrate}"
    return "\n".join(lines)


HOLES = torch.ones(3, 4, 2, dtype=torch.bool)
HOLES[0, 1] = HOLES[1, 0, 0] = HOLES[1, 3, 1] = False
HOLES[2, 2:, 0] = HOLES[2, 0, 1] = False


@pytest.mark.parametrize("name", ["HMM", "EACH", "MIXED", "RAGGED", "BACK", "RAGGED_BACK"])
def test_known_steps_have_the_sum_over_all_completions(name, tmp_path):
    text = getattr(states, name)
    whole, made = states.settled(text, tmp_path), states.settled(gaps(text), tmp_path)
    x, n = states.data(3), torch.tensor([4, 3, 4])
    given = {"n": n} if "lengths" in text else {}
    found = made.model.log_prob(x=x, x_known=HOLES, **given)
    for row in range(3):
        missing = (~HOLES[row]).nonzero()
        bits = itertools.product([0.0, 1.0], repeat=len(missing))
        filled = x[row].repeat(2 ** len(missing), 1, 1)
        filled[:, missing[:, 0], missing[:, 1]] = torch.tensor(list(bits))
        every = whole.model.log_prob(
            x=filled, **{k: v[row].expand(len(filled)) for k, v in given.items()}
        )
        wanted = every.logsumexp(0)
        if given and not HOLES[row, 3, 1]:  # beyond the row: no effect
            wanted = wanted - torch.tensor(2.0).log()
        torch.testing.assert_close(found[row], wanted, rtol=1e-12, atol=1e-12)
    everywhere = torch.ones_like(HOLES)
    complete = made.model.log_prob(x=x, x_known=everywhere, **given)
    torch.testing.assert_close(complete, whole.model.log_prob(x=x, **given))
    assert (found - complete).abs().min() > 1e-3


def marginal(made, values, row, known):
    """log p of the known entries of x, from the joint normal density of all entries."""
    taken = {n: v[row : row + 1] for n, v in values.items()}
    x = taken.pop("x")

    def log_p(flat):
        return made.model.log_prob(x=flat.view(x.shape), **taken).sum()

    zero = torch.zeros(x.numel())
    slope = torch.autograd.functional.jacobian(log_p, zero)
    covariance = torch.linalg.inv(-torch.autograd.functional.hessian(log_p, zero))
    covariance = (covariance + covariance.mT) / 2
    mean, at = covariance @ slope, known.reshape(-1)
    normal = MultivariateNormal(mean[at], covariance[at][:, at])
    return normal.log_prob(x.reshape(-1)[at])


NORMAL = ["ppca", "matrix", "chain", "reverse", "each step by itself"]


@pytest.mark.parametrize("name", NORMAL)
def test_known_entries_have_their_marginal_density(name, tmp_path):
    text = linear.SPECS[name]
    whole, made = linear.settled(text, tmp_path), linear.settled(gaps(text), tmp_path)
    values = linear.data(text)
    random = torch.Generator().manual_seed(5)
    known = torch.rand(values["x"].shape, generator=random) < 0.6
    found = made.model.log_prob(**values, x_known=known)
    wanted = [marginal(whole, values, row, known[row]) for row in range(3)]
    torch.testing.assert_close(found, torch.stack(wanted), rtol=1e-8, atol=1e-8)
    # The value in place of a missing one has no effect, and its gradient is 0.
    x = torch.where(known, values["x"], 7.0).requires_grad_()
    again = made.model.log_prob(**{**values, "x": x}, x_known=known)
    torch.testing.assert_close(again, found)
    (slope,) = torch.autograd.grad(again.sum(), x)
    assert (slope[~known] == 0).all() and (slope[known] != 0).all()


def test_a_row_without_any_value_has_density_one(tmp_path):
    made = linear.settled(gaps(linear.PLAIN), tmp_path)
    x = linear.data(linear.PLAIN)["x"]
    found = made.model.log_prob(x=x, x_known=torch.zeros(3, 4, 3, dtype=torch.bool))
    torch.testing.assert_close(found, torch.zeros(3), rtol=0, atol=1e-12)


def test_data_beside_it_is_seen_where_it_has_gaps(tmp_path):
    """A state with two observed nodes and inputs, of which x alone may be missing."""
    text = linear.DRIVEN
    whole, made = linear.settled(text, tmp_path), linear.settled(gaps(text), tmp_path)
    values = linear.data(text)
    known = torch.rand(3, 4, 3, generator=torch.Generator().manual_seed(6)) < 0.6
    found = made.model.log_prob(**values, x_known=known)
    for row in range(3):
        given = {n: v[row : row + 1] for n, v in values.items()}
        wanted = conditional_marginal(whole, given, known[row])
        torch.testing.assert_close(found[row], wanted, rtol=1e-8, atol=1e-8)


def conditional_marginal(made, given, known):
    """The integral over missing entries of the joint density of x and the other data."""
    rest = {n: v for n, v in given.items() if n != "x"}
    x, at = given["x"].reshape(-1), ~known.reshape(-1)

    def log_p(missing):
        full = torch.zeros_like(x).masked_scatter(at, missing) + torch.where(at, 0.0, x)
        return made.model.log_prob(x=full.view(given["x"].shape), **rest).sum()

    zero = torch.zeros(int(at.sum()))
    slope = torch.autograd.functional.jacobian(log_p, zero)
    bend = -torch.autograd.functional.hessian(log_p, zero)
    rest_of = slope @ torch.linalg.solve(bend, slope) / 2 - torch.logdet(bend) / 2
    return log_p(zero) + rest_of + len(zero) * torch.tensor(2 * torch.pi).log() / 2


def test_a_recurrent_guide_receives_the_mask_of_gaps(tmp_path):
    """The mask is an input at each step, and missing values have no term in the bound."""
    told = gaps(states.DEEP).replace("back(h[t+1], x)", "back(h[t+1], x, known(x))")
    given = gaps(states.DEEP).replace("back(h[t+1], x)", "back(h[t+1], x, m)")
    given = given.replace("  n: {given: n}", "  n: {given: n}\n  m: {given: m, plate: t}")
    given = given.replace("binarize: sample}", "binarize: sample}, m: {from: m, shape: [4, 2]}")
    one, other = program(told, tmp_path), program(given, tmp_path)
    torch.manual_seed(1)
    with torch.no_grad():
        for value in one.parameters():
            value.copy_(0.2 * torch.randn(value.shape))
    other.load_state_dict(one.state_dict())
    batch = {"x": states.data(3), "x_known": HOLES, "n": torch.tensor([4, 2, 3])}
    more = {**batch, "m": HOLES.double()}
    (loss,) = one.manifest.losses
    found = computed(one, batch, Noise.at(3), 3, name=loss.name)[0]
    torch.testing.assert_close(found, computed(other, more, Noise.at(3), 3, name=loss.name)[0])
    whole = computed(one, {**batch, "x_known": HOLES | True}, Noise.at(3), 3, name=loss.name)[0]
    assert (found - whole).abs() > 1e-3
    drawn = one.guide.sample_and_log_prob(
        Noise.at(4), 2, **one.inputs("guide.sample_and_log_prob", batch)
    )
    expected = other.guide.sample_and_log_prob(
        Noise.at(4), 2, **other.inputs("guide.sample_and_log_prob", more)
    )
    torch.testing.assert_close(drawn[1], expected[1])


def test_a_list_of_numbers_counts_as_a_whole(tmp_path):
    """A step of chords is known or missing as one value: one mask for all its entries."""
    listed = "x: {from: x, shape: [4, 3], many_hot: {from: 0, size: 2}}"
    text = gaps(states.HMM).replace(states.X, listed)
    made, other = states.settled(text, tmp_path), states.settled(gaps(states.HMM), tmp_path)
    x, known = states.data(3), HOLES.all(-1)
    found = made.model.log_prob(x=x, x_known=known)
    wanted = other.model.log_prob(x=x, x_known=known[..., None].expand(3, 4, 2))
    torch.testing.assert_close(found, wanted)
    whole = made.model.log_prob(x=x, x_known=known | True)
    assert (whole - found).abs().min() > 1e-3
