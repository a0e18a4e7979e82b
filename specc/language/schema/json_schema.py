"""The JSON Schema of specs, generated from the declarations of the language.

Editors use it to complete and explain keys. It is wider than the language (an expression is any
text), so an accepted spec may still be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from specc.catalog.chain import moves_of
from specc.catalog.entry import Distribution
from specc.catalog.metric import Metric
from specc.catalog.objective import Objective as ObjectiveEntry
from specc.catalog.registry import (
    CHAINS,
    DISTRIBUTIONS,
    DRAWS,
    GUIDES,
    KINDS,
    METRICS,
    MODIFIERS,
    OBJECTIVES,
    SAMPLERS,
    SHORTHANDS,
    SOURCES,
    source_by_ending,
)
from specc.catalog.shorthand import Shorthand
from specc.catalog.source import Option
from specc.catalog.supports import NAMED, describe
from specc.language.schema.data import DataSpec, FieldSpec, Sources, SourceSpec, Subset
from specc.language.schema.document import Document, Scan
from specc.language.schema.node import INITS, PART_ROLES, SCALED, Node, Role
from specc.language.schema.objective import Order, Player, Players, Stage, Stages
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.read_document import PARTS, REQUIRED
from specc.language.schema.read_node import HEADS, OPTIONS
from specc.language.schema.schedules import SCHEDULES
from specc.language.schema.train import Evaluation, PlayerSettings, StageSettings, TrainSpec

Json = dict[str, Any]

NAME = "^[A-Za-z][A-Za-z0-9_]*$"
OPTION_KINDS: dict[str, Json] = {
    "text": {"type": "string"},
    "path": {"type": "string"},
    "columns": {
        "type": "object",
        "additionalProperties": {
            "anyOf": [{"const": "*"}, {"type": "array", "items": {"type": "string"}}]
        },
    },
    "classes": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 2},
    },
    "sizes": {"type": "array", "items": {"type": "integer", "minimum": 1}},
    "number": {"type": "integer", "minimum": 1},
}
_FIELDS = {"global": "is_global", "from": "from_field", "distribution": "head"}


def json_schema() -> Json:
    """The schema of a spec."""
    definitions: Json = {
        "expression": _expression(),
        "numbers": {"type": ["number", "array"], "items": _ref("numbers")},
        "node": {"anyOf": [_ref(f"{name}_node") for name in _node_kinds()]},
        "link": {"anyOf": [_ref(f"{kind}_link") for kind in KINDS] + [_bare_link()]},
        "draw": _draw(),
        "optimizer": _by_name(OPTIMIZERS),
        "schedule": _by_name(SCHEDULES),
    }
    definitions |= {f"{name}_node": node for name, node in _node_kinds().items()}
    definitions |= {f"{kind}_link": _link(kind, definitions) for kind in KINDS}
    sections = _sections(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "specc",
        "description": "A deep generative model.",
        "type": "object",
        "properties": {key: _about(key, sections[key]) for key in PARTS},
        "required": list(REQUIRED),
        "additionalProperties": False,
        "$defs": definitions,
    }


def _about(key: str, schema: Json) -> Json:
    return _described(Document, key, schema)


def _described(model: type[BaseModel], key: str, schema: Json) -> Json:
    """A schema with the description of its field."""
    return {"description": model.model_fields[key].description, **schema}


def _sections(definitions: Json) -> Json:
    constant = {"type": ["number", "string", "array"], "items": _ref("numbers")}
    return {
        "specc": {"const": 1},
        "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "doc": {"type": "string"},
        "constants": _named(constant),
        "data": _data(definitions),
        "plates": _named({"anyOf": [_ref("expression"), _scan()]}),
        "model": _nodes(),
        "guide": _guide(),
        "programs": _named(_nodes()),
        "links": _named(_ref("link")),
        "objective": _objective(definitions),
        "sampler": _sampler(),
        "train": _settings(TrainSpec, definitions),
        "evaluate": _named(_figure(definitions)),
        "moved": {"type": "object", "additionalProperties": {"type": "string"}},
    }


def _sampler() -> Json:
    """The schema of a sampler, in place of an objective or for one."""
    alone = {name: entry.Options for name, entry in SAMPLERS.items()}
    in_objective = {name: moves_of(entry.Options) for name, entry in CHAINS.items()}
    return {"anyOf": [_by_name(alone), _by_name(in_objective)]}


# small pieces


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _named(schema: Json) -> Json:
    """The schema of a mapping from names to values."""
    return {
        "type": "object",
        "propertyNames": {"pattern": NAME},
        "additionalProperties": schema,
    }


def _nodes() -> Json:
    """The schema of the nodes of a program, and of its energy."""
    energy = {**_ref("expression"), "description": "The energy of the nodes, E: p = exp(-E) / Z."}
    return {**_named(_ref("node")), "properties": {"energy": energy}}


def _guide() -> Json:
    """The schema of the nodes of the guide, and of the guides that the compiler derives."""
    kinds = _by_name({name: entry.Options for name, entry in GUIDES.items()})
    automatic = {"const": "auto"}
    node = {"anyOf": [_ref("node"), automatic, _closed({"auto": kinds})]}
    nodes = {**_named(node), "properties": {"auto": kinds}}
    return {"anyOf": [nodes, automatic]}


def _type_of(value: bool | float | str, words: tuple[str, ...]) -> Json:
    """The values of an option with this default: some words, or those of a type."""
    if words:
        return {"enum": list(words)}
    if isinstance(value, bool):
        return {"type": "boolean"}
    return {"type": "integer" if isinstance(value, int) else "number"}


def _closed(properties: Json, **rest: object) -> Json:
    """The schema of a mapping with exactly these keys."""
    return {"type": "object", "properties": properties, "additionalProperties": False, **rest}


def _single(name: str, inside: Json, summary: str) -> Json:
    """The schema of `{name: ...}`."""
    return _closed({name: {"description": summary, **inside}}, required=[name])


def _model(model: type[BaseModel], definitions: Json, prefix: str = "") -> Json:
    """The schema of a pydantic model; nested models are added to the definitions."""
    template = f"#/$defs/{prefix}{{model}}"
    schema = model.model_json_schema(ref_template=template)
    for name, inner in schema.pop("$defs", {}).items():
        definitions[f"{prefix}{name}"] = _clean(inner)
    cleaned: Json = _clean(schema)
    return cleaned


def _clean(value: Any) -> Any:  # noqa: ANN401
    """The schema without entries that editors do not use; keys of `properties` are names."""
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if not isinstance(value, dict):
        return value
    cleaned = {k: _clean(v) for k, v in value.items() if k not in ("digest", "title")}
    if "properties" in value:
        cleaned["properties"] = {k: _clean(v) for k, v in value["properties"].items()}
    return cleaned


# nodes


def _expression() -> Json:
    items = {"type": "array", "items": _ref("expression")}
    about = "A number, a list, or an expression such as `decoder(z)`."
    return {"anyOf": [{"type": "number"}, {"type": "string"}, items], "description": about}


def _node_kinds() -> Json:
    kinds: Json = {name: _random_node(name) for name in DISTRIBUTIONS}
    kinds["modified"] = _modified_node()
    supports = [{"const": name, "description": describe(NAMED[name])} for name in NAMED]
    kinds["parameter"] = _plain_node("parameter", {"oneOf": supports})
    kinds["given"] = _plain_node("given", {"type": "string"})
    kinds["let"] = _plain_node("let", _ref("expression"))
    return kinds


def _modified_node() -> Json:
    """The schema of nodes such as `truncated(normal)`, with any parameters."""
    words = "; ".join(f"{name}: {entry.summary}" for name, entry in MODIFIERS.items())
    pattern = rf"^({'|'.join(MODIFIERS)})\(.+\)$"
    node = _drawn({"type": "string", "pattern": pattern, "description": words}, {}, words)
    return {**node, "additionalProperties": _ref("expression")}


def _random_node(name: str) -> Json:
    entry = DISTRIBUTIONS[name]
    head = {"const": name, "description": entry.summary}
    return _drawn(head, _parameters(entry), entry.summary)


def _drawn(head: Json, parameters: Json, summary: str) -> Json:
    """The schema of a random node, of which `head` is that of the distribution."""
    roles: Json = dict.fromkeys(("latent", "observed"), head)
    roles["joint"] = {"description": HEADS["joint"], **_named({"enum": list(PART_ROLES)})}
    options = {**_options("latent"), **_options("observed"), **_options("joint")}
    return _closed(
        {**roles, **parameters, **options, "distribution": head},
        oneOf=[{"required": [role]} for role in ("latent", "observed")]
        + [{"required": ["joint", "distribution"]}],
        dependentRequired={"distribution": ["joint"], "shapes": ["joint"]},
        description=summary,
    )


def _parameters(entry: Distribution) -> Json:
    found = {p.name: (p.summary, p.support) for p in entry.parameters}
    for other in entry.alternatives:
        found[other.name] = (f"instead of `{other.replaces}`", other.support)
    described: Json = {
        name: {**_ref("expression"), "description": f"{summary}: {describe(support)}"}
        for name, (summary, support) in found.items()
    }
    for option in entry.options:
        described[option] = {**_ref("expression"), "description": "a size"}
    return described


def _plain_node(role: Role, head: Json) -> Json:
    about = {"description": HEADS[role], **head}
    return _closed({role: about, **_options(role)}, required=[role])


def _options(role: Role) -> Json:
    return {key: _option(key) for key, roles in OPTIONS.items() if role in roles}


def _scan() -> Json:
    steps = _described(Scan, "steps", _ref("expression"))
    lengths = _described(Scan, "lengths", {"type": "string"})
    kinds = [_closed({key: steps, "lengths": lengths}, required=[key]) for key in ("scan", "size")]
    return {"anyOf": kinds}


def _option(key: str) -> Json:
    sizes: Json = {"type": "array", "items": _ref("expression")}
    start: Json = {"anyOf": [_ref("expression"), _ref("node")]}
    shapes: Json = {
        "params": _ref("expression"),
        "shape": sizes,
        "shapes": _named(sizes),
        "through": {"anyOf": [_ref("expression"), {"type": "array", "items": _ref("expression")}]},
        "global": {"type": "boolean"},
        "initial": {"anyOf": [start, {"type": "array", "items": start}]},
        "reverse": {"type": "boolean"},
        "draw": _ref("draw"),
        "missing": _ref("draw"),
        "init": {
            "anyOf": [
                {"type": "number"},
                {"enum": list(INITS)},
                {"type": "array", "items": {"type": "number"}},
                {
                    "type": "object",
                    "properties": {SCALED: {"type": "number", "exclusiveMinimum": 0}},
                    "required": [SCALED],
                    "additionalProperties": False,
                },
            ]
        },
    }
    about = Node.model_fields[_FIELDS.get(key, key)].description
    return {"description": about, **shapes.get(key, {"type": "string"})}


def _draw() -> Json:
    words: list[Json] = [{"const": name, "description": DRAWS[name].summary} for name in DRAWS]
    for name in DRAWS:
        entry = DRAWS[name]
        if entry.option:
            values: Json = {"enum": list(entry.options), "description": entry.meaning}
            options = {entry.option: values}
            for number, meaning in entry.meanings.items():
                options[number] = {"type": "number", "exclusiveMinimum": 0, "description": meaning}
            if entry.value:
                options[entry.value] = {"type": "string", "description": entry.value_meaning}
            inside = {"anyOf": [values, _closed(options)]}
            words.append(_single(name, inside, entry.summary))
    for name in CHAINS:
        words.append(_single(name, _model(CHAINS[name].Options, {}), CHAINS[name].summary))
    return {"anyOf": words}


# links, objective, data, training


def _bare_link() -> Json:
    known = [k for k in KINDS if not KINDS[k].Options.model_fields[k].is_required()]
    return {"enum": known}


def _link(kind: str, definitions: Json) -> Json:
    entry = KINDS[kind]
    schema = _model(entry.Options, definitions, f"{kind}_")
    schema["properties"] = {**schema["properties"], "prior": {"type": "object"}}
    return {**schema, "required": [kind], "description": entry.summary}


def _objective(definitions: Json) -> Json:
    forms: list[Json] = []
    for name in OBJECTIVES:
        entry = OBJECTIVES[name]
        forms.append({"const": name, "description": entry.summary})
        forms.append(_single(name, _options_of(entry), entry.summary))
    for name in SHORTHANDS:
        short = SHORTHANDS[name]
        if not any(field.is_required() for field in short.Options.model_fields.values()):
            forms.append({"const": name, "description": short.summary})
        options = _with_named(short, _model(short.Options, definitions, f"{name}_"))
        forms.append(_single(name, options, short.summary))
    forms.append(_single("minimize", _ref("expression"), "What is made small."))
    player = _closed(
        {
            "minimize": _described(Player, "minimize", _ref("expression")),
            "links": _described(Player, "links", {"type": "array", "items": {"type": "string"}}),
            "chain": _described(
                Player, "chain", _options_of(OBJECTIVES.first(lambda each: each.contrastive))
            ),
            **_settings(PlayerSettings, definitions)["properties"],
        },
        required=["minimize"],
    )
    players = {
        "players": _described(Players, "players", _named(player)),
        "order": _described(Players, "order", {"enum": list(get_args(Order))}),
    }
    whole = {"anyOf": [*forms, _closed(players, required=["players"])]}
    return {"anyOf": [*whole["anyOf"], _stages(whole, definitions)]}


def _options_of(entry: ObjectiveEntry) -> Json:
    """The schema of the options of a named objective."""
    return _closed(
        {
            key: {
                **_type_of(value, entry.words.get(key, ())),
                "default": value,
                "description": entry.meanings[key],
            }
            for key, value in entry.options.items()
        }
    )


def _stages(objective: Json, definitions: Json) -> Json:
    """The schema of `{stages: [...]}`, whose items have the keys of an objective, too."""
    names: Json = {"type": "array", "items": {"type": "string"}}
    own = {
        "name": {"type": "string", "pattern": NAME},
        "links": names,
        "freeze": names,
        "copy": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    fields = {"copy": "copies"}
    keys = {key: _described(Stage, fields.get(key, key), schema) for key, schema in own.items()}
    keys |= _settings(StageSettings, definitions)["properties"]
    forms = [form for form in objective["anyOf"] if "properties" in form]
    for form in forms:
        keys |= form["properties"]
    stage = _closed(keys, required=["name"], anyOf=[{"required": f["required"]} for f in forms])
    stages = {"type": "array", "items": stage, "minItems": 1}
    return _closed({"stages": _described(Stages, "stages", stages)}, required=["stages"])


def _figure(definitions: Json) -> Json:
    """The schema of a metric: an estimate of the likelihood, or a sample metric."""
    return {"anyOf": [_model(Evaluation, definitions), *map(_metric, METRICS)]}


def _metric(name: str) -> Json:
    entry = METRICS[name]
    schema = _with_named(entry, _model(entry.Options, {}))
    schema["properties"] = {"metric": {"const": name}, **schema["properties"]}
    schema["required"] = ["metric", *schema.get("required", ())]
    return {**schema, "description": entry.summary}


def _with_named(entry: Metric | Shorthand, schema: Json) -> Json:
    """The schema of options, including those whose value is a catalog entry."""
    for option, known in entry.named.items():
        about = entry.Options.model_fields[option].description
        forms = _by_name({own: known[own].Options for own in known})
        schema["properties"][option] = {**forms, "description": about}
    return schema


def _data(definitions: Json) -> Json:
    options: Json = {}
    for name in SOURCES:
        for option in SOURCES[name].options:
            options[option.name] = {"description": option.summary, **_kind(option)}
    known = [{"const": name, "description": SOURCES[name].summary} for name in SOURCES]
    endings = "|".join(source_by_ending())
    path = {"type": "string", "pattern": rf"\.({endings})$", "description": "A file."}
    part = {"anyOf": [{"type": ["number", "string"]}, _closed(options, minProperties=1)]}
    keys: Json = {
        "source": {"anyOf": [*known, path]},
        "fields": _named(_field(definitions)),
        "split": {"type": "object", "additionalProperties": part},
        "subset": _model(Subset, {}),
    }
    keys = {key: _described(DataSpec, key, schema) for key, schema in keys.items()}
    size = _model(SourceSpec, {})["properties"]["batch_size"]
    one = _closed({**keys, **options}, required=["source"])
    of_several = _closed({**keys, "batch_size": size, **options}, required=["source"])
    sources = _described(Sources, "sources", _named(of_several))
    return {"anyOf": [one, _closed({"sources": sources}, required=["sources"])]}


def _kind(option: Option) -> Json:
    """The schema of an option of a source."""
    if option.choices:
        return {"enum": list(option.choices)}
    if option.kind == "number":
        return {**OPTION_KINDS["number"], "minimum": option.least, "maximum": option.most}
    return OPTION_KINDS[option.kind]


def _field(definitions: Json) -> Json:
    schema = _model(FieldSpec, definitions)
    schema.pop("required", None)
    return schema


def _settings(model: type[BaseModel], definitions: Json) -> Json:
    """The schema of a model with an optimizer and a schedule among its fields."""
    schema = _model(model, definitions)
    about = model.model_fields["optimizer"].description
    schema["properties"]["optimizer"] = {**_ref("optimizer"), "description": about}
    definitions.pop("Optimizer", None)
    about = model.model_fields["schedule"].description
    steps = {"type": "array", "items": _ref("ScheduleStep")}
    schedule = {"anyOf": [steps, _ref("schedule")], "description": about}
    schema["properties"]["schedule"] = schedule
    definitions.pop("Schedule", None)
    return schema


def _by_name(known: Mapping[str, type[BaseModel]]) -> Json:
    """The schema of a name, or of a name with its options under it."""
    forms: list[Json] = [{"enum": list(known)}]
    for name, options in known.items():
        forms.append(_single(name, _model(options, {}), (options.__doc__ or "").strip()))
    return {"anyOf": forms}
