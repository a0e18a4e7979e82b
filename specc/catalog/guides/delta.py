"""A point for each latent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specc.catalog.entry import Reference
from specc.catalog.guide import Fresh, Guide, LongForm, Unknown, require_continuous
from specc.catalog.metric import NoOptions


def expand(options: Mapping[str, Any], latents: Sequence[Unknown], fresh: Fresh) -> LongForm:
    """The draw `delta` of the latents of the model; the guide has no node for a point."""
    del options, fresh
    require_continuous(latents)
    return LongForm({}, {}, {each.name: "{draw: delta}" for each in latents})


ENTRY = Guide(
    name="delta",
    title="point estimate",
    summary="One learnt value for each latent, which counts with its prior density: the posterior "
    "mode if all latents are points. It is the draw `delta` of the latents in the model.",
    formula="q(w) = delta(w - w*), so the bound is log p(x | w*) + log p(w*)",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "section 3.3.1"),
    ),
    example="guide: {auto: delta}",
    Options=NoOptions,
    expand=expand,
    point=True,
)
