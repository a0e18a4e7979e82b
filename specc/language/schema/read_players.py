"""Reading of `objective: {players: ...}`: losses with the links that each trains."""

from __future__ import annotations

from collections.abc import Container
from typing import get_args

from specc.diagnostics.nearest import nearest
from specc.language.located import Entry, Located, Mapping, Scalar
from specc.language.schema.expressions import read_expression
from specc.language.schema.identifiers import is_identifier
from specc.language.schema.objective import Option, Order, Player, Players
from specc.language.schema.places import where
from specc.language.schema.read_optimizer import read_settings
from specc.language.schema.reading import NUMBER, Reading
from specc.language.schema.spec import Path
from specc.language.schema.train import PlayerSettings
from specc.language.schema.trained_names import read_names

DEFINING = ("minimize", "links", "chain")
"""The keys of a player that are not training settings."""

WRITE = "write such as `critic: {minimize: ..., links: [...]}`"


def read_players(reading: Reading, value: Mapping, path: Path) -> Players | None:
    """The players by name, and the order of their updates; None if a part is invalid."""
    before = reading.errors()
    for entry in value.entries:
        if entry.name not in Players.model_fields:
            reading.unknown_key(entry.key, path, Players.model_fields)
    players, order = value.get("players"), value.get("order")
    assert players is not None
    path_of_players = (*path, "players")
    known = ("" if order is None else _order(reading, order, (*path, "order"))) or "alternating"
    keys = reading.mapping(players, path_of_players, WRITE)
    if keys is None:
        return None
    if not keys.entries:
        return reading.empty(keys, path_of_players, WRITE)
    read = {e.name: _player(reading, e, path_of_players, len(keys.entries)) for e in keys.entries}
    found = {name: player for name, player in read.items() if player is not None}
    if reading.errors() > before:
        return None
    return Players.model_validate({"players": found, "order": known})


def _order(reading: Reading, value: Located, path: Path) -> str | None:
    choices = get_args(Order)
    word = reading.word(value, path, " or ".join(f"`{choice}`" for choice in choices))
    if word is None or word in choices:
        return word
    guess = nearest(word, choices)
    hint = "" if guess else f"it is {' or '.join(f'`{choice}`' for choice in choices)}"
    return reading.report(
        "E0113", value.span, suggestion=guess, where=where(path), value=word, hint=hint
    )


def _player(reading: Reading, entry: Entry, players: Path, count: int) -> Player | None:
    """The loss, links and settings of a player; `links:` is optional for a single player."""
    path = (*players, entry.name)
    if not is_identifier(reading, entry.key, "player"):
        return None
    keys = reading.mapping(entry.value, path, "write `{minimize: ..., links: [...]}`")
    if keys is None:
        return None
    unknown = [key.key for key in keys.entries if key.name not in Player.model_fields]
    for key in unknown:
        reading.unknown_key(key, path, Player.model_fields)
    if unknown:
        return None
    minimize, links = keys.get("minimize"), keys.get("links")
    settings = read_settings(reading, PlayerSettings, _without(keys, DEFINING), path)
    if minimize is None:
        hint = "write the expression that it makes small, such as `-elbo(model, guide)`"
        return reading.missing_key(keys, path, "minimize", hint)
    if links is None and count > 1:
        return reading.missing_key(keys, path, "links", "list the links that it trains")
    expression = read_expression(reading, minimize, (*path, "minimize"))
    trained = None if links is None else read_names(reading, links, (*path, "links"))
    options = read_options_of_objective(reading, keys.get("chain"), (*path, "chain"))
    if expression is None or settings is None or (links is not None and trained is None):
        return None
    if options is None:
        return None
    own = Player(minimize=expression, links=trained, chain=options)
    return own.model_copy(update=dict(settings))


def _without(keys: Mapping, omitted: Container[str]) -> Mapping:
    return Mapping(tuple(e for e in keys.entries if e.name not in omitted), keys.span)


def read_options_of_objective(
    reading: Reading, inside: Located | None, path: Path
) -> dict[str, Option] | None:
    """The options of an objective or of a chain; None if one is invalid."""
    if inside is None:
        return {}
    options = reading.mapping(inside, path)
    if options is None:
        return None
    found: dict[str, Option] = {}
    for entry in options.entries:
        value, place = entry.value, (*path, entry.name)
        if isinstance(value, (Mapping, type(None))) or not isinstance(value, Scalar):
            reading.wrong_kind(value, place, NUMBER)
        elif value.value is None:
            reading.empty(value, place, "write its value, or delete the key")
        elif reading.is_finite(value, place):
            found[entry.name] = value.value
    return found if len(found) == len(options.entries) else None
