"""The JSON Schema for editors: it accepts what reads, and refuses plain mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from specc.catalog.registry import DISTRIBUTIONS, LINKS
from specc.language.schema.json_schema import json_schema
from specc.language.schema.read_document import PARTS

from .reading import MODEL
from .test_document import FULL

SCHEMA = json_schema()
TYPES = {
    "object": dict,
    "array": (list, tuple),
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def fits(value: object, schema: dict) -> bool:
    """The keywords of JSON Schema that the schema uses."""
    if "$ref" in schema and not fits(value, SCHEMA["$defs"][schema["$ref"].split("/")[-1]]):
        return False
    kinds = schema.get("type")
    if kinds is not None and not any(is_a(value, k) for k in as_list(kinds)):
        return False
    tests = [
        "const" not in schema or value == schema["const"],
        "enum" not in schema or value in schema["enum"],
        "anyOf" not in schema or any(fits(value, s) for s in schema["anyOf"]),
        "oneOf" not in schema or sum(fits(value, s) for s in schema["oneOf"]) == 1,
        *(in_bounds(value, schema) if isinstance(value, (int, float)) else ()),
        *(of_text(value, schema) if isinstance(value, str) else ()),
        *(of_mapping(value, schema) if isinstance(value, dict) else ()),
        *(of_list(value, schema) if isinstance(value, list) else ()),
    ]
    return all(tests)


def as_list(value: object) -> list:
    return value if isinstance(value, list) else [value]


def is_a(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def in_bounds(value: float, schema: dict) -> list[bool]:
    return [
        value >= schema.get("minimum", value),
        value <= schema.get("maximum", value),
        "exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"],
        "exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"],
    ]


def of_text(value: str, schema: dict) -> list[bool]:
    return [re.search(schema.get("pattern", ""), value) is not None]


def of_mapping(value: dict, schema: dict) -> list[bool]:
    properties = schema.get("properties", {})
    others = [v for k, v in value.items() if k not in properties]
    rest = schema.get("additionalProperties", True)
    return [
        all(key in value for key in schema.get("required", [])),
        all(fits(value[key], inner) for key, inner in properties.items() if key in value),
        all(fits(k, schema.get("propertyNames", {})) for k in value),
        rest is True
        or (rest is False and not others)
        or (isinstance(rest, dict) and all(fits(v, rest) for v in others)),
        len(value) >= schema.get("minProperties", 0),
        len(value) <= schema.get("maxProperties", len(value)),
    ]


def of_list(value: list, schema: dict) -> list[bool]:
    return [
        all(fits(item, schema.get("items", {})) for item in value),
        len(value) >= schema.get("minItems", 0),
        len(value) <= schema.get("maxItems", len(value)),
    ]


def every_schema(value: object) -> list[dict]:
    if isinstance(value, list):
        return [found for item in value for found in every_schema(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(found for item in value.values() for found in every_schema(item))]


@pytest.mark.parametrize("path", sorted(Path("specs").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_gallery_fits(path: Path):
    assert fits(yaml.safe_load(path.read_text(encoding="utf-8")), SCHEMA)


def test_a_spec_with_everything_fits():
    value = yaml.safe_load(FULL)
    for key, part in value.items():
        assert fits(part, SCHEMA["properties"][key]), key
    assert fits(value, SCHEMA)


def played(settings: str) -> dict:
    player = f"{{minimize: '-elbo(model, guide)', links: [e], {settings}}}"
    return yaml.safe_load(f"objective: {{players: {{one: {player}}}}}")["objective"]


@pytest.mark.parametrize(
    "settings, is_right",
    [
        ("steps: 5, optimizer: {adam: {lr: 0.1}}, schedule: cosine, clip: 1.0", True),
        ("optimizer: sgd, schedule: [{at: 0.5, lr: 0.1}]", True),
        ("steps: 0", False),
        ("optimizer: {adam: {momentum: 0.9}}", False),
        ("batch_size: 3", False),
    ],
)
def test_players_take_their_settings(settings: str, is_right: bool):
    assert fits(played(settings), SCHEMA["properties"]["objective"]) == is_right


@pytest.mark.parametrize(
    "stage, is_right",
    [
        ("name: a, elbo: {particles: 2}, links: [b], epochs: 3", True),
        ("name: a, minimize: '-elbo(model, guide)', freeze: [b], copy: {b: transpose(c)}", True),
        ("name: a, players: {p: {minimize: x}}, order: simultaneous, optimizer: sgd", True),
        ("elbo: {}", False),
        ("name: a", False),
        ("name: a, elbo: {}, batch_size: 3", False),
        ("name: a, elbo: {}, epochs: 0", False),
    ],
)
def test_stages_are_objectives_with_names(stage: str, is_right: bool):
    value = yaml.safe_load(f"stages: [{{{stage}}}]")
    assert fits(value, SCHEMA["properties"]["objective"]) == is_right


@pytest.mark.parametrize(
    "text",
    [
        "modl: 3",
        "train: {epoch: 3}",
        "train: {epochs: 0}",
        "train: {optimizer: adma}",
        "train: {optimizer: {adam: {lr: 0}}}",
        "links: {d: {mpl: [3]}}",
        "links: {d: {mlp: 3}}",
        "links: {d: mlp}",
        "guide: {z: {latent: nrmal}}",
        "guide: {z: {latent: normal, rate: 1}}",
        "guide: {z: {latent: normal, observed: normal}}",
        "guide: {z: {loc: 0}}",
        "guide: {z: {latent: normal, draw: scor}}",
        "objective: {elbo: {particls: 3}}",
        "data: {source: digit}",
        "data: {fields: {}}",
        "evaluate: {test: {estimator: iwea}}",
        "constants: {a-b: 3}",
    ],
)
def test_plain_mistakes_do_not_fit(text: str):
    assert fits(yaml.safe_load(MODEL), SCHEMA)
    assert not fits(yaml.safe_load(MODEL + text), SCHEMA)


def test_it_is_json_and_every_reference_leads_somewhere():
    text = json.dumps(SCHEMA, sort_keys=True)
    for reference in re.findall(r'"\$ref": "([^"]*)"', text):
        assert reference.removeprefix("#/$defs/") in SCHEMA["$defs"]
    assert '"digest"' not in text


def test_every_key_is_explained():
    assert set(SCHEMA["properties"]) == set(PARTS)
    for key, part in SCHEMA["properties"].items():
        assert part["description"], key


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_nodes_list_the_parameters_of_every_distribution(name: str):
    entry = DISTRIBUTIONS[name]
    properties = SCHEMA["$defs"][f"{name}_node"]["properties"]
    wanted = {p.name for p in entry.parameters} | {a.name for a in entry.alternatives}
    assert wanted | set(entry.options) | {"shape", "draw", "params"} <= set(properties)
    assert all(properties[key].get("description") for key in properties)


@pytest.mark.parametrize("kind", LINKS)
def test_links_list_the_options_of_every_kind(kind: str):
    properties = SCHEMA["$defs"][f"{kind}_link"]["properties"]
    assert set(properties) == {*LINKS[kind].Options.model_fields, "prior"}


def test_titles_are_left_out():
    assert not [s for s in every_schema(SCHEMA["$defs"]) if isinstance(s.get("title"), str)]
