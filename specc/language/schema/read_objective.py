"""Reading of `objective:`."""

from __future__ import annotations

from specc.language.located import Located, Mapping
from specc.language.schema.objective import Objective
from specc.language.schema.read_single_objective import read_single_objective
from specc.language.schema.read_stages import KEY, read_stages
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path


def read_objective(reading: Reading, value: Located, path: Path) -> Objective | None:
    """One objective, or `{stages: [...]}` of several; None if it is invalid."""
    if isinstance(value, Mapping) and value.get(KEY) is not None:
        return read_stages(reading, value, path)
    return read_single_objective(reading, value, path)
