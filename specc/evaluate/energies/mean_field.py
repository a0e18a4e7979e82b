"""A lower bound of -F by mean field: the latents of a row are independent under q.

    -F(v) = log sum_h exp(-E(v, h)) >= E_q[-E(v, h)] + H(q),      q(h) = prod_u q_u(h_u)

The best q_u given the others has the natural parameters of u at the means of the others, since they
are linear in each of them (Jordan, Ghahramani, Jaakkola and Saul 1999, section 4; Salakhutdinov and
Hinton 2009, section 3.1). With the entropy relative to the base measure, H = A(eta) - eta E[T].
"""

from __future__ import annotations

import torch
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
            for part in model.parts(name):
                found = model.natural(name, {**observed, **means}, part)
                eta[name] = found if name not in eta else _of_part(part, found, eta[name])
                means[name] = model.families[name].mean(eta[name])[0]
        if all((means[n] - before[n]).abs().max() <= TOLERANCE for n in means):
            break
    return _bound(model, observed, eta)


def _bound(model: EnergyModel, observed: Values, eta: dict[str, Natural]) -> Tensor:
    """E_q[-E] + H(q).

    One latent after the other goes from its reference to its mean, and one color after the other if
    its entries interact. As -E is linear in the statistics of each, with its natural parameters as
    coefficients, each adds eta (E[T] - T(r)).
    """
    values = {**observed, **model.reference(model.latents, rows_of(observed))}
    total = -model.energy(values)
    for name in model.latents:
        family = model.families[name]
        mean, start = family.mean(eta[name]), family.statistics(values[name])
        moved = tuple(a - b for a, b in zip(mean, start, strict=True))
        total = total + family.log_partition(eta[name]) - dot(eta[name], mean)
        for part in model.parts(name):
            own = model.natural(name, values, part)
            change = _of_part(part, moved, tuple(map(torch.zeros_like, moved)))
            total = total + dot(own, change)
            (values[name],) = _of_part(part, mean[:1], (values[name],))
    return total


def _of_part(part: Tensor | None, inside: Natural, outside: Natural) -> Natural:
    """Some values in the entries of a part of a unit, and others outside of it."""
    if part is None:
        return inside
    return tuple(torch.where(part, a, b) for a, b in zip(inside, outside, strict=True))
