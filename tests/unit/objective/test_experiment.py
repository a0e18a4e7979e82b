"""What a spec states beside its model and objective, resolved."""

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.objective.experiment import LikelihoodEstimate, PlayerTraining, SampleMetric

SPEC = """
specc: 1
name: made
doc: >
  Two  lines
  of words.
data: {source: digits, split: {test: 0.25}, fields: {x: {from: image, binarize: sample}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: bernoulli, logits: decoder(z)}
guide:
  z: {latent: normal, params: encoder(x)}
links: {encoder: linear, decoder: linear, baseline: linear}
objective: elbo
train: {optimizer: {adam: {lr: 0.002}}, steps: 7, batch_size: 9, schedule: cosine}
evaluate:
  bound: {particles: 5}
  distance: {metric: mmd, samples: 10}
"""
PLAYED = SPEC.replace(
    "objective: elbo",
    """objective:
  players:
    critic:
      minimize: "(baseline(data.x) - log_prob(model.x)) ** 2"
      links: [baseline]
      optimizer: {sgd: {lr: 0.5}}
      steps: 3
    bound: {minimize: "-elbo(model, guide)", links: [encoder, decoder]}""",
)


def experiment(text):
    checked = front(Source("specs/made.yaml", text))
    assert checked.objective is not None, checked.diagnostics
    return checked.objective.experiment


def test_the_description_is_one_line():
    found = experiment(SPEC)
    assert (found.name, found.doc) == ("made", "Two lines of words.")
    assert found.source.text == SPEC


def test_data_are_plain_values():
    (data,) = experiment(SPEC).data
    assert (data.source, dict(data.options), dict(data.split)) == ("digits", {}, {"test": 0.25})


def test_a_setting_that_goes_by_a_name_is_under_it():
    settings = experiment(SPEC).training.settings
    assert settings["optimizer"]["adam"]["lr"] == 0.002
    assert settings["optimizer"]["adam"]["betas"] == [0.9, 0.999]
    assert settings["schedule"] == {"cosine": {"warmup": 0.0, "final": 0.0}}
    assert "players" not in settings and "clip" not in settings


@pytest.mark.parametrize(
    "player, expected",
    [("critic", PlayerTraining(0.5, 3)), ("bound", PlayerTraining(0.002, 1))],
)
def test_a_player_has_the_training_of_all_but_for_what_it_states(player, expected):
    training = experiment(PLAYED).training
    assert training.of(player) == expected
    assert set(training.settings["players"]) == {"critic"}


def test_a_run_holds_on_to_what_it_cannot_change():
    fixed = experiment(PLAYED).training.fixed
    assert fixed["train.optimizer"] == "adam" and fixed["train.batch_size"] == 9
    assert fixed["objective.players.critic.optimizer"] == "sgd"
    assert "train.steps" not in fixed


def test_evaluations_have_their_defaults_and_a_metric_its_node():
    found = experiment(SPEC).evaluations
    bound, distance = found["bound"], found["distance"]
    assert isinstance(bound, LikelihoodEstimate) and isinstance(distance, SampleMetric)
    assert bound.settings == {
        "estimator": "iwae",
        "particles": 5,
        "data": "test",
        "seed": 0,
    }
    assert (distance.entry.name, distance.node) == ("mmd", "x")
    assert distance.settings["rows"] == distance.entry.rows
    assert "node" not in distance.settings and not set(distance.settings) & set(distance.options)
    assert distance.span.text == "distance"
