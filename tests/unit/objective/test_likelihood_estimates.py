"""What the compiler says of the figures of a spec is what its program, once written, says too."""

import json

import pytest
from hypothesis import HealthCheck, given, settings

from specc.compiler import compile, front
from specc.diagnostics.source import Source
from specc.evaluate.scoring import PREDICTIVE, choose_estimator
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from tests.unit.random_specs import specs

CALM = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
ESTIMATORS = ("elbo", "iwae", "exact", "ais")
ALIKE = [("elbo", "elbo"), ("iwae", "iwae"), ("ais", "ais")]

SUMMED = """
specc: 1
name: made
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  y: {latent: categorical, logits: 0, classes: 3, draw: enumerate}
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: bernoulli, logits: "down(z, y)"}
guide:
  z: {latent: normal, params: up(x)}
links: {up: linear, down: linear}
objective: elbo
"""
DRAWN = SUMMED.replace(", draw: enumerate", "").replace(
    "guide:\n", "guide:\n  y: {latent: categorical, logits: more(x)}\n"
)
DRAWN = DRAWN.replace("links: {", "links: {more: linear, ")
SHARED = SUMMED.replace("shape: [2]", "shape: [2], global: true").replace(
    "params: up(x)", "loc: 0.3, scale: 1"
)
POINT = """
specc: 1
name: made
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  w: {latent: normal, loc: 0, scale: 1, shape: [64], global: true}
  x: {observed: bernoulli, logits: w}
objective: map
"""
FILLED = """
specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x}, m: {from: m, shape: []}}}
model:
  m: {observed: log_normal, loc: 0.5, scale: 1.5, missing: pathwise}
  x: {observed: normal, loc: f(m), scale: 1, shape: [2]}
guide:
  m: {latent: log_normal, params: g(x)}
links: {f: linear, g: linear}
objective: elbo
"""
"""No latents, and a value that the guide draws where the data have none."""
ALONE = SUMMED.replace("  y: {latent: categorical, logits: 0, classes: 3, draw: enumerate}\n", "")
ALONE = ALONE.replace('"down(z, y)"', "down(z)")
BESIDE = ALONE.replace("  x:", "  w: {latent: normal, loc: 0, scale: 1, global: true}\n  x:")
BESIDE = BESIDE.replace("logits: down(z)", "logits: w * down(z)").replace(
    "guide:\n", "guide:\n  w: {latent: normal, loc: 0.3, scale: 1}\n"
)
DEPENDENT = BESIDE.replace("params: up(x)", 'params: "up(x, w)"')
"""Latents of rows beside one that all rows share, on which they may depend in the guide."""
MIXTURE = """
specc: 1
name: made
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  y: {latent: categorical, logits: 0, classes: 3}
  x: {observed: bernoulli, logits: down(y)}
links: {down: linear}
objective: mle
"""
DOUBLED = MIXTURE.replace("objective: mle", 'objective: {minimize: "-2 * mle(model)"}')
VALUE = DRAWN.replace("guide:\n", "guide:\n  m: {let: more(x), shape: []}\n", 1).replace(
    "y: {latent: categorical, logits: more(x)}", "y: {latent: categorical, logits: other(x)}"
)
VALUE = VALUE.replace("links: {", "links: {other: linear, ").replace(
    "objective: elbo\n",
    "objective:\n  players:\n    fit: {minimize: guide.m ** 2, links: [more]}\n",
)
"""A loss without a draw, beside a model with latents and a guide, which gives bounds."""

UNGUIDED = """
specc: 1
name: made
data: {source: digits, fields: {x: {from: image}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  v: {let: down(z), shape: [64]}
  x: {observed: normal, loc: v, scale: 1}
links: {down: linear}
objective: {minimize: "sum((model.v - data.x) ** 2)"}
"""


def told(text, estimator):
    """Whether the compiler allows a figure, and whether it says that it does not."""
    checked = front(Source("made.yaml", f"{text}evaluate: {{test: {{estimator: {estimator}}}}}\n"))
    return checked.ok, "E0813" in {d.code for d in checked.diagnostics}


def manifest_of(text):
    """The manifest of a sound spec; None of another one."""
    result, _ = compile(Source("made.yaml", text))
    if result is None:
        return None
    return manifests.parse(json.loads(result.files["manifest.json"]))


def chosen(manifest, estimator):
    """The estimator that a run would use; None where it would refuse."""
    try:
        return choose_estimator(manifest, estimator)
    except RunFailure as failure:
        assert failure.code == "E0813"
        return None


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        (SUMMED, ("elbo", "iwae", "ais")),
        (SHARED, ESTIMATORS),
        (DRAWN, ("elbo", "iwae")),
        (FILLED, ("elbo", "iwae")),
        (ALONE, ("elbo", "iwae", "ais")),
        (BESIDE, ("elbo", "iwae")),
        (DEPENDENT, ("elbo", "iwae")),
        (POINT, ESTIMATORS),
        (MIXTURE, ESTIMATORS),
        (DOUBLED, ESTIMATORS),
        (VALUE, ("elbo", "iwae")),
        (UNGUIDED, ("ais",)),
    ],
    ids=[
        "summed",
        "shared",
        "drawn",
        "filled",
        "alone",
        "beside",
        "dependent",
        "point",
        "mixture",
        "doubled",
        "value",
        "unguided",
    ],
)
def test_what_is_allowed(text, allowed):
    manifest = manifest_of(text)
    for estimator in ESTIMATORS:
        assert told(text, estimator) == (estimator in allowed, estimator not in allowed)
        assert (chosen(manifest, estimator) is not None) == (estimator in allowed)


def test_the_compiler_and_the_run_agree():
    """On random specs; and where a bound is allowed, the guide and the data give all it takes."""
    seen = set()

    def agree(text):
        manifest = manifest_of(text)
        for estimator in ESTIMATORS if manifest is not None else ():
            found = chosen(manifest, estimator)
            assert told(text, estimator) == (found is not None, found is None)
            seen.add((estimator, found))
            if found in ("elbo", "iwae"):
                needed = manifest.capabilities["model.log_joint"]
                masks = {f.missing.known for f in manifest.data.fields.values() if f.missing}
                assert {*manifest.latents("guide"), *manifest.data.fields, *masks} >= {*needed}

    @settings(max_examples=300, deadline=None, suppress_health_check=CALM, derandomize=True)
    @given(specs(steps=30))
    def often(text):
        agree(text)

    often()
    for text in (SHARED, VALUE, UNGUIDED):  # random specs seldom have the same
        agree(text)
    others = {(estimator, how) for estimator in ESTIMATORS for how in (None, "exact", PREDICTIVE)}
    assert seen == {*ALIKE, *others}
