"""The year in which disasters of coal mines became fewer, against its posterior in closed form.

With exponential priors the rates are integrated out: p(s | x) is proportional to the product of two
Gamma integrals. An epoch of the chains has a few hundred draws.
"""

import numpy as np
import pytest
import torch
from scipy.special import gammaln, logsumexp
from scipy.stats import poisson

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.runtime.program import load
from tests.house.files import ROOT
from tests.truths.gallery import trained

YEAR, COUNT = np.loadtxt(ROOT / "specs/disasters.csv", delimiter=",", skiprows=1).T
ROWS = len(COUNT)
SWITCH = np.arange(ROWS)


def posterior():
    """p(s | x) and E[early | x], s the number of years before the switch."""
    before = np.concatenate([[0.0], np.cumsum(COUNT)])[SWITCH]
    after = COUNT.sum() - before
    log_p = gammaln(before + 1) - (before + 1) * np.log(SWITCH + 1)
    log_p += gammaln(after + 1) - (after + 1) * np.log(ROWS - SWITCH + 1)
    p = np.exp(log_p - logsumexp(log_p))
    return p, (p * (before + 1) / (SWITCH + 1)).sum()


def test_the_posterior_of_the_year_given_both_rates(tmp_path):
    text = (ROOT / "specs/coal_mining.yaml").read_text()
    result, _ = compile(Source("coal_mining.yaml", text))
    for name, content in result.files.items():
        (tmp_path / name).write_text(content)
    model = load(tmp_path).double().model
    with torch.no_grad():
        model.log_early.fill_(np.log(3.0))
        model.log_late.fill_(np.log(1.0))
    data = {"year": torch.tensor(YEAR), "disasters": torch.tensor(COUNT)}
    found = model.posterior_probs(**data)["switch"]
    rates = np.where(np.arange(ROWS) < SWITCH[:, None], 3.0, 1.0)
    log_p = poisson.logpmf(COUNT, rates).sum(1)
    assert abs(found.numpy() - np.exp(log_p - logsumexp(log_p))).max() < 1e-6
    whole = model.log_prob(**data).sum().item()
    assert abs(whole - logsumexp(log_p) + np.log(ROWS)) < 1e-9


@pytest.mark.slow
def test_the_posterior_of_the_chains(tmp_path):
    """Half the L1 distance of 2,000 draws is 0.005; the rates have a standard error of 0.008."""
    run = trained("coal_mining", tmp_path)
    p, early = posterior()
    found = np.array(run.result["shared"]["switch"])
    assert abs(found - p).sum() / 2 < 0.03
    assert abs(run.result["posterior"]["latents"][0]["mean"] - early) < 0.05
    assert 1851 + p.argmax() == 1892
