"""Words of the language that this version does not implement, each with an alternative."""

from __future__ import annotations

from specc.diagnostics.source import Span
from specc.language.schema.reading import Reading

NODE_KEYS: dict[str, str] = {
    "dequantize": "use a distribution over integers, or one such as discretized_logistic",
    "auto": "declare the node in the guide, with a distribution and `params:`",
}
"""Keys of a node."""

TOP_KEYS: dict[str, str] = {
    "sampler": "use a guide with `objective: elbo`, or `objective: map`",
}
"""Keys of the document."""

LINK_OPTIONS: dict[str, str] = {
    "prior": "the weights of a link are learnt as a point; declare weights as latents of the model",
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

AUTO_GUIDE = "write the guide's nodes"


def not_yet(reading: Reading, span: Span, feature: str, hint: str) -> None:
    """Reports a word that this version does not implement."""
    reading.report("E0901", span, feature=feature, hint=hint)
