"""Ordinal regression, zero-inflated and hurdle counts, censored times: against SciPy's optima.

Every run is seeded and on one thread. The data of the gallery are made here.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import optimize, special, stats

from specc.evaluate.chain_diagnostics import diagnose
from specc.evaluate.guide_diagnostics import diagnose_guide
from tests.laws.compiling import program
from tests.truths.gallery import SPECS, source, trained, trained_text
from tests.truths.measuring import weights

FIT = ("train.precision=float64", "train.epochs=200", "train.optimizer.adam.lr=0.1")


def written(rows: np.ndarray, names: str, formats: str) -> str:
    lines = [formats % tuple(row) for row in rows]
    return "\n".join([names, *lines]) + "\n"


def grades() -> str:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 2)).round(3)
    y = (x @ [1.2, -0.7] + rng.logistic(size=200))[:, None] > [-1.0, 0.5, 2.0]
    return written(np.column_stack([x, y.sum(1)]), "x1,x2,grade", "%.3f,%.3f,%d")


def times() -> str:
    rng = np.random.default_rng(2)
    treated = rng.integers(0, 2, 150)
    time = np.exp(1 + 0.6 * treated) * rng.weibull(1.4, 150)
    last = rng.uniform(1, 9, 150)
    columns = [treated, np.minimum(time, last).round(3), time <= last]
    return written(np.column_stack(columns), "treated,time,event", "%d,%.3f,%d")


def visits() -> str:
    rng = np.random.default_rng(3)
    x = rng.normal(size=300).round(3)
    closed = rng.uniform(size=300) < special.expit(-0.4 + 0.8 * x)
    count = np.where(closed, 0, rng.poisson(np.exp(0.9 + 0.5 * x)))
    return written(np.column_stack([x, count]), "x,visits", "%.3f,%d")


FILES = {"grades.csv": grades, "survival.csv": times, "visits.csv": visits}


def table(file: str) -> np.ndarray:
    return np.loadtxt(SPECS / file, delimiter=",", skiprows=1)


@pytest.mark.parametrize("file", FILES)
def test_the_gallery_has_these_rows(file: str) -> None:
    assert (SPECS / file).read_text(encoding="utf-8") == FILES[file]()


def optimum(loss, start) -> tuple[np.ndarray, float]:
    """The parameters of the largest mean log-likelihood, and that."""
    found = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-8})
    return found.x, -found.fun


def ordinal(p: np.ndarray) -> float:
    rows = table("grades.csv")
    cuts = np.cumsum([p[2], math.exp(p[3]), math.exp(p[4])])
    ends = np.concatenate([[-np.inf], cuts, [np.inf]])
    eta, y = rows[:, :2] @ p[:2], rows[:, 2].astype(int)
    return -np.log(special.expit(ends[y + 1] - eta) - special.expit(ends[y] - eta)).mean()


def inflated(p: np.ndarray) -> float:
    x, y = table("visits.csv").T
    gate, rate = special.expit(p[0] + p[1] * x), np.exp(p[2] + p[3] * x)
    return -np.log(gate * (y == 0) + (1 - gate) * stats.poisson.pmf(y, rate)).mean()


def hurdle(p: np.ndarray) -> float:
    x, y = table("visits.csv").T
    gate, rate = special.expit(p[0] + p[1] * x), np.exp(p[2] + p[3] * x)
    positive = (1 - gate) * stats.poisson.pmf(y, rate) / -np.expm1(-rate)
    return -np.log(np.where(y == 0, gate, positive)).mean()


def survival(p: np.ndarray) -> float:
    """level, effect, log concentration."""
    x, time, event = table("survival.csv").T
    frozen = stats.weibull_min(np.exp(p[2]), scale=np.exp(p[0] + p[1] * x))
    return -np.where(event == 1, frozen.logpdf(time), frozen.logsf(time)).mean()


def test_ordinal_regression_reaches_the_optimum(tmp_path: Path) -> None:
    run = trained("ordinal_regression", tmp_path, FIT, data_dir=SPECS)
    exact, value = optimum(ordinal, [0.0, 0.0, -1.0, 0.0, 0.0])
    learnt = weights(run)
    np.testing.assert_allclose(learnt["model.w"], exact[:2], atol=1e-3)
    cuts = run.loaded.program.model.cuts.detach().numpy()
    np.testing.assert_allclose(cuts, np.cumsum([exact[2], *np.exp(exact[3:])]), atol=1e-3)
    assert value < -0.5


@pytest.mark.parametrize(("law", "loss"), [("zero_inflated", inflated), ("hurdle", hurdle)])
def test_counts_with_many_zeros_reach_the_optimum(law: str, loss, tmp_path: Path) -> None:
    text = source("zero_inflated").text.replace("zero_inflated(poisson)", f"{law}(poisson)")
    run = trained_text(text, tmp_path, FIT, data_dir=SPECS)
    exact, _ = optimum(loss, np.zeros(4))
    learnt = weights(run)
    found = np.stack([learnt["model.b"], learnt["model.w"]], 1).ravel()
    np.testing.assert_allclose(found, exact, atol=2e-3)
    other, _ = optimum(hurdle if law == "zero_inflated" else inflated, np.zeros(4))
    assert np.abs(found - other).max() > 0.1


MLE = """\
specc: 1
name: times
data:
  source: csv
  path: survival.csv
  fields: {x: {from: treated}, time: {from: time}, event: {from: event}}
