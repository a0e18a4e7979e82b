"""The importance-weighted bound."""

from __future__ import annotations

from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.objective import Objective

ENTRY = Objective(
    name="iwae",
    title="importance-weighted bound",
    summary="The log of the mean of K importance weights: tighter as K grows.",
    formula="E_q[log 1/K sum_k p(x, z_k) / q(z_k | x)]",
    references=(Reference("Burda et al. 2016", "equation 8"),),
    example="objective: {iwae: {particles: 50}}",
    guided=True,
    variable="iwae",
    reduction="logmeanexp",
    options=MappingProxyType({"particles": 5}),
    meanings=MappingProxyType({"particles": "The number K of draws from the guide for each row."}),
    finite="refuse",
)
