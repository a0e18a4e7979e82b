"""Sound specs: what their documents hold, and where it stands in the text."""

from __future__ import annotations

from pathlib import Path

import pytest

from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Number, Sequence
from specc.language.schema.objective import Minimize, NamedObjective
from specc.language.schema.places import where

from .reading import HEAD, MODEL, read_text, sound

GALLERY = sorted(Path("specs").glob("*.yaml"))

FULL = """\
specc: 1
name: everything
doc: A bit of all.
constants: {z_dim: 3, word: hello, list: [1, 2.5], table: [[1, 2], [3, 0.5]]}
data:
  source: digits
  fields: {x: {from: image, binarize: sample, shape: [8, 8]}, label: {}}
  split: {test: 0.1, valid: 100, extra: "mask[0]"}
plates: {items: 10, users: z_dim}
model:
  w: {parameter: positive, shape: [z_dim, 4], init: 0.5}
  v: {parameter: real, init: [1, 2]}
  y: {given: label, plate_index: items}
  z: {latent: normal, loc: 0, scale: [1, 2, w], shape: [z_dim], global: true, draw: {score: mean}}
  u: {latent: normal, loc: 0, scale: 1, plate: items}
  h: {let: "sum(z, 1) ** 2"}
  x: {observed: bernoulli, logits: decoder(z), from: x}
guide:
  z: {latent: normal, params: encoder(x), draw: {pathwise: {form: sticking}}}
  u: {latent: normal, loc: 0, scale: 1}
programs:
  critic: {c: {let: 1}}
links:
  decoder: {mlp: [5, 6], activation: tanh}
  encoder: linear
  third: {linear: }
objective: {iwae: {particles: 5}}
train:
  optimizer: {adam: {lr: 0.001, betas: [0.5, 0.9]}}
  steps: 10
  schedule: [{at: 0.5, lr: 0.1}, {at: 0.8, lr: 0.01}]
evaluate: {test: {estimator: exact, rows: 5}}
moved: {model.decoder.0.weight: model.dec.0.weight}
"""


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_the_gallery_reads_without_a_word(path: Path):
    spec, findings = read_text(path.read_text(encoding="utf-8"))
    assert not findings
    assert spec is not None
    assert spec.document.name == path.stem


def test_the_gallery_is_there():
    assert len(GALLERY) >= 10


def test_nodes():
    model = sound(FULL).document.model
    assert [node.role for node in model.values()] == [
        "parameter",
        "parameter",
        "given",
        "latent",
        "latent",
        "let",
        "observed",
    ]
    z = model["z"]
    assert (z.head, z.is_global, z.plate, z.params) == ("normal", True, None, None)
    assert sorted(z.arguments) == ["loc", "scale"]
    assert isinstance(z.arguments["loc"], Number)
    assert isinstance(z.arguments["scale"], Sequence)
    assert z.shape is not None
    assert [print_expression(size) for size in z.shape] == ["z_dim"]
    assert (z.draw.kind, dict(z.draw.options)) == ("score", {"baseline": "mean"})
    assert model["u"].plate == "items"
    assert model["y"].plate_index == "items"
    assert model["x"].from_field == "x"
    assert (model["w"].init, model["v"].init) == (0.5, (1.0, 2.0))
    assert not isinstance(model["h"].head, str)
    assert print_expression(model["h"].head) == "sum(z, 1) ** 2"


def test_guide_and_programs():
    document = sound(FULL).document
    assert document.guide is not None
    assert dict(document.guide["z"].draw.options) == {"form": "sticking"}
    assert document.guide["u"].head == "normal"
    assert [name for name, _ in document.programs_by_name()] == ["model", "guide", "critic"]
    text = {print_expression(e) for e in document.expressions()}
    assert {"decoder(z)", "encoder(x)", "z_dim", "10", "[1, 2, w]"} <= text


def test_a_draw_may_have_empty_options():
    spec = sound(HEAD + "model: {z: {latent: normal, loc: 0, scale: 1, draw: {score: {}}}}")
    assert spec.document.model["z"].draw.options == {}
    spec = sound(HEAD + "model: {z: {latent: normal, loc: 0, scale: 1, draw: {score: }}}")
    assert spec.document.model["z"].draw.kind == "score"


def test_expressions_of_a_spec_without_guide_and_objective():
    expressions = list(sound(MODEL).document.expressions())
    assert [print_expression(e) for e in expressions] == ["0", "1"]
    written = sound(MODEL + "objective: {minimize: -z}").document
    assert "-z" in {print_expression(e) for e in written.expressions()}


def test_links_have_the_options_of_their_kind():
    links = sound(FULL).document.links
    assert [link.kind for link in links.values()] == ["mlp", "linear", "linear"]
    assert links["decoder"].options.model_dump()["mlp"] == (5, 6)
    assert links["decoder"].options.model_dump()["activation"] == "tanh"


