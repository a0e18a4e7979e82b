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
