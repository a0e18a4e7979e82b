"""Lists the changes outside programs: constants, links, objective, data, training, metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from pydantic import BaseModel

from specc.catalog.registry import OBJECTIVES
from specc.codegen.plan import Plan
from specc.comparison.renames import Renames
from specc.comparison.values import plain, shown
from specc.language.schema.data import DataSpec
from specc.language.schema.document import Document
from specc.language.schema.link import LinkSpec
from specc.language.schema.objective import (
    CopySource,
    Minimize,
    NamedObjective,
    Objective,
    Player,
    Players,
    Stage,
    Stages,
)
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.sampler import SamplerSpec
from specc.language.schema.schedules import SCHEDULES
from specc.language.schema.train import (
    Optimizer,
    PlayerSettings,
    Schedule,
    StageSettings,
    TrainSpec,
)
from specc.objective.objective import Objective as Chosen

Found = Iterator[tuple[str, str]]
Entry = TypeVar("Entry")

WORDS = {"lr": "learning rate", "validate_every": "epochs between validations"}
"""Names of keys in sentences, if they differ from the key."""


def head(old: Document, new: Document) -> Found:
    """Yield the changes of name and description."""
    if old.name != new.name:
        yield "name", f"the spec is called {new.name}, not {old.name}"
    if old.doc != new.doc:
        yield "doc", "the description has other words"


def constants(old: Document, new: Document, renames: Renames) -> Found:
    """Yield the changes of constants."""
    before = {renames[name]: value for name, value in old.constants.items()}
    for name, was, now in _both(before, new.constants):
        if name not in before:
            yield f"constants.{name}", f"the constant {name} is new: {shown(now)}"
        elif name not in new.constants:
            yield f"constants.{name}", f"the constant {name} is gone"
        elif was != now:
            yield f"constants.{name}", f"the constant {name}: {shown(was)} -> {shown(now)}"


def links(old: Document, new: Document, renames: Renames) -> Found:
    """Yield the changes of links, option by option."""
    before = {renames[name]: link for name, link in old.links.items()}
    for name, was, now in _both(before, new.links):
        where = f"links.{name}"
        if now is None:
            yield where, f"the link {name} is gone"
        elif was is None:
            yield where, f"the link {name} is new: {_kind(now)}"
        elif was.kind != now.kind:
            yield where, f"{name} became {_kind(now)}; it was {_kind(was)}"
        else:
            yield from _link(name, was, now)


def _link(name: str, was: LinkSpec, now: LinkSpec) -> Found:
    for key, field in type(now.options).model_fields.items():
        before, after = getattr(was.options, key), getattr(now.options, key)
        if before != after:
            # The option with the name of the kind is described by its meaning.
            described = (field.description or key).partition(";")[0].partition(",")[0]
            word = described.rstrip(".").removeprefix("The ") if key == now.kind else key
            yield f"links.{name}.{key}", f"the {word} of {name}: {shown(before)} -> {shown(after)}"


def _kind(link: LinkSpec) -> str:
    """Return the kind of a link with its options: `mlp [200, 200], activation tanh`."""
    given = link.options.model_dump(exclude_defaults=True)
    main = given.pop(link.kind, True)
    first = link.kind if main is True else f"{link.kind} {shown(main)}"
    return ", ".join([first, *(f"{key} {shown(value)}" for key, value in given.items())])


def objective(old: Plan, new: Plan) -> Found:
    """Yield the changes of the objective."""
    documents = [plan.graph.graph.spec.document for plan in (old, new)]
    before, after = (document.objective for document in documents)
    if isinstance(before, Stages) and isinstance(after, Stages):
        yield from _stages(before, after, *(document.train for document in documents))
    elif isinstance(before, Players) and isinstance(after, Players):
        yield from _each_player(before, after, "objective")
    elif any(isinstance(each, (Minimize, Players, Stages)) for each in (before, after)):
        if _optimized(before) != _optimized(after):
            yield "objective", f"the objective: {_aim(before)} -> {_aim(after)}"
    elif _aim(before) != _aim(after):
        yield "objective", f"the objective became {_aim(after)}; it was {_aim(before)}"
    yield from _particles(old.objective, new.objective)
    first, second = (_options(written) for written in (before, after))
    for key, one, other in _both(first, second):
        if (one or None) != (other or None):
            yield f"objective.{key}", f"{key} of the objective: {shown(one)} -> {shown(other)}"


def _particles(old: Chosen, new: Chosen) -> Found:
    """Yield the changes of the number of particles of each player."""
    alone = len(new.players) == 1
    before, after = ({p.name: p.particles for p in each.players} for each in (old, new))
    section = "stages" if new.stages else "players"
    for name, was, now in _both(before, after):
        if was is not None and now is not None and was != now:
            where = "objective" if alone else f"objective.{section}.{name}"
            whose = "the objective" if alone else name
            yield f"{where}.particles", f"the particles of {whose}: {was} -> {now}"


def _optimized(written: object) -> object:
    """Return an objective for comparison, without the settings of training of its players."""
    if not isinstance(written, Players):
        return plain(written)
    each = [(n, plain(p.minimize), p.links, dict(p.chain)) for n, p in written.players.items()]
    return each, written.order


def _each_player(before: Players, after: Players, above: str) -> Found:
    """Yield the changes of players: their losses, their links, and their order."""
    for name, was, now in _both(before.players, after.players):
        where = f"{above}.players.{name}"
        if was is None and now is not None:
            yield where, f"the new player {name} minimizes {shown(now.minimize)}"
        elif was is not None and now is None:
            yield where, f"the player {name} is gone"
        elif was is not None and now is not None:
            if plain(was.minimize) != plain(now.minimize):
                aims = f"{shown(was.minimize)} -> {shown(now.minimize)}"
                yield f"{where}.minimize", f"{name} minimizes: {aims}"
            if was.links != now.links:
                yield f"{where}.links", f"{name} trains: {_trained(was)} -> {_trained(now)}"
            sides = (_chain(was), _chain(now))
            yield from _table(f"{where}.chain", "{} of the chain of " + name, *sides)
    if before.order != after.order:
        yield f"{above}.order", f"the players move: {before.order} -> {after.order}"


def _chain(player: Player) -> dict[str, object]:
    """Return all options of the chain of a player."""
    entry = OBJECTIVES.first(lambda each: each.contrastive)
    return {**entry.options, **player.chain}


def _trained(trainer: Player | Stage) -> str:
    if isinstance(trainer, Stage) and trainer.freeze:
        return f"everything but {', '.join(trainer.freeze)}"
    return "everything" if trainer.links is None else ", ".join(trainer.links)


def _stages(old: Stages, new: Stages, *trains: TrainSpec) -> Found:
    """Yield the changes of stages, by their names, and of their order."""
    before, after = ({stage.name: stage for stage in each.stages} for each in (old, new))
    for name, was, now in _both(before, after):
        where = f"objective.stages.{name}"
        if was is None and now is not None:
            yield where, f"the new stage {name}: {_aim(now.objective)}"
        elif was is not None and now is None:
            yield where, f"the stage {name} is gone"
        elif was is not None and now is not None:
            yield from _stage(where, was, now)
            sides = (stage.resolved(train) for stage, train in zip((was, now), trains, strict=True))
            yield from _stage_settings(where, *sides)
    kept = [[name for name in each if name in before and name in after] for each in (before, after)]
    if kept[0] != kept[1]:
        first, second = (", ".join(names) for names in kept)
        yield "objective.stages", f"the order of the stages: {first} -> {second}"


def _stage(where: str, was: Stage, now: Stage) -> Found:
    """Yield the changes of the objective of a stage, of what it trains, and of its copies."""
    name, before, after = now.name, was.objective, now.objective
    first, second = (_options(written) for written in (before, after))
    if isinstance(before, Players) and isinstance(after, Players):
        yield from _each_player(before, after, where)
    elif _optimized(before) != _optimized(after) and _aim(before) != _aim(after):
        yield where, f"the objective of {name}: {_aim(before)} -> {_aim(after)}"
    else:
        yield from _table(where, "{} of " + name, first, second)
    if _trained(was) != _trained(now):
        yield f"{where}.links", f"{name} trains: {_trained(was)} -> {_trained(now)}"
    for target, one, other in _both(was.copies, now.copies):
        if one != other:
            words = f"{name} starts with {target} = {_source(one)} -> {_source(other)}"
            yield f"{where}.copy.{target}", words


def _source(source: CopySource | None) -> str:
    """Return the right side of a copy; without one the value is what training left."""
    return "itself" if source is None else str(source)


def _stage_settings(where: str, was: Stage, now: Stage) -> Found:
    for key in StageSettings.model_fields:
        word, sides = WORDS.get(key, key), (getattr(was, key), getattr(now, key))
        for path, inner, before, after in _leaves(f"{where}.{key}", word, *sides):
            yield path, f"{inner} of {now.name}: {before} -> {after}"


def _players(old: Document, new: Document) -> Found:
    """Yield the changes of the settings of single players, which default to those of `train:`."""
    for name, was, now in _both(_settings(old), _settings(new)):
        if was is None or now is None or plain(was) == plain(now):
            continue
        sides = was.resolved(old.train), now.resolved(new.train)
        for where, word, before, after in _leaves(f"objective.players.{name}", "", *sides):
            yield where, f"{word} of {name}: {before} -> {after}"


def _settings(document: Document) -> dict[str, PlayerSettings]:
    """Return the settings of training of each player."""
    if not isinstance(document.objective, Players):
        return {}
    return {name: player.settings for name, player in document.objective.players.items()}


def _options(written: object) -> dict[str, object]:
    """Return the options of a named objective with defaults, without particles.

    Particles are compared by the number that the compiler uses.
    """
    if not isinstance(written, NamedObjective):
        return {}
    options = {**OBJECTIVES[written.name].options, **written.options}
    return {key: value for key, value in options.items() if key != "particles"}


def _aim(written: Objective | None) -> str:
    if written is None:
        return "the posterior, by a sampler"
    if isinstance(written, Stages):
        return "; then ".join(f"{each.name}, {_aim(each.objective)}" for each in written.stages)
    if isinstance(written, Minimize):
        return f"minimize {shown(written.expression)}"
    if isinstance(written, Players):
        each = (f"{n} minimizes {shown(p.minimize)}" for n, p in written.players.items())
        return "; ".join(each)
    assert isinstance(written, NamedObjective)
    return f"the {OBJECTIVES[written.name].title}"


def rest(old: Document, new: Document, renames: Renames) -> Found:
    """Yield the changes of plates, data, training, metrics and renamed tensors."""
    yield from _table("plates", "size of the plate {}", old.plates, new.plates)
    yield from _data(old, new, renames)
    for where, word, was, now in _leaves("train", "", old.train, new.train):
        yield where, f"{word}: {was} -> {now}"
    yield from _sampler(old.sampler, new.sampler)
    yield from _players(old, new)
    yield from _each("evaluate", "the metric", old.evaluate, new.evaluate)
    for name, before, after in _both(old.moved, new.moved):
        if before != after:
            yield f"moved.{name}", f"the checkpoint's {name} is loaded as {after or 'itself'}"


def _sampler(old: SamplerSpec | None, new: SamplerSpec | None) -> Found:
    """Yield the changes of the sampler and of its options."""
    if old is None or new is None:
        if old is not new:
            name = new.name if new is not None else "nothing"
            yield "sampler", f"the latents are drawn by {name} now"
        return
    if old.name != new.name:
        yield "sampler", f"the sampler: {old.name} -> {new.name}"
    for key, was, now in _both(old.options, new.options):
        if was != now:
            yield f"sampler.{new.name}.{key}", f"{key} of the sampler: {was} -> {now}"


def _data(old: Document, new: Document, renames: Renames) -> Found:
    if old.data is None or new.data is None:
        if old.data is not new.data:
            yield "data", "there is data now" if old.data is None else "there is no data any more"
        return
    for name, was, now in _both(old.sources, new.sources):
        where, of = (f"data.sources.{name}", f"the source {name}") if name else ("data", "the data")
        if was is None or now is None:
            yield where, f"{of} is {'new' if was is None else 'gone'}"
        else:
            yield from _of_source(where, of, was, now, renames)


def _of_source(where: str, of: str, old: DataSpec, new: DataSpec, renames: Renames) -> Found:
    """Where a source of data differs."""
    if old.source != new.source:
        yield f"{where}.source", f"{of} comes from {new.source}, not {old.source}"
    yield from _table(where, "{} of " + of, old.options, new.options)
    sizes = [getattr(each, "batch_size", None) for each in (old, new)]
    if sizes[0] != sizes[1]:
        before, after = ("that of `train`" if n is None else str(n) for n in sizes)
        yield f"{where}.batch_size", f"the batch size of {of}: {before} -> {after}"
    yield from _table(f"{where}.split", "{} part of " + of, old.split, new.split)
    subsets = [{} if s.subset is None else s.subset.model_dump() for s in (old, new)]
    yield from _table(f"{where}.subset", "{} of the subset of " + of, *subsets)
    fields = {renames[name]: field for name, field in old.fields.items()}
    yield from _each(f"{where}.fields", "the data field", fields, new.fields)


def _each(above: str, words: str, old: Mapping[str, object], new: Mapping[str, object]) -> Found:
    """Yield the changes of entries that have fields of their own."""
    for name, was, now in _both(old, new):
        if was is None or now is None:
            yield f"{above}.{name}", f"{words} {name} is {'new' if was is None else 'gone'}"
            continue
        for where, word, before, after in _leaves(f"{above}.{name}", "", was, now):
            yield where, f"{words} {name}, {word}: {before} -> {after}"


def _table(where: str, words: str, old: Mapping[str, object], new: Mapping[str, object]) -> Found:
    for key, was, now in _both(old, new):
        if plain(was) != plain(now):
            yield f"{where}.{key}", f"the {words.format(key)}: {shown(was)} -> {shown(now)}"


def _both(
    old: Mapping[str, Entry], new: Mapping[str, Entry]
) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """Yield the entries of two mappings by key, in the order of the new one."""
    for key in dict.fromkeys([*new, *old]):
        yield key, old.get(key), new.get(key)


def _leaves(
    where: str, above: str, old: object, new: object
) -> Iterator[tuple[str, str, str, str]]:
    """Yield the differences of two values: path, name, value before and after."""
    if isinstance(old, (Optimizer, Schedule)) or isinstance(new, Schedule):
        yield from _named(where, above, old, new)
    elif isinstance(old, BaseModel) and type(old) is type(new):
        for name in type(old).model_fields:
            inner = where if name == "options" else f"{where}.{name}"
            word = above if name in ("options", "name") else WORDS.get(name, name.replace("_", " "))
            yield from _leaves(inner, word, getattr(old, name), getattr(new, name))
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key, was, now in _both(old, new):
            yield from _leaves(f"{where}.{key}", WORDS.get(key, key.replace("_", " ")), was, now)
    elif plain(old) != plain(new):
        yield where, above, shown(old), shown(new)


def _named(where: str, above: str, old: object, new: object) -> Iterator[tuple[str, str, str, str]]:
    """Yield the differences of two optimizers or schedules: options, or both if names differ."""
    if type(old) is type(new) and getattr(old, "name", "") == getattr(new, "name", ""):
        yield from _leaves(where, above, getattr(old, "options", {}), getattr(new, "options", {}))
    else:
        yield where, above, _chosen(old), _chosen(new)


def _chosen(value: object) -> str:
    """Return a named value without options at their defaults: `sgd, lr 0.1`."""
    if not isinstance(value, (Optimizer, Schedule)):
        return shown(value)
    kinds = OPTIMIZERS if isinstance(value, Optimizer) else SCHEDULES
    usual = kinds[value.name]().model_dump()
    given = {key: item for key, item in value.options.items() if item != usual[key]}
    return ", ".join([value.name, *(f"{key} {shown(item)}" for key, item in given.items())])
