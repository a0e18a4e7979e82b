"""A named neural network, as a spec declares it."""

from __future__ import annotations

from pydantic import SerializeAsAny

from specc.catalog.link import LinkOptions
from specc.language.schema.digests import math
from specc.language.schema.value import Value


class LinkSpec(Value):
    """A link: its kind, and the options that the kind's own `Options` has checked."""

    kind: str = math(about="The kind of network, such as `mlp`.")
    options: SerializeAsAny[LinkOptions] = math(about="The options of that kind.")
