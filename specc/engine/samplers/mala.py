"""The Metropolis-adjusted Langevin algorithm.

    y = q + s^2 / 2 L^2 grad log p(q) + s L xi,  xi ~ Normal(0, I)

is accepted with the probability of Metropolis and Hastings (Roberts and Tweedie 1996, section
1.4.2). That is Hamiltonian Monte Carlo with trajectories of one leapfrog step of size s, xi being
the momentum (Neal 2011, section 5.2), and is computed so.
"""

from __future__ import annotations

from specc.engine.samplers.lock_step import LockStep, Options
from specc.engine.samplers.target import Target
from specc.runtime.sampler import Sampler


def chains(target: Target, sampler: Sampler, seed: int) -> LockStep:
    """The chains of the sampler in the manifest."""
    options = Options(
        chains=sampler.chains,
        warmup=sampler.warmup,
        draws=sampler.draws,
        target=float(sampler.options["target_accept"]),
    )
    return LockStep(target.density, options, seed)
