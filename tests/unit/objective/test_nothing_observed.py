"""A model in which nothing is observed and every latent is summed out has nothing to learn."""

import pytest

from specc.compiler import front, generate
from specc.diagnostics.source import Source

SPEC = """specc: 1
name: t
data: {source: digits, fields: {x: {from: image, dtype: float32}, y: {from: label}}}
model:
  y: {given: y}
  w: {parameter: real, shape: [3]}
  MODEL
links: {net: {mlp: [4]}}
objective: OBJECTIVE
"""


def checked(model, objective):
    text = SPEC.replace("MODEL", model).replace("OBJECTIVE", objective)
    return front(Source("m.yaml", text))


def codes(model, objective):
    return [d.code for d in checked(model, objective).diagnostics if d.code.startswith("E")]


@pytest.mark.parametrize("objective", ["mle", "map", '{minimize: "-log_prob(model.k)"}'])
@pytest.mark.parametrize(
    "latent",
    [
        'k: {latent: categorical, logits: "net(y)", classes: 3}',
        "k: {latent: categorical, logits: w}",
        "k: {latent: bernoulli, logits: w}",
    ],
)
def test_a_sum_over_everything_is_one(latent, objective):
    assert codes(latent, objective) == ["E0423"]


@pytest.mark.parametrize("given", ["y: {given: y}", ""])
def test_a_point_of_the_prior_is_learned_without_data(given):
    model = (
        "m: {latent: normal, loc: 0, scale: 1, global: true}\n  k: {latent: bernoulli, logits: m}"
    )
    text = SPEC.replace("y: {given: y}", given).replace("w: {parameter: real, shape: [3]}", "")
    text = text.replace("MODEL", model).replace("OBJECTIVE", "map")
    found = front(Source("m.yaml", text))
    assert found.ok
    assert "enumerate_values" in generate(found).files["model.py"]


def test_data_that_depend_on_the_latent_teach_it():
    model = "k: {latent: categorical, logits: w}\n  x: {observed: normal, loc: net(k), scale: 1}"
    assert codes(model, "mle") == []
