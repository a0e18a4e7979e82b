"""What an entry is called elsewhere leads to it."""

import re

import pytest

from specc.catalog.elsewhere import ALTERNATIVES, alternative
from specc.catalog.links.blocks.activation import ACTIVATIONS
from specc.catalog.other_names import OTHER_NAMES, suggested_name
from specc.catalog.registry import (
    DISTRIBUTIONS,
    DRAWS,
    FUNCTIONS,
    KERNELS,
    KINDS,
    METRICS,
    OBJECTIVES,
    SHORTHANDS,
)
from specc.compiler import front
from specc.diagnostics.source import Source
from specc.language.schema.document import Document
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.train import TrainSpec


def known():
    entries = DISTRIBUTIONS.values()
    parameters = {parameter.name for entry in entries for parameter in entry.parameters}
    parameters |= {other.name for entry in entries for other in entry.alternatives}
    tables = (DISTRIBUTIONS, FUNCTIONS, KINDS, DRAWS, OBJECTIVES, SHORTHANDS, METRICS, KERNELS)
    keys = {*Document.model_fields, *TrainSpec.model_fields, *OPTIMIZERS["adam"].model_fields}
    return parameters.union(ACTIVATIONS, keys, *tables)


def test_every_name_points_to_an_entry():
    assert set(OTHER_NAMES) <= known()


@pytest.mark.parametrize(
    "said, ours",
    [("Gaussian", "normal"), ("mvn", "multivariate_normal"), ("double-exponential", "laplace")],
)
def test_a_distribution_of_another_library(said, ours):
    assert suggested_name(said, DISTRIBUTIONS) == ours


def test_the_candidates_decide():
    assert suggested_name("a", ["low", "high"]) == "low"
    assert suggested_name("mu", ["loc", "scale"]) == "loc"
    assert suggested_name("qwxz", ["loc", "scale"]) is None
    assert suggested_name("gaussian", KERNELS) == "rbf"
    assert suggested_name("FID", METRICS) == "frechet"


@pytest.mark.parametrize(
    "other, ours",
    [
        ("rnvp", "realnvp"),
        ("neural_spline", "nsf"),
        ("made", "masked_mlp"),
        ("wavenet", "causal_conv"),
        ("gpt", "transformer"),
    ],
)
def test_a_link_of_another_library(other, ours):
    assert suggested_name(other, KINDS) == ours


@pytest.mark.parametrize(
    "name",
    ["bnaf", "sos_flow", "sylvester", "lstm", "rnn", "bert", "attention", "unet", "BNAF"],
)
def test_another_thing_is_no_slip_of_the_keyboard(name):
    assert suggested_name(name, KINDS) is None
    assert alternative(name)


def test_a_slip_is_still_one():
    assert suggested_name("iaff", KINDS) == "iaf"
    assert suggested_name("U-Net", ["u_net", "mlp"]) == "u_net"
    assert alternative("iaff") == ""


def test_what_there_is_has_no_lead_elsewhere():
    everything = known() | set(KINDS)
    others = {other for names in OTHER_NAMES.values() for other in names}
    assert not set(ALTERNATIVES) & (everything - set(DRAWS) | others)


def test_a_lead_names_what_there_is():
    # Besides entries of the catalog, leads quote keys, options and short pieces of a spec.
    words = known() | set(KINDS) | {"df", "scale", "autoregressive", "z", "u", "y"}
    for text in set(ALTERNATIVES.values()):
        quoted = re.findall(r"`(\w+)`", text)
        assert quoted or "`" in text or "not available" in text
        assert set(quoted) <= words, text


HEAD = """specc: 1
name: lead
data:
  source: npz
  path: d.npz
  fields: {x: {from: x, shape: [6, 4]}, a: {from: a, shape: [6, 6]}, y: {from: y, shape: [3]},
    n: {from: n, shape: []}, i: {from: i, shape: [1, 8, 8]}}
"""
OF_X = "model:\n  x: {given: x}\n"
OF_Y = """  y: {observed: normal, loc: net(flatten(h)), scale: 1}
links: {net: linear}
objective: mle
"""
WRITTEN = {
    "attention": OF_X
    + """  wq: {parameter: real, shape: [4, 8]}
  wk: {parameter: real, shape: [4, 8]}
  q: {let: x @ wq}
  k: {let: x @ wk}
  h: {let: softmax(q @ transpose(k)) @ x}
"""
    + OF_Y,
    "gnn": OF_X
    + "  a: {given: a}\n  w: {parameter: real, shape: [4, 8]}\n  h: {let: relu(a @ x @ w)}\n"
    + OF_Y,
    "hypernetwork": OF_X
    + """  w: {let: net(flatten(x)), shape: [3, 24]}
  y: {observed: normal, loc: w @ flatten(x), scale: 1}
links: {net: {mlp: [8]}}
objective: mle
""",
    "moe": OF_X
    + """  g: {let: gate(flatten(x)), shape: [5]}
  e: {let: experts(flatten(x)), shape: [5]}
  n: {observed: mixture(normal), weights: softmax(g), loc: e, scale: 1}
links: {gate: linear, experts: {mlp: [8]}}
objective: mle
""",
    "unet": """model:
  x: {given: i}
  fine: {let: into(x), shape: [8, 8, 8]}
  coarse: {let: "across(average_pool(fine, 2))", shape: [8, 4, 4]}
  i: {observed: normal, loc: out(up(coarse) + fine), scale: 1}
links:
  into: {convolution: 3, padding: 1}
  across: {convolution: 3, padding: 1}
  out: {convolution: 3, padding: 1}
  up: {deconv: [8]}
objective: mle
""",
    "flow_matching": """constants: {moves: [1, 1, 1, 0], clock: [0, 0, 0, 1]}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [3]}
  start: {let: append_zero(z)}
  end: {let: "rk4(moves * v(start) + clock, start, 1, 20)", shape: [4]}
  y: {let: drop_last(end)}
programs:
  between:
    z: {latent: normal, loc: 0, scale: 1, shape: [3]}
    t: {latent: uniform, low: 0, high: 1}
    velocity: {let: "v(concat((1 - t) * z + t * data.y, t))", shape: [4]}
links: {v: {mlp: [8]}}
objective: {minimize: sum(square(drop_last(between.velocity) - (data.y - between.z)))}
""",
    "nuts": """model:
  m: {latent: improper_uniform, global: true}
  y: {observed: normal, loc: m, scale: 1}
sampler: {nuts: {chains: 4}}
""",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_a_lead_says_can_be_written(name):
    checked = front(Source("lead.yaml", HEAD + WRITTEN[name]))
    assert checked.plan is not None, checked.diagnostics
    assert alternative(name)
