"""The reference of all keys of a spec, from the models that validate it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from specc.language.schema.data import (
    DataSpec,
    FieldSpec,
    Hide,
    ManyHot,
    Sources,
    SourceSpec,
    Subset,
)
from specc.language.schema.document import Document, Scan
from specc.language.schema.metric import MetricFigure
from specc.language.schema.node import Node, Role
from specc.language.schema.objective import Player, Players, Stage, Stages
from specc.language.schema.read_document import REQUIRED
from specc.language.schema.read_node import HEADS, OPTIONS
from specc.language.schema.train import (
    EarlyStopping,
    Evaluation,
    PlayerSettings,
    ScheduleStep,
    StageSettings,
    TrainSpec,
)
from specc.reference.entry import Entry, Page, Table, code, listed, shown
from specc.reference.values import HEAD, values

INTRO = """A spec is a mapping of these keys, in the order of `specc fmt`. Names in capitals, such
as NODE, are placeholders. `--set train.epochs=10` sets a key from the command line.
"""
ROLES: Mapping[Role, str] = {
    "latent": "A random variable without data, and its distribution.",
    "observed": "A random variable that the data gives, and its distribution.",
    "given": "A field of the data that the model conditions on.",
    "let": "A value computed from other nodes.",
    "parameter": "A learnt tensor, and its support.",
    "joint": "One draw with several parts, by name, each `latent` or `observed`.",
}
NODE_VALUES: Mapping[str, str] = {
    "distribution": "the name of a distribution",
    "shapes": "lists of sizes by part",
    "params": "an expression, such as `encoder(x)`",
    "shape": "list of sizes, numbers or constants",
    "plate": "the name of a plate",
    "global": "`true` or `false`",
    "initial": "an expression",
    "reverse": "`true` or `false`",
    "from": "the name of a field",
    "plate_index": "the name of a plate",
    "through": "a bijection or a list of them, such as `flow` or `flow(y)`",
    "draw": "the name of a draw, or one with its option",
    "missing": "the name of a draw",
    "init": "a number, a list of numbers, `zeros` or `normal`",
}
NODE_FIELDS = {"global": "is_global", "from": "from_field", "distribution": "head"}
TOP_VALUES: Mapping[str, str] = {
    "specc": "`1`",
    "name": "a word in lower case",
    "doc": "text",
    "constants": "numbers, words or lists of numbers by name",
    "data": "keys, see `data`",
    "plates": "sizes by name, see `plates.PLATE`",
    "model": "nodes by name, see `model.NODE`",
    "guide": "nodes by name, as of `model`",
    "programs": "programs by name, each with its nodes",
    "links": "links by name, see `links.LINK`",
    "objective": "the name of an objective, one with options, `{minimize: EXPRESSION}`, or keys, "
    "see `objective`",
    "sampler": "the name of a sampler, or one with options",
    "train": "keys, see `train`",
    "evaluate": "metrics by name, see `evaluate.METRIC`",
    "moved": "new names by old names",
}
DATA_VALUES: Mapping[str, str] = {
    "source": "the name of a source, or of a file with an ending that is one",
    "fields": "fields by name, see `data.fields.FIELD`",
    "split": "parts by name: a share, a number of rows, a mask, or options of the source",
    "subset": "keys, see `data.subset`",
}
TRAIN_VALUES: Mapping[str, str] = {
    "optimizer": "the name of an optimizer, or one with its options",
    "schedule": "the name of a schedule, one with its options, or a list of `{at, lr}`",
    "early_stopping": "keys, see `train.early_stopping`",
}


@dataclass(frozen=True, slots=True)
class Section:
    """The keys under one path; a row has the key, its values, its default, and its meaning."""

    path: str
    summary: str
    rows: tuple[tuple[str, str, str, str], ...]


def page() -> Page:
    """Return the page with a section for each mapping of a spec."""
    return Page("spec", "Keys of a spec", INTRO, tuple(map(_as_entry, sections())))


def keys() -> tuple[Entry, ...]:
    """Return an entry for each key, named by its path, such as `train.epochs`."""
    return tuple(_key(section, row) for section in sections() for row in section.rows)


def sections() -> tuple[Section, ...]:
    """Return every mapping of a spec, outer ones first."""
    return (
        Section("", "The keys at the top.", _top()),
        Section("data", _first(DataSpec), _data()),
        Section("data.sources.SOURCE", _first(SourceSpec), _source()),
        Section("data.subset", _first(Subset), rows_of(Subset)),
        Section("data.fields.FIELD", _first(FieldSpec), rows_of(FieldSpec)),
        Section("data.fields.FIELD.hide", _first(Hide), rows_of(Hide)),
        Section("data.fields.FIELD.many_hot", _first(ManyHot), rows_of(ManyHot)),
        Section("plates.PLATE", _first(Scan), _plates()),
        Section("model.NODE", _first(Node), _node()),
        Section("links.LINK", "A network, a causal network or a bijection.", _link()),
        Section("objective", "Several losses, each of a player.", _players()),
        Section("objective.players.PLAYER", "A loss, who minimizes it, and how.", _player()),
        Section(
            "objective.stages.STAGE", "One objective of several, one after the other.", _stage()
        ),
        Section("train", _first(TrainSpec), rows_of(TrainSpec, TRAIN_VALUES)),
        Section("train.early_stopping", _first(EarlyStopping), rows_of(EarlyStopping)),
        Section("train.schedule.STEP", _first(ScheduleStep), rows_of(ScheduleStep)),
        Section("evaluate.METRIC", _first(Evaluation), _figure()),
    )


def _figure() -> tuple[tuple[str, str, str, str], ...]:
    """Return the options of a likelihood estimate, and the key of a metric of samples."""
    about = MetricFigure.model_fields["metric"].description or ""
    instead = f"Instead of an estimator. {about} See [Metrics](metrics.md)."
    return *rows_of(Evaluation), ("metric", "the name of a metric", "", instead)


def rows_of(
    model: type[BaseModel], words: Mapping[str, str] | None = None
) -> tuple[tuple[str, str, str, str], ...]:
    """Return a row for each field of a model; `words` are the values of some fields."""
    schema = model.model_json_schema(by_alias=True)
    inner = schema.get("$defs", {})
    rows = []
    for name, field in schema["properties"].items():
        is_required = name in schema.get("required", ())
        default = "required" if is_required else _default(field.get("default"))
        may = (words or {}).get(name) or values(field, inner)
        rows.append((name, may, default, field.get("description", "")))
    return tuple(rows)


def _default(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("name")
    return code(shown(value)) if value not in (None, "", (), []) else ""


def _as_entry(section: Section) -> Entry:
    rows = tuple((code(key), *rest) for key, *rest in section.rows)
    head = ("key", *HEAD[1:])
    return Entry(section.path or "spec", "section", section.summary, tables=(Table(head, rows),))


def _key(section: Section, row: tuple[str, str, str, str]) -> Entry:
    key, may, default, meaning = row
    path = f"{section.path}.{key}" if section.path else key
    facts = [f"Value: {may}."]
    if default:
        facts.append("It is required." if default == "required" else f"Default: {default}.")
    return Entry(path, "key", meaning, facts=tuple(facts))


def _first(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


def _top() -> tuple[tuple[str, str, str, str], ...]:
    return tuple(
        (key, TOP_VALUES[key], "required" if key in REQUIRED else "", field.description or "")
        for key, field in Document.model_fields.items()
    )


def _data() -> tuple[tuple[str, str, str, str], ...]:
    fields = DataSpec.model_fields
    rows = [
        (key, words, "required" if key == "source" else "", fields[key].description or "")
        for key, words in DATA_VALUES.items()
    ]
    other = "Options of the source, see [Sources](sources.md)."
    about = Sources.model_fields["sources"].description or ""
    several = "sources", "sources by name, see `data.sources.SOURCE`", "", about
    return (*rows, ("OPTION", "what the source takes", "", other), several)


def _source() -> tuple[tuple[str, str, str, str], ...]:
    """The keys of one of several sources: those of a single one, and its batch size."""
    own = next(row for row in rows_of(SourceSpec) if row[0] == "batch_size")
    return *_data()[:-1], own


def _plates() -> tuple[tuple[str, str, str, str], ...]:
    number, lengths = "a number or a constant", Scan.model_fields["lengths"].description or ""
    return (
        ("scan", number, "", "A sequence: the largest number of its steps."),
        ("size", f"{number}, or `auto`", "", "A set: the largest number of its elements."),
        ("lengths", "the name of a given node", "", lengths),
    )


def _node() -> tuple[tuple[str, str, str, str], ...]:
    roles = [(role, HEADS[role], "", meaning) for role, meaning in ROLES.items()]
    options = []
    for key, allowed in OPTIONS.items():
        field = Node.model_fields[NODE_FIELDS.get(key, key)]
        options.append((key, NODE_VALUES[key], "", f"{field.description} For {listed(allowed)}."))
    parameter = ("PARAMETER", "a number, a list or an expression", "", "A parameter or option of ")
    return (*roles, (*parameter[:3], parameter[3] + "the distribution, by its name."), *options)


def _link() -> tuple[tuple[str, str, str, str], ...]:
    kind = "The kind of network with its sizes, see [Links](links.md), [Bijections](bijections.md)."
    option = "An option of that kind."
    return (("KIND", "what the kind takes", "required", kind), ("OPTION", "see there", "", option))


def _players() -> tuple[tuple[str, str, str, str], ...]:
    may = "players by name, see `objective.players.PLAYER`"
    about = Players.model_fields["players"].description or ""
    order = next(row for row in rows_of(Players) if row[0] == "order")
    stages = "list of stages, see `objective.stages.STAGE`, instead of all other keys"
    return (
        ("players", may, "required", about),
        order,
        ("stages", stages, "", Stages.model_fields["stages"].description or ""),
    )


def _stage() -> tuple[tuple[str, str, str, str], ...]:
    """Return the keys of a stage: its name, an objective, what it trains, its settings."""
    fields = Stage.model_fields
    kinds = "A name with its options, `minimize`, or `players` with `order`, as under `objective`."
    names = "list of links and parameters"
    copies = "links or parameters by name, each with the source, such as `up` or `transpose(w)`"
    return (
        ("name", "a word", "required", fields["name"].description or ""),
        ("OBJECTIVE", "an objective", "required", kinds),
        ("links", names, "", fields["links"].description or ""),
        ("freeze", names, "", fields["freeze"].description or ""),
        ("copy", copies, "", fields["copies"].description or ""),
        *rows_of(StageSettings, TRAIN_VALUES),
    )


def _player() -> tuple[tuple[str, str, str, str], ...]:
    fields = Player.model_fields
    return (
        ("minimize", "an expression", "required", fields["minimize"].description or ""),
        ("links", "list of links and parameters", "", fields["links"].description or ""),
        ("chain", "options of `cd`", "", fields["chain"].description or ""),
        *rows_of(PlayerSettings, TRAIN_VALUES),
    )
