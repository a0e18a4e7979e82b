"""Chains over what a sequence depends on, with its states integrated out, beside quadrature.

The mean of the chains is within 4.5 of its Monte Carlo standard errors of the integral: a false
alarm in 4 numbers has the probability 3e-5. The run is seeded and on one thread.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from specc.evaluate.chain_diagnostics import diagnose
from tests.truths.gallery import trained_text

STEPS = 12
SPEC = f"""specc: 1
name: level
data:
  source: csv
  path: y.csv
  lines_per_row: {STEPS}
  fields: {{y: {{from: y, shape: [{STEPS}]}}}}
plates: {{t: {{scan: {STEPS}}}}}
model:
  drift: {{latent: log_normal, loc: 0, scale: 0.5, global: true}}
  noise: {{latent: log_normal, loc: 0, scale: 0.5, global: true}}
  level:
    latent: normal
    loc: 0.9 * level[t-1]
    scale: drift
    initial: 0
    plate: t
    draw: integrate
  y: {{observed: normal, loc: level, scale: noise, plate: t}}
sampler: {{nuts: {{chains: 2, warmup: 200, draws: 500}}}}
"""


def exact(y: np.ndarray) -> dict[str, tuple[float, float]]:
    """The mean and the standard deviation of each latent, by a grid of their logarithms."""
    grid = np.linspace(-2.5, 2.5, 81)
    place = np.arange(1, STEPS + 1)
    # Cov(level_s, level_t) / drift^2 = sum_{k <= min(s, t)} 0.9^(s + t - 2 k)
    shared = np.array(
        [
            [sum(0.9 ** (s + t - 2 * k) for k in range(1, min(s, t) + 1)) for t in place]
            for s in place
        ]
    )
    log_p = np.array(
        [
            [
                multivariate_normal.logpdf(
                    y, np.zeros(STEPS), np.exp(2 * a) * shared + np.exp(2 * b) * np.eye(STEPS)
                )
                + norm.logpdf(a, 0, 0.5)
                + norm.logpdf(b, 0, 0.5)
                for b in grid
            ]
            for a in grid
        ]
    )
    weights = np.exp(log_p - logsumexp(log_p))
    found = {}
    for name, axis in (("drift", 1), ("noise", 0)):
        own, values = weights.sum(axis), np.exp(grid)
        mean = float(own @ values)
        found[name] = (mean, float(np.sqrt(own @ (values - mean) ** 2)))
    return found


@pytest.mark.slow
def test_scales_of_a_state_space_have_their_posterior(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    y = np.cumsum(rng.normal(size=STEPS)) + 0.7 * rng.normal(size=STEPS)
    (tmp_path / "y.csv").write_text("y\n" + "".join(f"{v!r}\n" for v in y.tolist()))
    run = trained_text(SPEC, tmp_path, ("train.precision=float64",), data_dir=tmp_path)
    rows = {row.name: row for row in diagnose(run.loaded).rows}
    for name, (mean, deviation) in exact(y).items():
        error = deviation / np.sqrt(rows[name].ess_bulk)
        assert abs(rows[name].mean - mean) < 4.5 * error, (name, mean, rows)
        assert rows[name].sd == pytest.approx(deviation, rel=0.2)
