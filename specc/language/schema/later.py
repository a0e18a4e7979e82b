"""Words of the language that this version does not implement, each with an alternative."""

from __future__ import annotations

from specc.diagnostics.source import Span
from specc.language.schema.reading import Reading

NODE_KEYS: dict[str, str] = {
    "dequantize": "use a distribution over integers, or one such as discretized_logistic",
}
"""Keys of a node."""

DRAWS: dict[str, str] = {
    "chain": "name the chain of a node of an energy, such as `mala`; `sampler:` beside the "
    "objective draws the latents of rows",
}
"""Draws."""


def not_yet(reading: Reading, span: Span, feature: str, hint: str) -> None:
    """Reports a word that this version does not implement."""
    reading.report("E0901", span, feature=feature, hint=hint)
