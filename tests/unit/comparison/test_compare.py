"""What changed between two specs, and the verdict for a checkpoint."""

import random
from pathlib import Path

import pytest

from specc.comparison.compare import compare
from specc.compiler import front
from specc.diagnostics.source import Source

SPECS = Path(__file__).parents[3] / "specs"
VAE = (SPECS / "vae.yaml").read_text(encoding="utf-8")


def plan(text, *settings):
    checked = front(Source("specs/spec.yaml", text), settings)
    assert checked.plan is not None, checked.diagnostics
    return checked.plan


def verdict(old, new):
    return compare(plan(old), plan(new))


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ("specc: 1", "# words\nspecc: 1", "cosmetic"),
        ("doc: Variational", "doc: A variational", "cosmetic"),
        ("{adam: {lr: 0.001}}", "adam", "cosmetic"),
        ("objective: elbo", "objective: {elbo: {particles: 1, warm_up: 0}}", "cosmetic"),
        ("activation: tanh", "activation: tanh, bias: true, dropout: 0", "cosmetic"),
        ("epochs: 200", "epochs: 200, schedule: constant", "cosmetic"),
        ("lr: 0.001", "lr: 0.01", "checkpoint-resumes"),
        ("epochs: 200", "epochs: 20", "checkpoint-resumes"),
        ("particles: 1000", "particles: 10", "checkpoint-resumes"),
        ("lr: 0.001", "amsgrad: true", "all-tensors"),
        ("batch_size: 100", "batch_size: 10", "all-tensors"),
        ("objective: elbo", "objective: {iwae: {particles: 5}}", "all-tensors"),
        ("scale: 1,", "scale: 2,", "all-tensors"),
        ("activation: tanh", "activation: relu", "all-tensors"),
        ("activation: tanh", "activation: tanh, dropout: 0.1", "all-tensors"),
        ("z_dim: 16", "z_dim: 20", "some-tensors"),
    ],
)
def test_the_verdict(old, new, expected):
    assert old in VAE
    assert verdict(VAE, VAE.replace(old, new)).verdict == expected


def test_a_warm_up_is_a_change():
    found = verdict(VAE, VAE.replace("objective: elbo", "objective: {elbo: {warm_up: 0.1}}"))
    assert found.verdict == "all-tensors"
    assert [c.what for c in found.changes] == ["warm_up of the objective: 0 -> 0.1"]


def test_a_renamed_node_is_the_same_mathematics():
    text = VAE.replace("  z: {", "  h: {").replace("decoder(z)", "decoder(h)")
    found = verdict(VAE, text)
    assert found.verdict == "checkpoint-resumes"
    assert any(c.what == "z is now called h" for c in found.changes)


def test_a_computed_value_of_a_renamed_node_is_no_change_of_its_own():
    text = (SPECS / "switching_lds.yaml").read_text(encoding="utf-8")
    found = verdict(
        text,
        text.replace("h: {let", "g: {let")
        .replace("h[t+1]", "g[t+1]")
        .replace("first(h, t)", "first(g, t)")
        .replace(", h)", ", g)"),
    )
    assert [c.what for c in found.changes] == ["h is now called g"]


def test_a_renamed_link_resumes_by_its_place():
    found = verdict(VAE, VAE.replace("decoder", "generator"))
    assert (found.verdict, found.carried) == ("checkpoint-resumes", 14)


def test_a_moved_link_carries_its_tensors():
    text = VAE.replace("decoder", "generator").replace("activation: tanh", "activation: relu")
    assert verdict(VAE, text).carried == 8
    moved = text + "moved: {model.decoder: model.generator}\n"
    assert verdict(VAE, moved).carried == 14


def test_arguments_that_changed_places_take_their_columns_along():
    text = (SPECS / "conditional_vae.yaml").read_text(encoding="utf-8")
    found = verdict(text, text.replace("decoder(z, y)", "decoder(y, z)"))
    assert (found.verdict, found.moved) == ("all-tensors", ("model.decoder.0.weight",))
    assert "columns follow their arguments: model.decoder.0.weight" in found.words


def test_an_optimizer_of_another_kind_is_one_change():
    found = verdict(VAE, VAE.replace("{adam: {lr: 0.001}}", "{sgd: {lr: 0.1}}"))
    assert [c.what for c in found.changes] == ["optimizer: adam -> sgd, lr 0.1"]
    assert found.differs == ("train.optimizer",)


def test_nothing_in_common_breaks():
    sbn = (SPECS / "sbn.yaml").read_text(encoding="utf-8")
    found = verdict(VAE, sbn)
    assert (found.verdict, found.carried) == ("breaks", 0)


@pytest.mark.parametrize("name", ["hierarchical_vae", "sbn", "gaussian_mixture", "beta_vae"])
def test_the_order_of_nodes_and_sections_changes_nothing(name):
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    import yaml

    document = yaml.safe_load(text)
    shuffled = {}
    keys = list(document)
    random.Random(name).shuffle(keys)
    for key in keys:
        value = document[key]
        if key in ("model", "guide", "links", "plates"):
            entries = list(value.items())
            random.Random(key).shuffle(entries)
            value = dict(entries)
        shuffled[key] = value
    again = plan(yaml.safe_dump(shuffled, sort_keys=False))
    first = plan(text)
    assert compare(first, again).verdict == "cosmetic"


