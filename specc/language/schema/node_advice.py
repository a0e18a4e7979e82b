"""What to write for a node whose value is no mapping of keys."""

from __future__ import annotations

from specc.catalog.distributions import index as distributions
from specc.catalog.other_names import meant
from specc.language.located import Entry, Located, Scalar
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path


def node_advice(reading: Reading, entry: Entry, path: Path) -> str:
    """The node as it could be: of the distribution that stands there, or a calculation.

    In the model what has the name of a field of the data is observed.
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
    example = distributions.distribution(distribution).example
    return f"write `{entry.name}: {{{role}: {example.partition('latent: ')[2]}`"


def _distribution(value: Located) -> str | None:
    """The distribution that a word names."""
    if not isinstance(value, Scalar) or not isinstance(value.value, str):
        return None
    known = distributions.names()
    return value.value if value.value in known else meant(value.value, known)
