"""A network with a distribution over its weights: its densities, and a short run on known data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from specc.evaluate.predict import PredictionRequest, predict
from specc.runtime.program import load
from tests.truths.gallery import SPECS, trained

GENERATED = SPECS.parent / "generated"


def test_its_densities_are_their_formulas() -> None:
    """Log p(y, w) in SciPy, with the scale 1 / sqrt(inputs) of the weights of a layer."""
    program = load(GENERATED / "bayesian_network").double()
    random = np.random.default_rng(0)
    x, y = random.normal(size=(30, 13)), random.normal(size=30)
    w1, b1, w2 = random.normal(size=(13, 50)), random.normal(size=50), random.normal(size=50)
    b2, sd = 0.3, 0.7
    values = {"sd": sd, "net_w1": w1, "net_b1": b1, "net_w2": w2, "net_b2": b2}
    latents = {name: torch.as_tensor(v, dtype=torch.float64) for name, v in values.items()}
    rows = {"x": torch.from_numpy(x), "y": torch.from_numpy(y)}
    found = program.model.log_joint(**latents, **rows).sum() + program.model.log_prior(**latents)
    exact = stats.norm.logpdf(y, np.maximum(x @ w1 + b1, 0) @ w2 + b2, sd).sum()
    exact += stats.halfnorm.logpdf(sd)
    for value, inputs in ((w1, 13), (b1, 1), (w2, 50), (b2, 1)):
        # The generated code has the scale with six digits.
        exact += stats.norm.logpdf(value, 0, float(f"{inputs**-0.5:.6g}")).sum()
    assert found.item() == pytest.approx(exact, rel=1e-12)


def test_a_short_run_predicts_rows_that_it_has_not_seen(tmp_path) -> None:
    """A function of two of the inputs, with noise of sd 0.2 and values of sd 1.3."""
    random = np.random.default_rng(1)
    features = random.normal(size=(400, 13))
    target = features[:, 0] + 1.5 * np.abs(features[:, 1]) + 0.2 * random.normal(size=400)
    np.savez(tmp_path / "boston.npz", features=features, target=target)
    settings = ("train.epochs=60", "train.optimizer.adam.lr=0.03", "objective.elbo.particles=2")
    loaded = trained("bayesian_network", tmp_path, settings, data_dir=tmp_path).loaded
    found = predict(loaded, PredictionRequest(draws=200))["y"].summary()
    assert found["rmse"] < 0.6 and found["coverage"] > 0.8
