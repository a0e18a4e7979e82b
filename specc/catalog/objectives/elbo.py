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
    ),
    example="objective: {elbo: {particles: 8}}",
    guided=True,
    variable="elbo",
    options=MappingProxyType({"particles": 1}),
)
