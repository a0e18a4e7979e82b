"""Gradients through the sample."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.objective import Draw

ENTRY = Draw(
    name="pathwise",
    summary="z = g(eps): the gradient passes through the sample itself. With `sticking`, log q "
    "is a function of the sample alone, its parameters held fixed.",
    formula="grad E_q[f(z)] = E_eps[grad f(g(eps))], z = g(eps)",
    references=(
        Reference("Kingma and Welling 2014", "section 2.4"),
        Reference("Roeder et al. 2017", "section 3 (sticking the landing)"),
    ),
    example="draw: {pathwise: {form: sticking}}",
    option="form",
    options=("plain", "sticking"),
    meaning="Whether the parameters of log q are held fixed (`sticking`) or not (`plain`).",
    needs_reparameterized=True,
    samples=True,
)
