"""What an entry is called elsewhere leads to it."""

import re

import pytest

from specc.catalog.elsewhere import LEADS, lead
from specc.catalog.links.blocks.activation import ACTIVATIONS
from specc.catalog.other_names import OTHER_NAMES, meant
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


def test_every_name_led_to_is_ours():
    assert set(OTHER_NAMES) <= known()


@pytest.mark.parametrize(
    "said, ours",
    [("Gaussian", "normal"), ("mvn", "multivariate_normal"), ("double-exponential", "laplace")],
)
def test_a_distribution_of_another_library(said, ours):
    assert meant(said, DISTRIBUTIONS) == ours


def test_the_candidates_decide():
    assert meant("a", ["low", "high"]) == "low"
    assert meant("mu", ["loc", "scale"]) == "loc"
    assert meant("qwxz", ["loc", "scale"]) is None
    assert meant("gaussian", KERNELS) == "rbf"
    assert meant("FID", METRICS) == "frechet"


@pytest.mark.parametrize(
    "other, ours",
    [
        ("rnvp", "realnvp"),
        ("neural_spline", "nsf"),
        ("made", "masked_mlp"),
        ("wavenet", "causal_conv"),
    ],
)
def test_a_link_of_another_library(other, ours):
    assert meant(other, KINDS) == ours


@pytest.mark.parametrize(
    "name", ["naf", "cnf", "ffjord", "lstm", "rnn", "transformer", "attention", "unet", "NAF"]
)
def test_another_thing_is_no_slip_of_the_keyboard(name):
    assert meant(name, KINDS) is None
    assert lead(name)


def test_a_slip_is_still_one():
    assert meant("iaff", KINDS) == "iaf"
    assert meant("U-Net", ["u_net", "mlp"]) == "u_net"
    assert lead("iaff") == ""


def test_what_there_is_has_no_lead_elsewhere():
    everything = known() | set(KINDS)
    others = {other for names in OTHER_NAMES.values() for other in names}
    assert not set(LEADS) & (everything - set(DRAWS) | others)


def test_a_lead_names_what_there_is():
    # Besides entries of the catalog, leads quote keys, options and short pieces of a spec.
    words = known() | set(KINDS) | {"df", "scale", "autoregressive", "z", "u", "y"}
    for lead_text in set(LEADS.values()):
        quoted = re.findall(r"`(\w+)`", lead_text)
        assert quoted or "`" in lead_text or "not available" in lead_text
        assert set(quoted) <= words, lead_text
