"""Hamiltonian Monte Carlo with trajectories of random length.

    p ~ Normal(0, I),  H(q, p) = -log p(q) + |p|^2 / 2
    (q', p') = n leapfrog steps of size s from (q, p),  n s = the length of the trajectory
    the next state is q' with probability min(1, exp(H(q, p) - H(q', p'))), else q

(Duane et al. 1987; Neal 2011, section 3.2). A length that varies between transitions has no period
in common with the posterior (Neal 2011, section 3.3): it is the mean length times a uniform number
between 1 - jitter and 1 + jitter, the same for all chains, which advance in lock step.
"""

from __future__ import annotations

from specc.engine.samplers.lock_step import LockStep, Options
from specc.engine.samplers.target import Target
from specc.runtime.sampler import Sampler


def chains(target: Target, sampler: Sampler, seed: int) -> LockStep:
    """The chains of the sampler in the manifest."""
    own = sampler.options
    options = Options(
        chains=sampler.chains,
        warmup=sampler.warmup,
        draws=sampler.draws,
        target=float(own["target_accept"]),
        length=float(own["trajectory_length"]),
        jitter=float(own["jitter"]),
        most=int(own["max_leapfrog"]),
    )
    return LockStep(target.density, options, seed)
