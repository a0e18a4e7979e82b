"""Transitions of the no-U-turn sampler: trajectories that double until their ends approach.

A transition builds a binary tree of leapfrog steps, forward or backward at random, until the
generalized criterion holds (Betancourt 2017, appendix A.4.2): with rho the sum of the momenta of a
subtree and p, p' those at its ends, p . rho <= 0 or p' . rho <= 0. The ends count half in rho,
which then is the integral of the momentum by the trapezoidal rule. The next state is drawn from all
states with weights exp(-H): by these weights within a subtree, and biased to the later half between
the two halves of the tree (Betancourt 2017, appendix A.3; Hoffman and Gelman 2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from specc.engine.samplers.dynamics import Array, Evaluated, Metric, Phase, Point, leapfrog

DIVERGENT = 1000.0
"""The error of the energy from which on a trajectory has diverged (Betancourt 2017)."""


@dataclass(slots=True)
class Transition:
    """A transition of a chain: its result, and what is known of its trajectory.

    `acceptance` is the mean over its states of min(1, exp(-H) / exp(-H of the first state)).
    """

    point: Point
    energy: float
    depth: int = 0
    leapfrogs: int = 0
    acceptance_sum: float = 0.0
    is_divergent: bool = False

    @property
    def acceptance(self) -> float:
        """The mean probability of acceptance."""
        return self.acceptance_sum / max(1, self.leapfrogs)


class Tree(NamedTuple):
    """A tree of consecutive states: the first and the last in the direction of its growth.

    `proposal` is a draw from its states, and `log_weight` the log of the sum of their weights.
    """

    first: Array
    last: Phase
    proposal: Point
    log_weight: float
    momentum_sum: Array


def transition(
    point: Point,
    step: float,
    metric: Metric,
    random: np.random.Generator,
    max_depth: int,
) -> Evaluated[Transition]:
    """One transition from a point: the next state, which leaves the target invariant.

    Args:
        point: The state of the chain.
        step: The step size of the leapfrog integrator.
        metric: The metric of the momenta.
        random: The random numbers of this transition.
        max_depth: The largest number of doublings.

    """
    start = Phase(point, random.standard_normal(point.position.shape))
    found = Transition(point, start.energy)
    growth = _Growth(found, step, metric, random)
    back, forward, momentum_sum, log_weight = start, start, start.momentum, 0.0
    while found.depth < max_depth:
        is_forward = random.random() < 0.5
        growth.step = step if is_forward else -step
        tree = yield from growth.tree(forward if is_forward else back, found.depth)
        if tree is None:
            break
        if random.random() < _ratio(tree.log_weight, log_weight):
            found.point = tree.proposal
        back, forward = (back, tree.last) if is_forward else (tree.last, forward)
        log_weight = _log_add(log_weight, tree.log_weight)
        momentum_sum = momentum_sum + tree.momentum_sum
        found.depth += 1
        if _turns(back.momentum, forward.momentum, momentum_sum):
            break
    return found


class _Growth:
    """The growth of the subtrees of one transition, in one direction after the other."""

    def __init__(
        self, found: Transition, step: float, metric: Metric, random: np.random.Generator
    ) -> None:
        self.found, self.step, self.metric, self.random = found, step, metric, random

    def tree(self, end: Phase, depth: int) -> Evaluated[Tree | None]:
        """The next 2^depth states after an end; None if a part of them turns or diverges."""
        if depth == 0:
            return (yield from self._leaf(end))
        early = yield from self.tree(end, depth - 1)
        if early is None:
            return None
        late = yield from self.tree(early.last, depth - 1)
        if late is None:
            return None
        momentum_sum = early.momentum_sum + late.momentum_sum
        if _turns(early.first, late.last.momentum, momentum_sum):
            return None
        log_weight = _log_add(early.log_weight, late.log_weight)
        takes_late = self.random.random() < _ratio(late.log_weight, log_weight)
        proposal = late.proposal if takes_late else early.proposal
        return Tree(early.first, late.last, proposal, log_weight, momentum_sum)

    def _leaf(self, end: Phase) -> Evaluated[Tree | None]:
        phase = yield from leapfrog(end, self.step, self.metric)
        log_weight = self.found.energy - phase.energy
        self.found.leapfrogs += 1
        self.found.acceptance_sum += math.exp(min(0.0, log_weight))
        if not log_weight > -DIVERGENT:
            self.found.is_divergent = True
            return None
        return Tree(phase.momentum, phase, phase.point, log_weight, phase.momentum)


def _turns(first: Array, last: Array, momentum_sum: Array) -> bool:
    """Whether the ends of a tree approach each other: the generalized U-turn criterion."""
    rho = first + last
    rho *= -0.5
    rho += momentum_sum
    return bool(first @ rho <= 0.0 or last @ rho <= 0.0)


def _log_add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    high, low = (a, b) if a > b else (b, a)
    return high + math.log1p(math.exp(low - high))


def _ratio(a: float, b: float) -> float:
    """exp(a - b), at most 1."""
    return math.exp(min(0.0, a - b))
