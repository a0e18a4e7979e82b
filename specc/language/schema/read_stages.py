"""Reading of `objective: {stages: [...]}`: objectives that are trained one after the other."""

from __future__ import annotations

from specc.catalog.registry import OBJECTIVES, SHORTHANDS
from specc.diagnostics.diagnostic import Label
from specc.language.expressions.tree import Call, Name
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence
from specc.language.schema.expressions import read_expression
from specc.language.schema.identifiers import is_identifier
from specc.language.schema.objective import (
    CopySource,
    Single,
    Stage,
    Stages,
    written_losses,
)
from specc.language.schema.read_optimizer import read_settings
from specc.language.schema.read_single_objective import read_single_objective
from specc.language.schema.reading import LIST, Reading
from specc.language.schema.spec import Path
from specc.language.schema.train import StageSettings
from specc.language.schema.trained_names import read_names

KEY = "stages"
WRITE = "a stage is such as `- {name: first, elbo: {particles: 1}, epochs: 10}`"
OWN = ("name", "links", "freeze", "copy")
KEYS = (*OWN, *StageSettings.model_fields)
"""The keys of a stage besides its objective."""

OBJECTIVE = ("minimize", "players", "order")
WITH_OBJECTIVE = "give it one, such as `elbo: {particles: 1}`, `minimize: ...` or `players: ...`"
TRANSPOSE = "transpose"


def read_stages(reading: Reading, value: Mapping, path: Path) -> Stages | None:
    """The stages in order; None if a part is invalid."""
    before = reading.errors()
    for entry in value.entries:
        if entry.name != KEY:
            reading.unknown_key(entry.key, path, (KEY,), f"write it in one of the `{KEY}:`")
    listed, place = value.get(KEY), (*path, KEY)
    if not isinstance(listed, Sequence):
        assert listed is not None
        return reading.wrong_kind(listed, place, f"{LIST} of stages", WRITE)
    if not listed.items:
        return reading.empty(listed, place, WRITE)
    read = [_stage(reading, item, (*place, number)) for number, item in enumerate(listed.items)]
    found = tuple(stage for stage in read if stage is not None)
    if reading.errors() > before or len(found) < len(read):
        return None
    stages = Stages(stages=found)
    return stages if _are_named_apart(reading, stages, listed) else None


def _are_named_apart(reading: Reading, stages: Stages, listed: Sequence) -> bool:
    """Whether no two stages have the same name, nor their losses; reports those that do."""
    known: dict[str, Scalar] = {}
    for loss in written_losses(stages):
        item = listed.items[int(loss.path[2])]
        name = item.get("name") if isinstance(item, Mapping) else None
        assert loss.stage is not None and isinstance(name, Scalar)
        for each in dict.fromkeys((loss.stage.name, loss.name)):
            first = known.setdefault(each, name)
            if first is not name:
                labels = [Label(first.span, "the other one")]
                reading.report("E0471", name.span, labels=labels, name=each)
                return False
    return True


def _stage(reading: Reading, value: Located, path: Path) -> Stage | None:
    keys = reading.mapping(value, path, WRITE)
    if keys is None:
        return None
    before = reading.errors()
    name = _name(reading, keys, path)
    objective = _objective(reading, keys, path)
    _check_trained_once(reading, keys)
    links, frozen = keys.get("links"), keys.get("freeze")
    trained = None if links is None else read_names(reading, links, (*path, "links"))
    kept = None if frozen is None else read_names(reading, frozen, (*path, "freeze"))
    copies = _copies(reading, keys.get("copy"), (*path, "copy"))
    own = Mapping(tuple(e for e in keys.entries if e.name in StageSettings.model_fields), keys.span)
    settings = read_settings(reading, StageSettings, own, path)
    if reading.errors() > before or objective is None or settings is None:
        return None
    stage = {"name": name, "objective": objective, "links": trained, "freeze": kept or ()}
    return Stage.model_validate({**stage, "copy": copies}).model_copy(update=dict(settings))


def _name(reading: Reading, keys: Mapping, path: Path) -> str | None:
    value = keys.get("name")
    if value is None:
        return reading.missing_key(keys, path, "name", "name each stage, as in `name: first`")
    word = reading.word(value, (*path, "name"), "a word, such as `first`")
    if word is None or not isinstance(value, Scalar):
        return None
    return word if is_identifier(reading, value, "stage") else None


def _objective(reading: Reading, keys: Mapping, path: Path) -> Single | None:
    """The objective of a stage: the keys that are not those of every stage."""
    rest = tuple(entry for entry in keys.entries if entry.name not in KEYS)
    known = {*OBJECTIVE, *OBJECTIVES, *SHORTHANDS}
    unknown = [entry for entry in rest if entry.name not in known]
    for entry in unknown:
        reading.unknown_key(entry.key, path, (*KEYS, *known))
    if unknown:
        return None
    if not rest:
        name = keys.get("name")
        word = name.text if isinstance(name, Scalar) else str(int(path[-1]) + 1)
        return reading.report("E0470", keys.span.sub(0, 0), name=word, hint=WITH_OBJECTIVE)
    return read_single_objective(reading, Mapping(rest, keys.span), path)


def _check_trained_once(reading: Reading, keys: Mapping) -> None:
    """Report keys that both say what a stage trains."""
    of_players: list[Entry] = [e for e in keys.entries if e.name == "players"]
    said = of_players + [e for e in keys.entries if e.name in ("links", "freeze")]
    if len(said) > 1:
        first, second, *_ = sorted(said, key=lambda entry: entry.key.span.start)
        labels = [Label(first.key.span, "the other one")]
        words = {"first": first.name, "second": second.name}
        reading.report("E0474", second.key.span, labels=labels, **words)


def _copies(reading: Reading, value: Located | None, path: Path) -> dict[str, CopySource]:
    """The source of each copy by its target."""
    if value is None:
        return {}
    hint = "write such as `{down: up}`, the link that is set and the one that it is set from"
    keys = reading.mapping(value, path, hint)
    if keys is None:
        return {}
    if not keys.entries:
        reading.empty(value, path, hint)
    read = {e.name: _source(reading, e.value, (*path, e.name)) for e in keys.entries}
    return {name: source for name, source in read.items() if source is not None}


def _source(reading: Reading, value: Located, path: Path) -> CopySource | None:
    expected = f"a link, a parameter, or `{TRANSPOSE}(w)` of a parameter"
    if reading.word(value, path, expected) is None:
        return None
    expression = read_expression(reading, value, path)
    match expression:
        case None:
            return None
        case Name(id=name):
            return CopySource(name=name)
        case Call(function=function, arguments=(Name(id=name),)) if function == TRANSPOSE:
            return CopySource(name=name, transposed=True)
    return reading.wrong_kind(value, path, expected)
