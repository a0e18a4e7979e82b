"""What stands against data that may be missing, beyond the cases that are printed in full."""

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source

SPEC = """\
specc: 1
name: m
data: {source: digits, fields: {x: {from: image, binarize: sample}, y: {from: label}}}
model:
  y: {observed: categorical, logits: 0, classes: 10, missing: DRAW}
  z: {latent: normal, loc: 0, scale: 1, shape: [4]}
  x: {observed: bernoulli, logits: decoder(z)}
guide:
  y: {latent: categorical, logits: up(x)}
  z: {latent: normal, params: encoder(x)}
links: {decoder: linear, encoder: linear, up: linear}
objective: elbo
"""


def codes(text):
    return [found.code for found in front(Source("m.yaml", text)).diagnostics]


@pytest.mark.parametrize("draw", ["enumerate", "{score: mean}"])
def test_what_fits(draw):
    assert codes(SPEC.replace("DRAW", draw)) == []


def test_the_guide_does_not_draw_what_is_left_out():
    assert codes(SPEC.replace("DRAW", "integrate")) == ["E0435"]


def test_a_step_of_a_sequence_is_not_missing():
    text = """\
specc: 1
name: m
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [5]}}}
plates: {t: {scan: 5}}
model:
  x: {observed: normal, loc: "0.5 * x[t-1]", scale: 1, plate: t, initial: 0, missing: pathwise}
guide:
  x: {latent: normal, loc: 0, scale: 1, plate: t}
objective: elbo
"""
    assert "E0435" in codes(text)


def test_a_written_divergence_counts_where_there_is_a_draw():
    elbo = SPEC.replace("DRAW", "enumerate")
    words = "-log_prob(model.x) + kl(guide.z, model.z) + kl(guide.y, model.y)"
    written = elbo.replace("objective: elbo", f'objective: {{minimize: "{words}"}}')
    one, other = (front(Source("m.yaml", text)).objective for text in (elbo, written))
    assert set(one.players[0].minimize.parts[0].term.term.parts) == set(
        other.players[0].minimize.parts[0].term.term.parts
    )
