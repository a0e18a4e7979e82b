"""Stages of an objective: their losses by name, what each trains, and which draws it has."""

from __future__ import annotations

from specc.compiler import front
from specc.diagnostics.source import Source

SBN = """\
specc: 1
name: staged
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  top: {parameter: real, shape: [5]}
  h: {latent: bernoulli, logits: top, shape: [5]}
  x: {observed: bernoulli, logits: down(h)}
guide:
  h: {latent: bernoulli, logits: up(x)}
links: {down: linear, up: linear}
objective:
  stages:
    - {name: pre, vimco: {particles: 5}, freeze: [top]}
    - {name: tune, wake_sleep: {}}
    - {name: exact, mle: {}, links: [top]}
"""


def made(text):
    checked = front(Source("staged.yaml", text))
    assert checked.objective is not None, checked.diagnostics
    return checked.objective


def test_a_stage_has_the_losses_of_its_players_under_both_names():
    stages = made(SBN).stages
    assert [(stage.name, stage.players) for stage in stages] == [
        ("pre", ("pre",)),
        ("tune", ("tune_wake", "tune_sleep")),
        ("exact", ("exact",)),
    ]


def test_what_is_not_frozen_is_trained_as_far_as_the_loss_depends_on_it():
    links = {player.name: player.links for player in made(SBN).players}
    assert links["pre"] == ("down", "up")
    assert set(links["tune_wake"]) == {"down", "top"} and links["tune_sleep"] == ("up",)
    assert links["exact"] == ("top",)


def test_a_stage_without_a_guide_sums_out_what_the_guide_of_others_draws():
    draws = {p.name: p.draws["h"] for p in made(SBN).players if "h" in p.draws}
    assert (draws["pre"].program, draws["pre"].kind) == ("guide", "score")
    assert (draws["exact"].program, draws["exact"].kind) == ("model", "enumerate")


def test_the_long_form_of_a_stage_is_explained():
    long_form = made(SBN).experiment.long_form
    assert long_form.startswith("# stage 2\n") and "sleep" in long_form


RBM = """\
specc: 1
name: staged
data: {source: digits, fields: {v: {from: image, binarize: sample}}}
model:
  w: {parameter: real, shape: [64, 5], init: {normal: 0.01}}
  a: {parameter: real, shape: [64], init: zeros}
  v: {observed: bernoulli}
  h: {latent: bernoulli, shape: [5]}
  energy: "-(v @ w @ h) - a @ v"
objective:
  stages:
    - {name: near, cd: {steps: 1}}
    - {name: far, cd: {steps: 2, persistent: true, chains: 20}, freeze: [a]}
"""


def test_an_energy_has_stages_each_with_chains_of_its_own():
    near, far = made(RBM).players
    assert not near.state and far.state
    assert far.links == ("w",)
