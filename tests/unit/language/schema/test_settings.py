"""`--set a.b=value`: what it changes, and where its mistakes are marked."""

from __future__ import annotations

import pytest

from .reading import MODEL, read_text, sound, words

TEXT = (
    MODEL
    + "constants: {z_dim: 3}\n"
    + "train: {epochs: 3, optimizer: adam, schedule: [{at: 0.5, lr: 0.1}]}\n"
    + "objective: iwae\n"
)


def test_a_bare_name_is_a_constant():
    spec = sound(TEXT, "z_dim=20")
    assert spec.document.constants["z_dim"] == 20
    assert spec.spans.value(("constants", "z_dim")).source.path == "--set"
    assert spec.spans.key(("constants", "z_dim")).text == "z_dim"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("train.epochs=10", lambda d: d.train.epochs == 10),
        ("train.epochs = 10", lambda d: d.train.epochs == 10),
        ("train.seed=1", lambda d: d.train.seed == 1),
        ("train.optimizer.adam.lr=1e-2", lambda d: d.train.optimizer.options["lr"] == 0.01),
        ("train.optimizer={sgd: {lr: 1}}", lambda d: d.train.optimizer.name == "sgd"),
        ("train.schedule.0.lr=0.2", lambda d: d.train.schedule[0].lr == 0.2),
        ("objective.iwae.particles=5", lambda d: d.objective.options == {"particles": 5}),
        ("objective=elbo", lambda d: d.objective.name == "elbo"),
        ("name=other", lambda d: d.name == "other"),
        ("doc=two words", lambda d: d.doc == "two words"),
        ("constants.new=[1, 2]", lambda d: d.constants["new"] == (1, 2)),
        ("evaluate.test.particles=10", lambda d: d.evaluate["test"].particles == 10),
        ("model.z.loc=0.5", lambda d: d.model["z"].arguments["loc"].value == 0.5),
        ("model.z.shape=[z_dim]", lambda d: d.model["z"].shape[0].id == "z_dim"),
        ("model.z.loc=sum(z, 1)", lambda d: len(d.model["z"].arguments["loc"].arguments) == 2),
    ],
)
def test_a_path_sets_or_adds_a_value(setting: str, value):
    assert value(sound(TEXT, setting).document)


def test_the_last_of_several_settings_counts():
    assert sound(TEXT, "train.epochs=5", "train.epochs=6").document.train.epochs == 6
    both = sound(TEXT, "train.seed=5", "train.batch_size=6").document.train
    assert (both.seed, both.batch_size) == (5, 6)


def test_null_leaves_a_key_out():
    by_steps = sound(TEXT, "train.epochs=null", "train.steps=20").document.train
    assert (by_steps.epochs, by_steps.steps) == (None, 20)
    assert not sound(TEXT, "evaluate=null").document.evaluate
    assert sound(MODEL, "train.seed=null").document.train.seed == 0
    count = len(sound(TEXT).document.train.schedule)
    assert len(sound(TEXT, "train.schedule.0=~").document.train.schedule) == count - 1


def test_a_part_that_the_spec_lacks_comes_into_being():
    assert sound(MODEL, "train.epochs=7").document.train.epochs == 7
    assert sound(MODEL, "constants.a=7").document.constants == {"a": 7}


@pytest.mark.parametrize(
    ("setting", "code", "marked", "said"),
    [
        ("foo", "E0701", "foo", "is not `key.key=value`"),
        ("=3", "E0701", "=3", "train.batch_size=64"),
        ("a b=3", "E0701", "a b=3", ""),
        ("train.epochs=", "E0701", "train.epochs=", ""),
        ("z_dim: 3", "E0701", "z_dim: 3", ""),
        ("x" * 100, "E0701", "x" * 100, "..."),
        ("z_dm=20", "E0702", "z_dm", "did you mean `z_dim`?"),
        ("zzz=20", "E0702", "zzz", "the name of a constant"),
        ("trian.epochs=1", "E0702", "trian", "did you mean `train`?"),
        ("model.q.loc=1", "E0702", "q", "in the spec itself"),
        ("links.d.mlp=[1]", "E0702", "links", "in the spec itself"),
        ("train.schedule.3.lr=1", "E0702", "3", "the list has 1 entry"),
        ("train.schedule.x.lr=1", "E0702", "x", "the list has 1 entry"),
        (f"train.schedule.{'9' * 5000}.lr=1", "E0702", "9" * 5000, "the list has 1 entry"),
        ("train.schedule.0.lr.x=1", "E0702", "x", "which has no keys"),
        ("model.z.draw.score.baseline=mean", "E0702", "draw", "in the spec itself"),
        ("train.epochs.foo=3", "E0702", "foo", "`train.epochs` is `3`, which has no keys"),
        ("train.epochs=ten", "E0104", "ten", "an integer"),
        ("train.epoch=3", "E0102", "epoch", "did you mean `epochs`?"),
        ("train.optimizer.sgd.lr=1", "E0702", "sgd", "`adam`, which has no keys"),
        ("model.z.loc=a ^ b", "E0121", "^", "`**`"),
        ("train.epochs=[1", "E0018", "[", "never closed"),
        ("train.seed=!!x 3", "E0009", "!!x", "a YAML tag"),
        ("model.z.loc={a: 1}", "E0104", "{a: 1}", "an expression"),
        ("train=3", "E0104", "3", "a mapping of keys"),
    ],
)
def test_a_mistake_is_marked_in_the_argument(setting: str, code: str, marked: str, said: str):
    _, findings = read_text(TEXT, setting)
    assert [(f.code, f.span.text, f.span.source.path) for f in findings] == [
        (code, marked, "--set")
    ]
    assert findings[0].span.source.text == setting
    assert said in words(findings[0])


def test_labels_and_expressions_point_into_the_argument():
    _, (found,) = read_text(TEXT, "model.z={latent: normal, let: 1}")
    assert found.labels[0].span.text == "latent"
    assert found.labels[0].span.source.path == "--set"
    spec = sound(TEXT, "model.z.loc=[1, 2]")
    assert spec.document.model["z"].arguments["loc"].span.text == "[1, 2]"


def test_duplicates_inside_an_argument():
    _, findings = read_text(TEXT, "train={epochs: 1, epochs: 2}")
    assert len(findings) == 1
    assert findings[0].span.source.text == "train={epochs: 1, epochs: 2}"
    assert all(label.span.source.path == "--set" for label in findings[0].labels)


def test_mistakes_in_the_file_come_first():
    _, findings = read_text(TEXT + "zzz: 1\n", "train.epochs=0", "foo")
    assert [f.span.source.path for f in findings] == ["spec.yaml", "--set", "--set"]


def test_a_section_that_is_no_mapping():
    _, findings = read_text(MODEL + "constants: 3\n", "z=1")
    assert {f.code for f in findings} == {"E0702", "E0104"}
