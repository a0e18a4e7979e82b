"""Guides that the compiler derives, joint draws of guides, and priors of links."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error, warning

CODES: tuple[Code, ...] = (
    error(
        "E0489",
        "not-drawn-together",
        "`{name}` draws its parts together, and `{part}` {reason}",
        "{hint}",
    ),
    error(
        "E0490",
        "unknown-guide",
        "no guide is derived by the name `{name}`",
        "{hint}",
    ),
    error(
        "E0491",
        "guide-not-derived",
        "no guide can be derived for `{name}`: {reason}",
        "{hint}",
    ),
    error(
        "E0492",
        "auto-of-no-latent",
        "the guide derives `{name}`, and the model has no latent with this name",
        "{hint}",
    ),
    error(
        "E0493",
        "weights-are-no-latents",
        "the weights of `{name}` cannot be latents: {reason}",
        "delete `prior:`, or write the weights as latents of the model",
    ),
    warning(
        "W0497",
        "inputs-left-out",
        "the guide of `{name}` depends on {count} values, and keeps {most}",
        "raise `inputs`, or write the node in the guide",
    ),
)
