"""The evidence lower bound."""

from __future__ import annotations

from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.objective import Objective

ENTRY = Objective(
    name="elbo",
    title="evidence lower bound",
    summary="The mean over draws from the guide of log p less log q.",
    formula="E_q[log p(x, z) - log q(z | x)]",
    references=(
        Reference("Jordan et al. 1999", "section 4"),
        Reference("Kingma and Welling 2014", "equation 3"),
        Reference("Bowman et al. 2016", "section 3.1: warm_up, the rising weight of divergences"),
        Reference("Kingma et al. 2016", "equation 15: free_bits, their least value in nats"),
    ),
    example="objective: {elbo: {particles: 8}}",
    guided=True,
    variable="elbo",
    options=MappingProxyType({"particles": 1, "warm_up": 0.0, "free_bits": 0.0}),
    meanings=MappingProxyType(
        {
            "particles": "The number of draws from the guide for each row.",
            "warm_up": "The share of the run in which the weight of the divergences rises from "
            "0 to 1.",
            "free_bits": "The least value of each divergence, in nats.",
        }
    ),
)
