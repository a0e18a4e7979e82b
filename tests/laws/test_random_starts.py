"""Laws of sequences whose start is a latent: against joint normal distributions in numpy.

All states, the start and the data are one normal vector, which is built without a filter: each is
an affine function of independent standard normal numbers.
"""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from tests.laws.compiling import program

STEPS = 4
SPEC = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [4, 3]}}}
plates: {t: {scan: 4}}
model:
  center: {parameter: real, shape: [2]}
  spread: {parameter: positive, shape: [2]}
  drift: {parameter: positive, shape: [2]}
  noise: {parameter: positive, shape: [3]}
  z0: {latent: normal, loc: center, scale: spread}
  z: {latent: normal, loc: "move(z[t-1])", scale: drift, initial: z0, shape: [2], plate: t}
  x: {observed: normal, loc: emit(z), scale: noise, plate: t}
links: {move: linear, emit: linear}
objective: mle
"""
GIVEN = """  c: {given: c}
  z0: {latent: normal, loc: c, scale: spread}
"""
BACKWARD = SPEC.replace("z[t-1]", "z[t+1]").replace(
    "[2], plate: t}", "[2], plate: t, reverse: true}"
)
SPECS = {
    "forward": SPEC,
    "backward": BACKWARD,
    "affine start": SPEC.replace("initial: z0", "initial: 0.5 - 2 * z0"),
    "start through a node": SPEC.replace(
        "  z: {latent", "  s: {let: begin(z0), shape: [2]}\n  z: {latent"
    )
    .replace("initial: z0", "initial: s")
    .replace("{move:", "{begin: linear, move:"),
    "mean of each row": SPEC.replace("  z0: {latent: normal, loc: center, scale: spread}\n", GIVEN)
    .replace("[4, 3]}}", "[4, 3]}, c: {from: c, shape: [2]}}")
    .replace("  center: {parameter: real, shape: [2]}\n", ""),
}
RAGGED = (
    SPEC.replace("[4, 3]}}", "[4, 3]}, n: {from: n, dtype: int64}}")
    .replace("{scan: 4}", "{scan: 4, lengths: n}")
    .replace("  center:", "  n: {given: n}\n  center:")
)
RAGGED_BACKWARD = RAGGED.replace("z[t-1]", "z[t+1]").replace(
    "[2], plate: t}", "[2], plate: t, reverse: true}"
)


WRONG = {
    "a bent start": ("initial: z0", "initial: tanh(z0)", "the initial value of `z` is not affine"),
    "other children": ("emit(z)", "emit(z) + sum(z0)", "`x` depends on it, and not `z` alone"),
    "every step": ('"move(z[t-1])"', '"move(z[t-1]) + z0"', "`z` depends on it at every step"),
    "other entries": (
        "loc: center, scale: spread}",
        "loc: 0, scale: 1, shape: []}",
        "another number of entries",
    ),
    "a parent": (
        "  z0: {latent: normal, loc: center,",
        "  u: {latent: normal, loc: 0, scale: 1}\n  z0: {latent: normal, loc: center + u,",
        "`z0` depends on `u`, which is latent, too",
    ),
}


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def settled(text, folder):
    made = program(text, folder)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in made.parameters():
            value.copy_(0.6 * torch.randn(value.shape, generator=generator))
    return made


def weights(link):
    return link.weight.detach().numpy(), link.bias.detach().numpy()


def density(name, model, x, center, spread, *, steps=STEPS):
    """log p(x) of one row [steps, 3], as that of a vector with the covariance of all steps."""
    (move, shift), (emit, offset) = weights(model.move), weights(model.emit)
    drift, noise = (np.diag(s.detach().numpy()) for s in (model.drift, model.noise))
    count = 2 + 2 * steps
    mean, root = center, np.zeros((2, count))
    root[:, :2] = np.diag(spread)
    if name == "affine start":
        mean, root = 0.5 - 2 * mean, -2 * root
    if name == "start through a node":
        weight, bias = weights(model.begin)
        mean, root = weight @ mean + bias, weight @ root
    means, roots = [], []
    for t in range(steps):
        mean, root = move @ mean + shift, move @ root
        root[:, 2 + 2 * t : 4 + 2 * t] = drift
        means.append(emit @ mean + offset)
        roots.append(emit @ root)
    whole = np.concatenate(roots)
    covariance = whole @ whole.T + np.kron(np.eye(steps), noise**2)
    seen = x[::-1] if "backward" in name else x
    return stats.multivariate_normal(np.concatenate(means), covariance).logpdf(seen.ravel())


def rows(count=3):
    generator = torch.Generator().manual_seed(1)
    return torch.randn((count, STEPS, 3), generator=generator)


@pytest.mark.parametrize("name", SPECS)
def test_a_start_is_integrated_out_with_its_sequence(name, tmp_path):
    made, x = settled(SPECS[name], tmp_path), rows()
    model, spread = made.model, made.model.spread.detach().numpy()
    has_rows = name == "mean of each row"
    given = {"c": torch.linspace(-2, 2, 6).view(3, 2)} if has_rows else {}
    centers = given["c"].numpy() if has_rows else [model.center.detach().numpy()] * 3
    found = model.log_prob(x=x, **given).detach().numpy()
    wanted = [density(name, model, r, c, spread) for r, c in zip(x.numpy(), centers, strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8)
    ignored = [
        density(name, model, r, c, 0 * spread) for r, c in zip(x.numpy(), centers, strict=True)
    ]
    assert np.abs(found - ignored).max() > 1e-3  # the start as a number would be noticed


@pytest.mark.parametrize("name", ["forward", "backward"])
def test_padding_is_no_part_of_a_sequence_with_a_random_start(name, tmp_path):
    made, x = settled({"forward": RAGGED, "backward": RAGGED_BACKWARD}[name], tmp_path), rows()
    model, n = made.model, torch.tensor([2, 4, 1])
    center, spread = model.center.detach().numpy(), model.spread.detach().numpy()
    found = model.log_prob(x=x, n=n).detach().numpy()
    wanted = [
        density(name, model, row[:count], center, spread, steps=count)
        for row, count in zip(x.numpy(), n.tolist(), strict=True)
    ]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8)


def test_gradients_of_a_random_start_are_finite_differences(tmp_path):
    made, x = settled(SPEC, tmp_path), rows()
    model = made.model
    for value in (model.center, model.log_spread):
        (slope,) = torch.autograd.grad(model.log_prob(x=x).sum(), value)
        for place in range(2):
            with torch.no_grad():
                ends = []
                for step in (1e-5, -1e-5):
                    value[place] += step
                    ends.append(model.log_prob(x=x).sum().item())
                    value[place] -= step
            assert slope[place].item() == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-6)


@pytest.mark.parametrize("name", WRONG)
def test_a_start_without_a_closed_form_is_refused_with_the_reason(name):
    old, new, words = WRONG[name]
    changed = SPEC.replace(old, new)
    assert changed != SPEC
    result, checked = compile(Source("wrong.yaml", changed))
    found = [d for d in checked.diagnostics if d.code == "E0439"]
    assert result is None
    assert any(words in d.evidence["reason"] for d in found), [d.evidence for d in found]


FINITE = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [4, 3]}}}
plates: {t: {scan: 4}}
model:
  first: {parameter: real, shape: [2]}
  table: {parameter: real, shape: [2, 2]}
  light: {parameter: real, shape: [2, 3]}
  z:
    latent: categorical
    logits: table[z[t-1]]
    initial: {latent: categorical, logits: first}
    classes: 2
    plate: t
  x: {observed: bernoulli, logits: "light[z]", plate: t}
objective: mle
"""


def test_a_finite_start_is_summed_out_with_its_sequence(tmp_path):
    """The sum over all states and starts; without the prior of the start it is another number."""
    model = program(FINITE, tmp_path).model.double()
    generator = torch.Generator().manual_seed(0)
    for value in model.parameters():
        value.data = torch.randn(value.shape, generator=generator, dtype=torch.float64)
    x = torch.rand((3, STEPS, 3), generator=generator, dtype=torch.float64).round()
    first, table = model.first.log_softmax(-1), model.table.log_softmax(-1)
    pixels = torch.distributions.Bernoulli(logits=model.light)
    seen = pixels.log_prob(x[..., None, :]).sum(-1)
    by_start = []
    for start, *states in itertools.product(range(2), repeat=STEPS + 1):
        moves = sum(table[a, b] for a, b in itertools.pairwise([start, *states]))
        by_start.append((start, moves + seen[:, torch.arange(STEPS), states].sum(-1)))
    found = model.log_prob(x=x)
    wanted = torch.stack([first[start] + each for start, each in by_start]).logsumexp(0)
    torch.testing.assert_close(found, wanted)
    assert not torch.allclose(found, torch.stack([each for _, each in by_start]).logsumexp(0))
