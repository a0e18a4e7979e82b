"""Fixed maps in a model against the same maps of the data, their sets, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from specc.catalog.bijections.fixed import ENTRY
from specc.catalog.link import LinkShapeError
from specc.catalog.supports import REAL, UNIT_INTERVAL, Integers, Interval
from specc.compiler import compile
from specc.diagnostics.source import Source
from tests.laws.bijecting import Case, shaken
from tests.laws.compiling import program
from tests.truths.gallery import trained_text
from tests.truths.measuring import bound

TEXT = """specc: 1
name: greys
data: {source: greys.npz, fields: {x: {from: x, shape: [4]%s}}, split: {test: 0.2}}
model: {x: {observed: normal, loc: 0, scale: 2, through: [%s]}}
links: {f: {affine: true}, greys: {fixed: [{sigmoid: 0.05}, {scale: 256}]}}
objective: mle
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 20, epochs: 1}
evaluate: {test: {estimator: exact, data: test}}
"""


def test_the_figure_of_a_fixed_map_is_that_of_the_data_in_their_own_units(tmp_path):
    """A logit inside the model, and that of a field in the units of the data, which are x / 256."""
    greys = np.random.default_rng(0).uniform(0, 256, (200, 4)).astype("float32")
    np.savez(tmp_path / "greys.npz", x=greys)
    inside = trained_text(TEXT % ("", "f, greys"), tmp_path / "inside", (), tmp_path)
    field = ", scale: 0.00390625, logit: 0.05"
    outside = trained_text(TEXT % (field, "f"), tmp_path / "outside", (), tmp_path)
    first, second = (bound(run, 1, estimator="exact") for run in (inside, outside))
    assert first.log_scale is None and abs(second.log_scale) > 5
    found = second.values.mean().item() - second.log_scale - 4 * math.log(256)
    assert first.values.mean().item() == pytest.approx(found, abs=1e-3)


def options(*steps):
    return ENTRY.Options.model_validate({"fixed": list(steps)})


@pytest.mark.parametrize(
    "steps, of, onto",
    [
        (
            [{"shift": 2.0}, {"scale": 3.0}],
            Interval(0, 1, True, False),
            Interval(6, 9, True, False),
        ),
        ([{"sigmoid": 0.0}, {"scale": 256.0}], REAL, Interval(0, 256, True, True)),
        ([{"logit": 0.0}], Interval(0, 1, True, True), REAL),
        ([{"logit": 0.0}], Interval(0, 2), None),
        ([{"sigmoid": 0.0}, {"logit": 0.0}], REAL, REAL),
        ([{"scale": 0.5}], Integers(0, 3), None),
        ([{"shift": "context"}], UNIT_INTERVAL, REAL),
    ],
)
def test_the_image_of_an_interval(steps, of, onto):
    assert ENTRY.image_of(options(*steps), of) == onto


def test_the_image_of_an_inset_logit_is_bounded():
    found = ENTRY.image_of(options({"logit": 0.05}), UNIT_INTERVAL)
    assert found.high == pytest.approx(math.log(19)) == -found.low
    assert ENTRY.of(options({"logit": 0.05})) == Interval(
        pytest.approx(-1 / 18), pytest.approx(19 / 18), True, True
    )


def test_sigmoid_and_logit_are_those_of_fields():
    case = Case("fixed", {"fixed": [{"scale": 1 / 256}, {"logit": 0.05}]})
    x = torch.tensor([0.0, 17.5, 256.0]).double()
    u, log_det = shaken(case)(x)
    p = 0.05 + 0.9 * x / 256
    torch.testing.assert_close(u, torch.logit(p))
    torch.testing.assert_close(log_det, (0.9 / 256 / (p * (1 - p))).log().sum())


@pytest.mark.parametrize("far", [-200.0, 200.0])
@pytest.mark.parametrize("inset", [0.0, 0.05])
def test_values_far_out_keep_a_finite_density(far, inset):
    f = shaken(Case("fixed", {"fixed": [{"sigmoid": inset}]}, (1,))).float()
    x, log_det = f(torch.tensor([far]))
    assert log_det.isfinite() and f.inverse(x)[0].isfinite().all()


@pytest.mark.parametrize(
    "given", [{"shift": 1.0, "scale": 2.0}, {}, {"logit": 0.5}, {"scale": 0.0}]
)
def test_a_step_is_one_map(given):
    with pytest.raises(ValueError, match="validation error"):
        ENTRY.Options.model_validate({"fixed": [given]})


def test_a_context_of_another_size_is_refused():
    with pytest.raises(LinkShapeError, match="as many numbers as the value, 3, and is given 2"):
        ENTRY.lower(options({"shift": "context"}), (3,), 2)


MOVED = """specc: 1
name: dequantized
data: {source: digits, fields: {x: {from: level}}}
model:
  v: {latent: normal, loc: 0, scale: 1, shape: [64], through: levels}
  x: {observed: uniform, low: v - 1, high: v}
guide: {v: {latent: uniform, low: 0, high: 1, through: add(x)}}
links:
  levels: {fixed: [{sigmoid: 0.05}, {scale: 17}]}
  add: {fixed: {shift: context}}
objective: elbo
"""


def test_a_guide_that_adds_data_may_have_a_bounded_model(tmp_path):
    """Uniform dequantization of bounded levels: the density of x + u, with its Jacobian by hand."""
    made = program(MOVED, tmp_path)
    x = torch.randint(0, 17, (5, 64)).double()
    u = torch.rand(5, 64).double()
    p = 0.05 + 0.9 * (x + u) / 17
    base = torch.distributions.Normal(0.0, 1.0).log_prob(torch.logit(p))
    expected = (base + (0.9 / 17 / (p * (1 - p))).log()).sum(-1)
    torch.testing.assert_close(made.model.log_joint(v=x + u, x=x), expected)


def test_a_map_that_its_draw_does_not_fit_is_refused():
    text = MOVED.replace(
        "{latent: normal, loc: 0, scale: 1, shape: [64], through: levels}",
        "{latent: normal, loc: 0, scale: 1, shape: [64], through: back}",
    )
    text = text.replace(
        "{fixed: {shift: context}}", "{fixed: {shift: context}}\n  back: {fixed: {logit: 0}}"
    )
    _, checked = compile(Source("s.yaml", text))
    (found,) = [d for d in checked.diagnostics if d.code == "E0326"]
    assert "numbers in (0, 1)" in str(found)
