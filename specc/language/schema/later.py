"""Words of the language that this version knows and does not have yet, with what to do instead."""

from __future__ import annotations

from specc.diagnostics.source import Span
from specc.language.schema.reading import Reading

NODE_KEYS: dict[str, str] = {
    "dequantize": "use a distribution over whole numbers, or one such as discretized_logistic",
    "auto": "declare the node in the guide, with a distribution and `params:`",
}
"""Keys of a node."""

TOP_KEYS: dict[str, str] = {
    "sampler": "use a guide with `objective: elbo`, or `objective: map`",
    "stages": "train the stages one after the other, each with a spec of its own",
    "energy": "declare the density node by node",
    "players": "use one objective",
}
"""Keys of the document."""

LINK_OPTIONS: dict[str, str] = {
    "prior": "the weights of a link are learnt as a point; declare weights as latents of the model",
    "spectral_norm": "delete it",
}
"""Options of links."""

DRAWS: dict[str, str] = {
    "relax": "use `score`, or `enumerate` where the node is finite",
    "chain": "use a guide",
}
"""Draws."""

DRAW_OPTIONS: dict[str, str] = {
    "doubly": "use `sticking`",
    "nvil": "use `leave_one_out` with several particles",
}
"""Values of the options of draws."""

OBJECTIVES: dict[str, str] = {
    "rws": "use `vimco`, which needs no reparameterization either",
    "cd": "use a directed model with `elbo`",
    "mmd": "use a model with a density",
    "players": "use one objective",
}
"""Objectives."""

AUTO_GUIDE = "write the guide's nodes"


def not_yet(reading: Reading, span: Span, feature: str, hint: str) -> None:
    """Report a word that means something, but not in this version."""
    reading.report("E0901", span, feature=feature, hint=hint)