def test_data():
    data = sound(FULL).document.data
    assert data is not None
    assert data.source == "digits"
    assert (data.fields["x"].column, data.fields["x"].shape) == ("image", (8, 8))
    assert data.fields["label"].column == "label"
    assert dict(data.split) == {"test": 0.1, "valid": 100, "extra": "mask[0]"}


@pytest.mark.parametrize(
    ("text", "source", "options"),
    [
        ("{source: npz, path: a/b.npz}", "npz", {"path": "a/b.npz"}),
        ("{source: a/b.npz}", "npz", {"path": "a/b.npz"}),
        ("{source: b.csv, delimiter: ;}", "csv", {"path": "b.csv", "delimiter": ";"}),
        (
            "{source: b.csv, columns: {f: [a, b], g: '*'}}",
            "csv",
            {"path": "b.csv", "columns": {"f": ("a", "b"), "g": "*"}},
        ),
        ("{source: idx, images: i.gz, labels: l}", "idx", {"images": "i.gz", "labels": "l"}),
    ],
)
def test_sources_with_files(text: str, source: str, options: dict[str, object]):
    data = sound(f"{MODEL}data: {text}").document.data
    assert data is not None
    assert (data.source, dict(data.options)) == (source, options)


def test_objectives():
    iwae = sound(FULL).document.objective
    assert iwae == NamedObjective(name="iwae", options={"particles": 5})
    assert sound(MODEL + "objective: mle").document.objective == NamedObjective(name="mle")
    assert sound(MODEL).document.objective is None
    written = sound(MODEL + 'objective: {minimize: "-elbo(model, guide)"}').document.objective
    assert isinstance(written, Minimize)
    assert print_expression(written.expression) == "-elbo(model, guide)"


def test_training():
    train = sound(FULL).document.train
    assert train.optimizer.name == "adam"
    assert dict(train.optimizer.options) == {
        "lr": 0.001,
        "betas": (0.5, 0.9),
        "weight_decay": 0.0,
        "eps": 1e-8,
        "amsgrad": False,
    }
    assert (train.steps, train.epochs) == (10, None)
    assert [step.lr for step in train.schedule] == [0.1, 0.01]
    default = sound(MODEL).document.train
    assert (default.optimizer.name, default.epochs, default.steps) == ("adam", 100, None)
    assert default == sound(MODEL + "train: {optimizer: adam, schedule: constant}\n").document.train


def test_evaluations_constants_and_moved():
    document = sound(FULL).document
    assert (document.evaluate["test"].estimator, document.evaluate["test"].rows) == ("exact", 5)
    assert dict(document.constants) == {
        "z_dim": 3,
        "word": "hello",
        "list": (1, 2.5),
        "table": ((1, 2), (3, 0.5)),
    }
    assert dict(document.moved) == {"model.decoder.0.weight": "model.dec.0.weight"}


def test_a_number_in_quotes_is_an_expression_with_a_warning():
    spec, findings = read_text(HEAD + "model: {z: {latent: normal, loc: '0.5', scale: 1}}")
    assert [f.code for f in findings] == ["W0131"]
    assert spec is not None


def test_spans_lead_to_keys_and_values():
    spec = sound(FULL)
    spans = spec.spans
    assert spans.key(("model", "z", "loc")).text == "loc"
    assert spans.value(("model", "z", "scale")).text == "[1, 2, w]"
    assert spans.value(("model", "z", "scale", 2)).text == "w"
    assert spans.key(("links", "decoder", "activation")).text == "activation"
    assert spans.value(("objective", "iwae", "particles")).text == "5"
    assert spans.value(("model",)).line == 11
    assert spans.value(()).start == 0
    assert ("model", "z", "loc") in spans
    assert ("model", "q") not in spans
    assert spec.source.path == "spec.yaml"
    with pytest.raises(KeyError):
        spans.key(("model", "q"))


def test_trees_know_their_place_in_the_file():
    spec = sound(FULL)
    x = spec.document.model["x"].arguments["logits"]
    assert (x.span.text, x.span.source.path) == ("decoder(z)", "spec.yaml")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ((), "the spec"),
        (("train",), "`train`"),
        (("train", "schedule", 0, "lr"), "`train.schedule[0].lr`"),
        (("model",), "`model`"),
        (("model", "z"), "the node `z`"),
        (("guide", "z", "shape", 1), "`shape[1]` of the node `z`"),
        (("programs", "c"), "the program `c`"),
        (("programs", "c", "y", "loc"), "`loc` of the node `y`"),
        (("links", "d", "mlp"), "`mlp` of the link `d`"),
        (("data", "fields"), "`data.fields`"),
        (("data", "fields", "x"), "the data field `x`"),
        (("data", "split", "test"), "the split `test`"),
        (("constants", "c", 0), "`[0]` of the constant `c`"),
    ],
)
def test_places_have_names(path, words: str):
    assert where(path) == words
