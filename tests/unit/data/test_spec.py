"""What `data:` says in a spec, from its text to what the run time is told."""

from __future__ import annotations

import json

import pytest
import yaml

from specc.catalog.registry import SOURCES, source_by_ending
from specc.codegen.manifest import manifest
from specc.compiler import front
from specc.diagnostics.source import Source
from specc.language.schema.json_schema import json_schema
from specc.runtime.manifest import parse

MODEL = """\
specc: 1
name: m
data: {%s}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, params: decoder(z)}
guide:
  z: {latent: normal, params: encoder(x)}
links:
  decoder: {mlp: [4]}
  encoder: {mlp: [4]}
objective: elbo
"""


def checked(data):
    return front(Source("a.yaml", MODEL % data))


def told(data):
    """The data as the run time reads it."""
    found = checked(data)
    assert found.plan is not None, [(d.code, d.evidence) for d in found.diagnostics]
    return parse(json.loads(json.dumps(manifest(found.plan)))).data


def codes(data):
    return [(d.code, d.span.text) for d in checked(data).diagnostics]


@pytest.mark.parametrize("name", SOURCES)
def test_the_example_of_every_source_is_sound(name):
    data = yaml.safe_load(SOURCES[name].example)["data"]
    named = ", ".join(f"{key}: {json.dumps(value)}" for key, value in data.items())
    found = checked(named)
    about_data = {d.code for d in found.diagnostics if d.code.startswith(("E01", "E05"))}
    assert about_data - {"E0502"} == set()
    assert found.spec is not None and found.spec.document.data.source == name


def test_pictures_of_a_known_size_need_no_shape():
    fields = "fields: {x: {from: image}}"
    grey = told(f"source: images, path: faces, size: [28, 20], {fields}").fields["x"]
    assert (grey.shape, grey.picture) == ((560,), (28, 20))
    colour = told(f"source: images, path: faces, size: [8, 6], channels: 3, {fields}").fields["x"]
    assert (colour.shape, colour.picture) == ((144,), (3, 8, 6))


def test_a_picture_out_of_any_source():
    text = "source: npy, path: a.npy, fields: {x: {from: values, shape: [6], picture: [2, 3]}}"
    assert told(text).fields["x"].picture == (2, 3)
    # A picture of another size is none.
    assert told(text.replace("[2, 3]", "[2, 2]")).fields["x"].picture is None


def test_the_node_and_the_transforms_are_shown():
    field = "{x: {from: a, shape: [3], standardize: true, scale: 2.0}}"
    x = told(f"source: a.npz, fields: {field}").fields["x"]
    assert (x.distribution, x.standardize, x.scale) == ("normal", True, 2.0)


def test_a_part_from_another_file():
    text = "source: csv, path: a.csv, fields: {x: {from: a, shape: [3]}}"
    data = told(text + ", split: {test: {path: b.csv}, valid: 0.1}")
    assert data.split == {"test": {"path": "b.csv"}, "valid": 0.1}


@pytest.mark.parametrize("ending", sorted(source_by_ending()))
def test_a_file_is_a_source_by_its_ending(ending):
    data = checked(f"source: f/a.{ending}").spec.document.data
    assert data.source == source_by_ending()[ending]
    assert data.options == {"path": f"f/a.{ending}"}
    assert ending in json.dumps(json_schema()["properties"]["data"])


X = "source: a.npz, fields: {x: {from: a, shape: [3], %s}}"


@pytest.mark.parametrize(
    ("data", "code", "marked"),
    [
        (X % "one_hot: 3, binarize: sample", "E0511", "binarize"),
        (X % "one_hot: 3, scale: 2", "E0511", "scale"),
        (X % "one_hot: 3, standardize: true", "E0511", "standardize"),
        (X % "many_hot: {size: 9}, one_hot: 3", "E0511", "many_hot"),
        (X % "many_hot: {size: 9}, binarize: sample", "E0511", "binarize"),
        (X % "many_hot: {from: 2}", "E0103", ""),
        (X % "many_hot: {size: 1}", "E0111", "1"),
        (X % "many_hot: 9", "E0104", "9"),
        (X % "binarize: threshold, standardize: true", "E0511", "standardize"),
        (X % "standardize: true, dtype: int64", "E0511", "dtype"),
        (X % "standardize: 3", "E0104", "3"),
        (X % "picture: [3]", "E0104", "[3]"),
        ("source: images, path: f, size: 3", "E0104", "3"),
        ("source: images, path: f, size: [3]", "E0104", "[3]"),
        ("source: images, path: f, size: [3, 0]", "E0111", "0"),
        ("source: images, path: f, size: [3, 2.5]", "E0111", "2.5"),
        ("source: images, path: f, channels: x", "E0104", "x"),
        ("source: images, path: ../f", "E0506", "../f"),
        ("source: images", "E0103", ""),
        ("source: a.npz, split: {test: {path: ../b}}", "E0506", "../b"),
        ("source: a.npz, split: {test: {paht: b}}", "E0102", "paht"),
        ("source: a.npz, split: {test: {path: 3}}", "E0104", "3"),
        ("source: a.npz, split: {test: {}}", "E0509", "{}"),
        ("source: digits, split: {test: {path: a}}", "E0102", "path"),
    ],
)
def test_mistakes(data, code, marked):
    assert (code, marked) in codes(data)


@pytest.mark.parametrize("both", ["binarize: sample, scale: 2", "standardize: true, scale: 2"])
def test_a_scale_goes_with_the_others(both):
    assert "E0511" not in [code for code, _ in codes(X % both)]
