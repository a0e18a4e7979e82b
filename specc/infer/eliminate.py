"""Variable elimination: exact probabilities from the tables of a network (Zhang and Poole 1994).

Each variable that is not queried is summed out of the product of the tables that contain it. The
cost is the size of the largest product: linear in the number of nodes for trees, exponential in the
width of the graph in general. Products are scaled, so that long chains of evidence do not
underflow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from specc.infer.factor import Array, Factor, product
from specc.infer.order import Order, best_order


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The joint probabilities of the queried variables given the evidence, with an axis for each.

    `log_known` is the log-probability of the evidence.
    """

    values: Array
    log_known: float


def planned(factors: Sequence[Factor], queried: Sequence[str], known: Mapping[str, int]) -> Order:
    """Return the elimination order, with the size of its largest table."""
    sizes = {n: s for f in factors for n, s in zip(f.variables, f.values.shape, strict=True)}
    scopes = [tuple(n for n in f.variables if n not in known) for f in factors]
    return best_order(scopes, sizes, queried)


def eliminate(
    factors: Sequence[Factor], queried: Sequence[str], known: Mapping[str, int], order: Order
) -> Answer | None:
    """Return the answer; None if the evidence has probability 0."""
    left = [factor.at(known) for factor in factors]
    log_scale = 0.0
    for name in order.names:
        held = [factor for factor in left if name in factor.variables]
        left = [factor for factor in left if name not in factor.variables]
        summed = product(held).without(name)
        most = float(summed.values.max())
        if most == 0.0:
            return None
        log_scale += math.log(most)
        left.append(Factor(summed.variables, summed.values / most))
    joint = product(left, tuple(queried)).values
    total = float(joint.sum())
    if total == 0.0:
        return None
    return Answer(joint / total, math.log(total) + log_scale)
