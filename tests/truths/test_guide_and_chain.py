"""Grades, counts with many zeros, censored times, sticks: a guide and NUTS find one posterior.

Every run is seeded and on one thread. The means of a guide with a full covariance are within 0.3
posterior standard deviations of those of the chains, and the deviations within a quarter.
"""

from pathlib import Path

import numpy as np
import pytest

from specc.evaluate.chain_diagnostics import diagnose
from specc.evaluate.guide_diagnostics import diagnose_guide
from tests.truths.gallery import SPECS, trained_text

ORDINAL = """specc: 1
name: grades
data:
  source: csv
  path: grades.csv
  fields: {x1: {from: x1}, x2: {from: x2}, y: {from: grade}}
model:
  x1: {given: x1}
  x2: {given: x2}
  w: {latent: normal, loc: 0, scale: 2, shape: [2], global: true}
  gaps: {latent: gamma, concentration: 2, rate: 1, shape: [3], global: true}
  cuts: {let: cumsum(gaps) - 3}
  y: {observed: ordered_logistic, predictor: "w[0] * x1 + w[1] * x2", cutpoints: cuts}
"""
COUNTS = """specc: 1
name: visits
data:
  source: csv
  path: visits.csv
  fields: {x: {from: x}, y: {from: visits}}
model:
  x: {given: x}
  b: {latent: normal, loc: 0, scale: 2, shape: [2], global: true}
  w: {latent: normal, loc: 0, scale: 2, shape: [2], global: true}
  y:
    observed: zero_inflated(poisson)
    gate_logits: b[0] + w[0] * x
    rate: exp(b[1] + w[1] * x)
"""
TIMES = """specc: 1
name: times
data:
  source: csv
  path: survival.csv
  fields: {x: {from: treated}, time: {from: time}, event: {from: event}}
model:
  x: {given: x}
  event: {given: event}
  effect: {latent: normal, loc: 0, scale: 1, global: true}
  level: {latent: normal, loc: 0, scale: 2, global: true}
  shape: {latent: gamma, concentration: 4, rate: 3, global: true}
  time:
    observed: censored(weibull)
    event: event
    scale: exp(level + effect * x)
    concentration: shape
"""
STICKS = """specc: 1
name: sticks
data: {source: csv, path: rows.csv, fields: {y: {from: y}}}
model:
  v: {latent: beta, concentration1: 1, concentration0: 1, shape: [2], global: true}
  means: {latent: normal, loc: 0, scale: 3, shape: [3], through: order, global: true}
  weights: {let: "diff(concat(0, 1 - cumprod(1 - v), 1))"}
  y: {observed: mixture(normal), weights: weights, loc: means, scale: 0.5}
links: {order: {onto: ordered}}
"""
MODELS = {
    "ordinal": ORDINAL,
    "zero_inflated": COUNTS,
    "hurdle": COUNTS.replace("zero_inflated(poisson)", "hurdle(poisson)"),
    "survival": TIMES,
    "sticks": STICKS,
}
GUIDE = """objective: {elbo: {particles: 8}}
guide: {auto: multivariate_normal}
train: {optimizer: {adam: {lr: 0.1}}, batch_size: 10000, epochs: 250, schedule: {cosine: {}}}
"""
NUTS = """sampler: {nuts: {chains: 2, warmup: 150, draws: 250}}
train: {compile: "off"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The rows of the gallery, and 200 rows of a mixture.

    The means of its components are ordered, so that they cannot exchange their places.
    """
    for name in ("grades.csv", "visits.csv", "survival.csv"):
        (tmp_path / name).write_text((SPECS / name).read_text(encoding="utf-8"))
    rng = np.random.default_rng(5)
    y = rng.choice([-3.0, -0.5, 2.0], 200, p=[0.5, 0.3, 0.2]) + 0.5 * rng.normal(size=200)
    (tmp_path / "rows.csv").write_text("y\n" + "".join(f"{v:.4f}\n" for v in y))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_the_posterior_of_the_guide_is_that_of_the_chains(name: str, folder: Path) -> None:
    found = []
    for way, rest in (("guide", GUIDE), ("chains", NUTS)):
        text = MODELS[name] + rest
        place = folder / way
        place.mkdir()
        run = trained_text(text, place, ("train.precision=float64",), data_dir=folder)
        if way == "guide":
            diagnosed = diagnose_guide(run.loaded, 300)
            assert diagnosed is not None
            found.append(diagnosed.rows)
        else:
            found.append(diagnose(run.loaded).rows)
    guide, chains = ({row.name: (row.mean, row.sd) for row in rows} for rows in found)
    assert guide.keys() == chains.keys()
    for entry, (mean, deviation) in chains.items():
        assert abs(guide[entry][0] - mean) < 0.3 * deviation, (entry, guide, chains)
        assert guide[entry][1] == pytest.approx(deviation, rel=0.25), (entry, guide, chains)
