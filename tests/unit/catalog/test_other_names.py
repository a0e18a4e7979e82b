"""What an entry is called elsewhere leads to it."""

import pytest

from specc.catalog.distributions import index as distributions
from specc.catalog.draws import index as draws
from specc.catalog.functions import index as functions
from specc.catalog.links import index as links
from specc.catalog.links.blocks.activation import ACTIVATIONS
from specc.catalog.objectives import index as objectives
from specc.catalog.other_names import OTHER_NAMES, meant


def known():
    entries = [distributions.distribution(name) for name in distributions.names()]
    parameters = {parameter.name for entry in entries for parameter in entry.parameters}
    parameters |= {other.name for entry in entries for other in entry.alternatives}
    tables = (distributions, functions, links, draws, objectives)
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
