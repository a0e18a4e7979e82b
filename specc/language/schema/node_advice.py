"""Hints for a node whose value is not a mapping."""

from __future__ import annotations

from specc.catalog.other_names import suggested_name
from specc.catalog.registry import DISTRIBUTIONS
from specc.language.located import Entry, Located, Scalar
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path


def node_advice(reading: Reading, entry: Entry, path: Path) -> str:
    """A suggested node: with the distribution in its place, or computed by an expression.

    A node of the model with the name of a data field is suggested as observed.
    """
    value = entry.value
    text = value.span.text.strip() if isinstance(value, Scalar) else ""
    distribution = _distribution(value)
    if text and distribution is None:
        quoted = text if text[0] in "\"'" or not set(text) & set(",[]{}:#") else f'"{text}"'
        return f"write `{entry.name}: {{let: {quoted}}}`"
    role = "observed" if path == ("model",) and entry.name in reading.fields else "latent"
    if distribution is None:
        return f"write `{entry.name}: {{{role}: normal, loc: 0, scale: 1}}`"
    example = DISTRIBUTIONS[distribution].example
    return f"write `{entry.name}: {{{role}: {example.partition('latent: ')[2]}`"


def _distribution(value: Located) -> str | None:
    """The distribution of that name, or None."""
    if not isinstance(value, Scalar) or not isinstance(value.value, str):
        return None
    return (
        value.value if value.value in DISTRIBUTIONS else suggested_name(value.value, DISTRIBUTIONS)
    )
