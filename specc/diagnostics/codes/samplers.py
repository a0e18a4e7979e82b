"""The codes of samplers, which draw the latents of a model by Markov chains."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error, warning

CODES: tuple[Code, ...] = (
    error(
        "E0480",
        "no-prior",
        "`{sampler}` draws from a posterior, and {name} has no prior",
        "write it as a latent node with a distribution, such as "
        "`{{latent: normal, loc: 0, scale: 1, global: true}}`, or train with `objective: map`",
    ),
    error(
        "E0481",
        "guide-beside-sampler",
        "`{sampler}` draws the latents, and the guide draws them too",
        "delete the guide, or delete `sampler:` and write `objective: elbo`",
    ),
    error(
        "E0482",
        "sampler-of-posterior",
        "`{sampler}` draws from the posterior of all unknowns, so there is nothing to optimize",
        "delete `objective:`; for an objective {chains} draw the latents of rows",
    ),
    error(
        "E0483",
        "latent-not-sampled",
        "`{sampler}` cannot draw `{name}`: {reason}",
        "it draws continuous latents, and sums out latents with few values",
    ),
    error(
        "E0484",
        "objective-without-chain",
        "`{sampler}` cannot draw latents for `{objective}`: {reason}",
        "a sampler draws latents for `mle`, `map` and `elbo` with one particle; delete `sampler:`, "
        "or choose one of them",
    ),
    error(
        "E0485",
        "nothing-to-sample",
        "`{sampler}` has no latent to draw: it draws continuous latents with a value for each row "
        "that no guide draws",
        "delete `sampler:`, or delete such a latent from the guide",
    ),
    warning(
        "W0499",
        "short-warm-up",
        "`{sampler}` has a warm-up of {count} transitions, which are too few to find a step size "
        "and a metric",
        "write `warmup: 1000`, or at least {fewest}",
    ),
    error(
        "E0498",
        "improper-draw",
        "`{name}` is {distribution}, which does not integrate to one, so no value of it can be "
        "drawn: {reason}",
        "make it global under a `sampler:` or `objective: map`, or give it a proper distribution, "
        "such as a normal with a large scale",
    ),
)
