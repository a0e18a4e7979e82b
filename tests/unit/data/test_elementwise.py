"""`base`, `clip`, `log` and `logit` of fields: their values, their checks, their densities."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy import special, stats

import specc
from specc.data.load import load
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Data, Field, Support
from specc.runtime.noise import Noise

REAL, DIGITS = Support("interval"), Support("integers", 0, 4)
RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(0.05, 0.95, (12, 2))
MASK = np.arange(12) >= 9


def loaded(folder, x, support=REAL, source="npz", shape=(2,), dtype="float32", **options):
    name = "values" if source == "npy" else "x"
    own = Field("x", name, shape, dtype, support, at="a.yaml:3:9", **options)
    if source == "npy":
        np.save(folder / "a.npy", x)
        return load(Data("npy", {"path": "a.npy"}, {}, {"x": own}), folder, torch.float64)
    np.savez(folder / "a.npz", x=x, test=MASK)
    data = Data("npz", {"path": "a.npz"}, {"test": "test"}, {"x": own})
    return load(data, folder, torch.float64)


def values(found, part="train"):
    return found.part(part).batch(slice(0, 100), Noise.at(0))["x"].double().numpy()


def logit(x, a):
    return special.logit(a + (1 - 2 * a) * x)


@pytest.mark.parametrize("source", ["npz", "npy"])
@pytest.mark.parametrize("kind", ["f8", "f4", "u1"])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"log": True}, np.log),
        ({"logit": 0.0}, lambda x: logit(x, 0.0)),
        ({"logit": 0.05}, lambda x: logit(x, 0.05)),
        ({"clip": (0.2, 0.6)}, lambda x: np.clip(x, 0.2, 0.6)),
        ({"clip": (0.2, 0.6), "log": True}, lambda x: np.log(np.clip(x, 0.2, 0.6))),
    ],
)
def test_the_values(tmp_path, source, kind, options, expected):
    x = np.rint(X * 200).astype(kind)
    found = loaded(tmp_path, x, source=source, scale=1 / 255, **options)
    rows = slice(None) if source == "npy" else ~MASK
    wanted = expected(x.astype(float) / 255)[rows]
    np.testing.assert_allclose(values(found), wanted, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("source", ["npz", "npy"])
def test_standardized_values_are_transformed_before(tmp_path, source):
    found = loaded(tmp_path, X, source=source, log=True, standardize=True)
    logs = np.log(X if source == "npy" else X[~MASK])
    expected = (logs - logs.mean(0)) / logs.std(0)
    np.testing.assert_allclose(values(found), expected, atol=1e-9)


@pytest.mark.parametrize("kind", ["u1", "i8", "f8"])
def test_labels_from_one(tmp_path, kind):
    x = np.arange(1, 13).astype(kind) % 5 + 1
    found = loaded(tmp_path, x, DIGITS, shape=(), dtype="int64", base=1)
    np.testing.assert_array_equal(values(found), (x - 1)[~MASK])
    hot = loaded(tmp_path, x, Support("onehot"), shape=(5,), base=1, one_hot=5)
    np.testing.assert_array_equal(values(hot), np.eye(5)[(x[~MASK] - 1).astype(int)])


@pytest.mark.parametrize(
    ("value", "options", "words"),
    [
        (0.0, {"log": True}, "is 0, but the model needs a number > 0, of which `log` is taken"),
        (-0.5, {"logit": 0.05}, "is -0.5, but the model needs a number in [0, 1], of which"),
        (1.0, {"logit": 0.0}, "is 1, but the model needs a number in (0, 1), of which `logit`"),
        (np.inf, {"clip": (0.0, 1.0)}, "every value must be a finite number"),
    ],
)
def test_a_value_that_has_no_logarithm(tmp_path, value, options, words):
    x = X.copy()
    x[3, 1] = value
    with pytest.raises(RunFailure) as failure:
        loaded(tmp_path, x, **options)
    assert words in str(failure.value) and "row 3, column 1" in str(failure.value)


@pytest.mark.parametrize("options", [{}, {"one_hot": 5}])
def test_a_label_below_the_first(tmp_path, options):
    x = np.arange(12) % 5 + 1
    x[4] = 0
    support, shape = (Support("onehot"), (5,)) if options else (DIGITS, ())
    with pytest.raises(RunFailure, match=r"row 4 .* is 0, but .* an integer 1 to 5"):
        loaded(tmp_path, x, support, shape=shape, dtype="int64", base=1, **options)


SPEC = """
specc: 1
name: moved
data:
  source: a.npz
  fields: {x: {from: x, shape: [2], OPTIONS}}
