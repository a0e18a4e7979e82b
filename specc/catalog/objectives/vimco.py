"""The importance-weighted bound for discrete latents."""

from __future__ import annotations

from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.objective import Objective

ENTRY = Objective(
    name="vimco",
    title="importance-weighted bound (score gradients)",
    summary="The bound of iwae, with score gradients whose baseline leaves one particle out.",
    formula="E_q[log 1/K sum_k p(x, z_k) / q(z_k | x)]",
    references=(Reference("Mnih and Rezende 2016", "equations 5 to 9"),),
    example="objective: {vimco: {particles: 10}}",
    guided=True,
    variable="iwae",
    reduction="logmeanexp",
    options=MappingProxyType({"particles": 10}),
    meanings=MappingProxyType({"particles": "The number K of draws from the guide for each row."}),
    finite="score leave_one_out",
)