model:
  x: {given: x}
  event: {given: event}
  effect: {parameter: real}
  level: {parameter: real}
  shape: {parameter: positive}
  time:
    observed: censored(weibull)
    event: event
    scale: exp(level + effect * x)
    concentration: shape
objective: mle
train: {optimizer: {adam: {lr: 0.05}}, batch_size: 150, epochs: 400, schedule: {cosine: {}}}
"""


def test_censored_times_reach_the_optimum(tmp_path: Path) -> None:
    run = trained_text(MLE, tmp_path, FIT, data_dir=SPECS)
    exact, _ = optimum(survival, np.zeros(3))
    model = run.loaded.program.model
    found = [model.level.item(), model.effect.item(), math.log(model.shape.item())]
    np.testing.assert_allclose(found, exact, atol=2e-3)
    # Without censoring, times are too short.
    x, time, _ = table("survival.csv").T
    naive, _ = optimum(
        lambda p: (
            -stats.weibull_min.logpdf(time, np.exp(p[2]), scale=np.exp(p[0] + p[1] * x)).mean()
        ),
        np.zeros(3),
    )
    assert np.abs(naive - exact).max() > 0.1


STICKS = """\
specc: 1
name: sticks
data: {source: csv, path: rows.csv, fields: {y: {from: y}}}
model:
  v: {parameter: unit_interval, shape: [3]}
  means: {parameter: real, shape: [4], init: [-3, -1, 1, 3]}
  weights: {let: "diff(concat(0, 1 - cumprod(1 - v), 1))"}
  y: {observed: mixture(normal), weights: weights, loc: means, scale: 0.5}