model:
  m: {parameter: real, shape: [2], init: 0.2}
  s: {parameter: positive, shape: [2], init: 1.5}
  x: {observed: normal, loc: m, scale: s}
objective: mle
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 50, steps: 2, precision: float64}
evaluate: {train: {estimator: exact, data: train}}
"""


@pytest.mark.parametrize("options", ["log: true", "log: true, standardize: true", "logit: 0.05"])
def test_the_density_has_the_jacobian(tmp_path, options):
    """In the units of the data, against scipy: the derivative by differences of the transform."""
    np.savez(tmp_path / "a.npz", x=X)
    (tmp_path / "a.yaml").write_text(SPEC.replace("OPTIONS", options))
    run = specc.load(tmp_path / "a.yaml").train(tmp_path / "run", device="cpu")
    record = run.loaded.data.record.get("x", {"mean": 0.0, "deviation": 1.0})
    mean, deviation = np.array(record["mean"]), np.array(record["deviation"])

    def to_model(x):
        return ((np.log(x) if "log:" in options else logit(x, 0.05)) - mean) / deviation

    model = run.program.model
    loc, scale = model.m.detach().numpy(), model.s.detach().numpy()
    slope = (to_model(X + 1e-6) - to_model(X - 1e-6)) / 2e-6
    expected = stats.norm.logpdf(to_model(X), loc, scale) + np.log(slope)
    np.testing.assert_allclose(run.log_prob(torch.tensor(X)), expected.sum(1), rtol=1e-7)
    figure = run.result["evaluate"]["train"]
    own = figure["value"] - figure["log_scale"]
    assert own == pytest.approx(expected.sum(1).mean(), rel=1e-7)
    drawn = run.sample(4000, seed=1)["x"].numpy()
    drawn = drawn[((drawn > 0) & (drawn < 1)).all(1)] if "logit" in options else drawn
    z = (to_model(drawn) - loc) / scale
    # The mean of 4,000 rows is beyond 5 standard errors once in a million times.
    assert (np.abs(z.mean(0)) < 5 / len(z) ** 0.5).all()


def test_the_predicted_mean_is_that_of_the_draws(tmp_path):
    """E exp(y) is exp(m + s^2 / 2), not exp(m), the converted mean."""
    spec = SPEC.replace("OPTIONS", "log: true").replace("[2]", "[]").replace("init: 1.5", "init: 1")
    spec = spec.replace("fields: {x", "fields: {t: {from: t, shape: []}, x")
    spec = spec.replace("model:\n", "model:\n  t: {given: t}\n").replace("loc: m", "loc: m + 0 * t")
    np.savez(tmp_path / "a.npz", x=X[:, 0], t=X[:, 1])
    (tmp_path / "a.yaml").write_text(spec)
    run = specc.load(tmp_path / "a.yaml").train(tmp_path / "run", device="cpu")
    found = run.predict(part="train", draws=20000)["x"].mean[0].item()
    m, s = run.program.model.m.item(), run.program.model.s.item()
    error = np.exp(m + s**2 / 2) * (np.expm1(s**2) / 20000) ** 0.5
    assert abs(found - np.exp(m + s**2 / 2)) < 5 * error < np.exp(m + s**2 / 2) - np.exp(m)


def test_the_manifest_has_them(tmp_path):
    np.savez(tmp_path / "a.npz", x=X)
    text = SPEC.replace("OPTIONS", "clip: [0.1, 0.9], logit: 0.01")
    (tmp_path / "a.yaml").write_text(text)
    specc.load(tmp_path / "a.yaml").compile(tmp_path / "code")
    written = json.loads((tmp_path / "code" / "manifest.json").read_text())
    assert written["data"]["fields"]["x"]["clip"] == [0.1, 0.9]
    assert written["data"]["fields"]["x"]["logit"] == 0.01
