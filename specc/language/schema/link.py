"""The schema of a link."""

from __future__ import annotations

from pydantic import SerializeAsAny

from specc.catalog.link import Average, Link, LinkOptions
from specc.catalog.registry import KINDS
from specc.language.schema.digests import math
from specc.language.schema.value import Value


def average_of(link: LinkSpec) -> Average | None:
    """The link that a link averages and the decay; None if it has its own weights."""
    entry = KINDS[link.kind]
    average = entry.average if isinstance(entry, Link) else None
    return None if average is None else average(link.options)


class LinkSpec(Value):
    """A link: its kind, and its options, validated by the `Options` of the kind."""

    kind: str = math(about="The kind of network, such as `mlp`.")
    options: SerializeAsAny[LinkOptions] = math(about="The options of that kind.")
