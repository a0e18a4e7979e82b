"""Mixtures of one distribution with several values of its parameters."""

from __future__ import annotations

from msgspec.structs import replace

from specc.catalog.entry import Alternative, Distribution, Parameter, Reference
from specc.catalog.modifier import COMPONENTS, Modifier, derived
from specc.catalog.supports import REAL, SIMPLEX


def _modify(of: Modifier, base: Distribution) -> Distribution:
    """Each parameter of the base gets an axis of components, before its other axes."""
    own = tuple(replace(each, dims=(COMPONENTS, *each.dims)) for each in base.parameters)
    options = {**base.options, COMPONENTS: COMPONENTS}
    parameters = (*of.parameters, *own)
    return derived(
        of, base, parameters=parameters, options=options, defaults={}, limits={}, finite=False
    )


def _refuses(base: Distribution) -> str:
    if base.defaults:
        return f"the parameter `{next(iter(base.defaults))}` of `{base.name}` may be left out"
    return ""


ENTRY = Modifier(
    name="mixture",
    summary="A distribution with parameters that are drawn from k components.",
    formula="sum_i w_i p_i(x), w = softmax(mixture_logits), p_i with the i-th parameters",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "section 9.2"),
    ),
    parameters=(
        Parameter(
            "mixture_logits",
            REAL,
            "log weights of the components, up to a constant",
            dims=(COMPONENTS,),
        ),
    ),
    alternatives=(Alternative("weights", "mixture_logits", SIMPLEX, "log_probs"),),
    example="x: {latent: mixture(normal), weights: [0.3, 0.7], loc: [-2, 1], scale: [1, 0.5]}",
    refuses=_refuses,
    modify=_modify,
)
