"""Laws of every metric of samples: closed forms, signatures, and the order of rows."""

import importlib
import inspect

import pytest
import torch

from specc.catalog.metric import MetricOptions
from specc.catalog.registry import FEATURES, KERNELS, METRICS
from tests.oracles.metrics import EXPECTED
from tests.oracles.metrics import METRICS as CASES

OF_A_RUN = {"label_accuracy"}
"""Metrics that need another run; `tests/unit/evaluate/test_classifier.py` tests them."""


def module(kind, name):
    return importlib.import_module(f"specc.{kind}.{name}")


def keywords(function):
    parameters = inspect.signature(function).parameters.values()
    return {p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def test_every_entry_has_an_oracle():
    assert set(CASES) | OF_A_RUN == set(METRICS)
    assert set(EXPECTED) == set(KERNELS)


@pytest.mark.parametrize("name", METRICS)
def test_what_is_declared_is_computed(name):
    own = set(METRICS[name].Options.model_fields) - set(MetricOptions.model_fields) - {"features"}
    assert keywords(module("evaluate.metrics", name).compute) == own


@pytest.mark.parametrize("name", KERNELS)
def test_the_options_of_a_kernel_are_its_arguments(name):
    own = set(KERNELS[name].Options.model_fields)
    assert keywords(module("runtime.kernels", name).gram) == own


@pytest.mark.parametrize("name", FEATURES)
def test_the_options_of_features_are_their_arguments(name):
    own = set(FEATURES[name].Options.model_fields)
    assert keywords(module("evaluate.features", name).features) == own


@pytest.mark.parametrize("name", CASES)
def test_a_metric_has_the_values_that_it_declares(name):
    case = CASES[name]()
    found = module("evaluate.metrics", name).compute(case.compared(), **case.options)
    assert list(found) == list(METRICS[name].values)
    for key, (expected, tolerance) in case.expected.items():
        assert abs(found[key].value - expected) <= tolerance, key


@pytest.mark.parametrize("name", CASES)
def test_the_order_of_rows_does_not_matter(name):
    case = CASES[name]()
    compared = case.compared()
    turned = type(compared)(
        "x", case.data.flip(0), case.samples.flip(0), case.drawn, 0, case.open_run
    )
    compute = module("evaluate.metrics", name).compute
    first, second = (compute(own, **case.options) for own in (compared, turned))
    for key in case.expected:
        assert first[key].value == pytest.approx(second[key].value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_symmetric_and_conditionally_positive(name):
    """sum c_i c_j k(x_i, x_j) >= 0 for all c with the sum 0."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    gram = module("runtime.kernels", name).gram(rows, rows, 1.0, **EXPECTED[name][1])
    torch.testing.assert_close(gram, gram.mT)
    centre = torch.eye(12, dtype=torch.float64) - 1.0 / 12
    assert torch.linalg.eigvalsh(centre @ gram @ centre).min() > -1e-10
