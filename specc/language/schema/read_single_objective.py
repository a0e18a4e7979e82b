"""Reading of one objective: of a spec, or of one of its stages."""

from __future__ import annotations

from specc.language.located import Located, Mapping, Scalar
from specc.language.schema.expressions import read_expression
from specc.language.schema.objective import Minimize, NamedObjective, Single
from specc.language.schema.read_players import read_options_of_objective, read_players
from specc.language.schema.reading import Reading
from specc.language.schema.single import read_single
from specc.language.schema.spec import Path

OBJECTIVE = "the name of an objective, such as `elbo`"


def read_single_objective(reading: Reading, value: Located, path: Path) -> Single | None:
    """`elbo`, `{iwae: ...}`, `{minimize: ...}` or `{players: ...}`; None if it is invalid."""
    if isinstance(value, Mapping) and value.get("players") is not None:
        return read_players(reading, value, path)
    named = read_single(reading, value, path, OBJECTIVE)
    if named is None:
        return None
    word, inside = named
    if word.text == "minimize":
        return _minimize(reading, word, inside, (*path, word.text))
    options = read_options_of_objective(reading, inside, (*path, word.text))
    return None if options is None else NamedObjective(name=word.text, options=options)


def _minimize(
    reading: Reading, word: Scalar, inside: Located | None, path: Path
) -> Minimize | None:
    if inside is None:
        return reading.empty(word, path, "write `minimize: -elbo(model, guide)`")
    expression = read_expression(reading, inside, path)
    return None if expression is None else Minimize(expression=expression)
