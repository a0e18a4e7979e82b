"""What is optimized: a named objective, or an expression."""

from __future__ import annotations

from collections.abc import Mapping

from specc.language.schema.digests import math
from specc.language.schema.value import Expression, Value


class NamedObjective(Value):
    """`elbo`, or `{iwae: {particles: 50}}`."""

    name: str = math(about="The name of an objective.")
    options: Mapping[str, bool | int | float | str] = math(
        default={}, about="The options of the objective."
    )


class Minimize(Value):
    """`{minimize: "-elbo(model, guide)"}`."""

    expression: Expression = math(about="The expression over the programs that is minimized.")


Objective = NamedObjective | Minimize