PLAYED = """\
specc: 1
name: played
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [4]}
  x: {observed: bernoulli, logits: decoder(z)}
guide:
  z: {latent: normal, params: encoder(x)}
links: {decoder: linear, encoder: linear}
objective:
  players:
    fit: {minimize: "-elbo(model, guide)", links: [decoder]}
    infer: {minimize: "-elbo(model, guide)", links: [encoder]}
"""


@pytest.mark.parametrize(
    "settings, expected, sentences",
    [
        (
            "optimizer: {adam: {lr: 0.1}}",
            "checkpoint-resumes",
            ["learning rate of infer: 0.001 -> 0.1"],
        ),
        ("clip: 1", "checkpoint-resumes", ["clip of infer: nothing -> 1"]),
        ("schedule: cosine", "checkpoint-resumes", ["schedule of infer: nothing -> cosine"]),
        ("optimizer: adam, steps: 1", "cosmetic", []),
        (
            "optimizer: sgd, steps: 2",
            "all-tensors",
            ["optimizer of infer: adam -> sgd", "steps of infer: 1 -> 2"],
        ),
    ],
)
def test_how_a_player_is_trained(settings, expected, sentences):
    found = verdict(PLAYED, PLAYED.replace("[encoder]", f"[encoder], {settings}"))
    assert found.verdict == expected
    assert [change.what for change in found.changes] == sentences


@pytest.mark.parametrize(
    "old, new, sentences",
    [
        (
            "links: [encoder]",
            "links: [encoder, decoder]",
            ["infer trains: encoder -> encoder, decoder"],
        ),
        (
            'infer: {minimize: "-elbo(model, guide)"',
            'infer: {minimize: "-2 * elbo(model, guide)"',
            ["infer minimizes: -elbo(model, guide) -> -2 * elbo(model, guide)"],
        ),
        (
            "    infer: ",
            "    guess: ",
            ["the player infer is gone", "the new player guess minimizes -elbo(model, guide)"],
        ),
    ],
    ids=["links", "aim", "name"],
)
def test_what_a_player_does(old, new, sentences):
    found = verdict(PLAYED, PLAYED.replace(old, new))
    assert sorted(change.what for change in found.changes) == sorted(sentences)
    assert found.verdict == "all-tensors"


STAGED = VAE.replace(
    "objective: elbo",
    """\
objective:
  stages:
    - {name: first, elbo: {}, links: [encoder, decoder], epochs: 10}
    - {name: second, iwae: {particles: 5}, freeze: [encoder]}
    - {name: third, players: {own: {minimize: "-elbo(model, guide)", links: [decoder]}}}""",
)


@pytest.mark.parametrize(
    ("old", "new", "words", "verdict_of_it"),
    [
        ("epochs: 10", "epochs: 12", ["epochs of first: 10 -> 12"], "checkpoint-resumes"),
        (
            "epochs: 10",
            "optimizer: {adam: {lr: 0.1}}",
            ["learning rate of first: 0.001 -> 0.1", "epochs of first: 10 -> 200"],
            "checkpoint-resumes",
        ),
        (
            "[encoder, decoder]",
            "[encoder]",
            ["first trains: encoder, decoder -> encoder"],
            "all-tensors",
        ),
        (
            "freeze: [encoder]",
            "links: [decoder]",
            ["second trains: everything but encoder -> decoder"],
            "cosmetic",
        ),
        ("particles: 5", "particles: 6", ["the particles of second: 5 -> 6"], "all-tensors"),
        (
            "iwae: {particles: 5}",
            "elbo: {free_bits: 1}",
            [
                "the objective of second: the importance-weighted bound -> "
                "the evidence lower bound",
                "the particles of second: 5 -> 1",
            ],
            "all-tensors",
        ),
        ("elbo: {}", "elbo: {warm_up: 0.1}", ["the warm_up of first: 0 -> 0.1"], "all-tensors"),
        (
            "[decoder]}}}",
            "[encoder]}}}",
            ["own trains: decoder -> encoder"],
            "all-tensors",
        ),
        (
            "name: third",
            "name: last",
            [
                "the new stage last: own minimizes -elbo(model, guide)",
                "the stage third is gone",
            ],
            "all-tensors",
        ),
    ],
)
def test_changes_of_stages_are_said_by_their_names(old, new, words, verdict_of_it):
    assert STAGED.count(old) == 1
    found = verdict(STAGED, STAGED.replace(old, new))
    assert [change.what for change in found.changes] == words
    assert found.verdict == verdict_of_it


def test_an_order_and_copies_of_stages_are_changes():
    first, second = (f"name: {name}" for name in ("first", "second"))
    other = STAGED.replace(first, "X").replace(second, first).replace("X", second)
    assert "objective.stages" in [change.where for change in verdict(STAGED, other).changes]


SAMPLED = """\
specc: 1
name: sampled
data: {source: digits, fields: {y: {from: label}}}
model:
  b: {latent: normal, loc: 0, scale: 1, shape: [10], global: true}
  y: {observed: categorical, logits: b}
sampler: {nuts: {chains: 2, draws: 100}}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("draws: 100", "draws: 200", "draws of the sampler: 100 -> 200"),
        ("sampler: {nuts: {chains: 2, draws: 100}}", "objective: map", "nothing now"),
    ],
)
def test_a_changed_sampler(old, new, expected):
    found = compare(plan(SAMPLED), plan(SAMPLED.replace(old, new)))
    assert any(expected in change.what for change in found.changes)


def test_a_sampler_does_not_start_from_weights():
    found = compare(plan(SAMPLED), plan(SAMPLED.replace("chains: 2", "chains: 3")))
    assert "--from" not in found.words
