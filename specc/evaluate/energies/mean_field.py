"""A lower bound of -F by mean field: the latents of a row are independent under q.

    -F(v) = log sum_h exp(-E(v, h)) >= E_q[-E(v, h)] + H(q),      q(h) = prod_u q_u(h_u)

The best q_u given the others has the natural parameters of u at the means of the others, since they
are linear in each of them (Jordan, Ghahramani, Jaakkola and Saul 1999, section 4; Salakhutdinov and
Hinton 2009, section 3.1). With the entropy relative to the base measure, H = A(eta) - eta E[T].
"""

from __future__ import annotations

from torch import Tensor

from specc.evaluate.energies.model import EnergyModel, Values, rows_of
from specc.runtime.exponential_families import Natural, dot

TOLERANCE, MOST = 1e-6, 1000
"""The largest change of a mean in the last update, and the most updates."""


def lower_bound(model: EnergyModel, rows: Values) -> Tensor:
    """The bound of -F for rows of the observed units: [rows].

    Any q gives a bound, so one that has not converged does, too.
    """
    observed = model.held(rows)
    means = model.reference(model.latents, rows_of(observed))
    eta: dict[str, Natural] = {}
    for _ in range(MOST):
        before = dict(means)
        for name in model.latents:
            eta[name] = model.natural(name, {**observed, **means})
            means[name] = model.families[name].mean(eta[name])[0]
        if all((means[n] - before[n]).abs().max() <= TOLERANCE for n in means):
            break
    return _bound(model, observed, eta)


def _bound(model: EnergyModel, observed: Values, eta: dict[str, Natural]) -> Tensor:
    """E_q[-E] + H(q).

    One latent after the other goes from its reference to its mean. As -E is linear in the
    statistics of each, with its natural parameters as coefficients, each adds eta (E[T] - T(r)).
    """
    values = {**observed, **model.reference(model.latents, rows_of(observed))}
    total = -model.energy(values)
    for name in model.latents:
        family = model.families[name]
        mean, own = family.mean(eta[name]), model.natural(name, values)
        start = family.statistics(values[name])
        moved = tuple(a - b for a, b in zip(mean, start, strict=True))
        entropy = family.log_partition(eta[name]) - dot(eta[name], mean)
        total = total + dot(own, moved) + entropy
        values[name] = mean[0]
    return total