objective: mle
train: {optimizer: {adam: {lr: 0.05}}, batch_size: 400, epochs: 300, schedule: {cosine: {}}}
"""


def test_a_mixture_by_breaking_a_stick(tmp_path: Path) -> None:
    """The weights are a simplex for the compiler; EM gains nothing at the optimum."""
    rng = np.random.default_rng(4)
    y = rng.choice([-3.0, -1.0, 1.5, 3.0], 400, p=[0.4, 0.3, 0.2, 0.1]) + 0.5 * rng.normal(size=400)
    (tmp_path / "rows.csv").write_text(written(y[:, None], "y", "%.4f"))
    run = trained_text(STICKS, tmp_path, FIT, data_dir=tmp_path)
    model = run.loaded.program.model
    v = model.v.detach().numpy()
    share = np.append(v, 1.0) * np.append(1.0, np.cumprod(1 - v))
    means = model.means.detach().numpy()
    y = y.round(4)
    joint = share * stats.norm.pdf(y[:, None], means, 0.5)
    resp = joint / joint.sum(1, keepdims=True)
    np.testing.assert_allclose(resp.mean(0), share, atol=2e-3)
    np.testing.assert_allclose((resp * y[:, None]).sum(0) / resp.sum(0), means, atol=5e-3)


def log_posterior(level, effect, shape):
    """Of the gallery spec, on broadcast arrays."""
    x, time, event = table("survival.csv").T
    scale = np.exp(level[..., None] + effect[..., None] * x)
    k = shape[..., None]
    z = k * np.log(time / scale)
    each = np.where(event == 1, np.log(k) - np.log(time) + z, 0.0) - np.exp(z)
    prior = stats.norm.logpdf(effect) + stats.norm.logpdf(level, 0, 2)
    return each.sum(-1) + prior + stats.gamma.logpdf(shape, 4, scale=1 / 3)


def moments() -> tuple[np.ndarray, np.ndarray, float]:
    """The posterior means and deviations by a sum over a grid, and the log evidence."""
    start, _ = optimum(survival, np.zeros(3))
    axes = [
        np.linspace(start[0] - 0.8, start[0] + 0.8, 41),
        np.linspace(start[1] - 1.2, start[1] + 1.2, 41),
        np.linspace(0.7, 2.2, 41),
    ]
    grid = np.meshgrid(*axes, indexing="ij")
    log_p = log_posterior(*grid)
    cell = math.prod(a[1] - a[0] for a in axes)
    evidence = special.logsumexp(log_p) + math.log(cell)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    means = np.array([(p * g).sum() for g in grid])
    return (
        means,
        np.sqrt([(p * (g - m) ** 2).sum() for g, m in zip(grid, means, strict=True)]),
        evidence,
    )


@pytest.mark.slow
def test_the_posterior_of_censored_times(tmp_path: Path) -> None:
    """NUTS within 5 Monte Carlo standard errors of a sum over a grid.

    `test_bayesian_models` always compares the log-posterior with its formula.
    """
    means, deviations, _ = moments()
    settings = ("sampler.nuts.warmup=200", "sampler.nuts.draws=300", "train.compile='off'")
    run = trained("survival", tmp_path, settings, data_dir=SPECS)
    found = {row.name: row for row in diagnose(run.loaded).rows}
    for name, mean, deviation in zip(("level", "effect", "shape"), means, deviations, strict=True):
        assert abs(found[name].mean - mean) < 5 * found[name].mcse
        assert found[name].sd == pytest.approx(deviation, rel=0.15)


GUIDE = """objective: {elbo: {particles: 8}}
guide: {auto: multivariate_normal}
train: {optimizer: {adam: {lr: 0.1}}, batch_size: 150, epochs: 250, schedule: {cosine: {}}}
"""


def test_the_guide_of_censored_times_knows_the_evidence(tmp_path: Path) -> None:
    """Its bound is below the log evidence, by little, and its importance weights find it."""
    means, deviations, evidence = moments()
    text = source("survival").text
    run = trained_text(text[: text.index("sampler:")] + GUIDE, tmp_path, FIT, data_dir=SPECS)
    found = diagnose_guide(run.loaded, 300)
    assert found is not None and found.weights is not None
    assert evidence - 0.06 < found.weights.bound < evidence + 0.02
    assert abs(found.weights.log_evidence - evidence) < 0.05
    rows = {row.name: row for row in found.rows}
    for name, mean, deviation in zip(("level", "effect", "shape"), means, deviations, strict=True):
        assert abs(rows[name].mean - mean) < 0.3 * deviation
        assert rows[name].sd == pytest.approx(deviation, rel=0.2)


HALF = """specc: 1
name: half
data: {source: npz, path: a.npz, fields: {y: {from: y}}}
model:
  tau: {latent: %s, global: true}
  y: {observed: normal, loc: 0, scale: tau}
sampler: {nuts: {chains: 2}}
"""


def test_a_truncated_normal_prior_is_a_half_normal_one(tmp_path: Path) -> None:
    """Also the map of its unconstrained number, so a scale may have it."""
    forms = ("half_normal, scale: 2", "truncated(normal), lower: 0, loc: 0, scale: 2")
    found = []
    for form in forms:
        model = program(HALF % form, tmp_path).model
        (own,) = model.parameters()
        with torch.no_grad():
            own.fill_(0.3)
        found.append((model.tau, model.log_prior(tau=model.tau), model.log_det()))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
