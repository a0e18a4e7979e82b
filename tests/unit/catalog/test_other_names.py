"""What an entry is called elsewhere leads to it."""

import re

import pytest

from specc.catalog import kinds
from specc.catalog.distributions import index as distributions
from specc.catalog.draws import index as draws
from specc.catalog.elsewhere import LEADS, lead
from specc.catalog.functions import index as functions
from specc.catalog.links import index as links
from specc.catalog.links.blocks.activation import ACTIVATIONS
from specc.catalog.objectives import index as objectives
from specc.catalog.other_names import OTHER_NAMES, meant


def known():
    entries = [distributions.distribution(name) for name in distributions.names()]
    parameters = {parameter.name for entry in entries for parameter in entry.parameters}
    parameters |= {other.name for entry in entries for other in entry.alternatives}
    tables = (distributions, functions, kinds, links, draws, objectives)
    return parameters.union(ACTIVATIONS, *(table.names() for table in tables))


def test_every_name_led_to_is_ours():
    assert set(OTHER_NAMES) <= known()


@pytest.mark.parametrize(
    "said, ours",
    [("Gaussian", "normal"), ("mvn", "multivariate_normal"), ("double-exponential", "laplace")],
)
def test_a_distribution_of_another_library(said, ours):
    assert meant(said, distributions.names()) == ours


def test_the_candidates_decide():
    assert meant("a", ["low", "high"]) == "low"
    assert meant("mu", ["loc", "scale"]) == "loc"
    assert meant("qwxz", ["loc", "scale"]) is None


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
    assert meant(other, kinds.names()) == ours


@pytest.mark.parametrize(
    "name", ["naf", "cnf", "ffjord", "lstm", "rnn", "transformer", "attention", "unet", "NAF"]
)
def test_another_thing_is_no_slip_of_the_keyboard(name):
    assert meant(name, kinds.names()) is None
    assert lead(name)


def test_a_slip_is_still_one():
    assert meant("iaff", kinds.names()) == "iaf"
    assert meant("U-Net", ["u_net", "mlp"]) == "u_net"
    assert lead("iaff") == ""


def test_what_there_is_has_no_lead_elsewhere():
    everything = known() | set(kinds.names())
    others = {other for names in OTHER_NAMES.values() for other in names}
    assert not set(LEADS) & (everything - set(draws.names()) | others)


def test_a_lead_names_what_there_is():
    # Besides entries of the catalog, leads quote keys, options and short pieces of a spec.
    words = known() | set(kinds.names()) | {"df", "scale", "autoregressive", "z", "u", "y"}
    for lead_text in set(LEADS.values()):
        quoted = re.findall(r"`(\w+)`", lead_text)
        assert quoted or "`" in lead_text or "not available" in lead_text
        assert set(quoted) <= words, lead_text
