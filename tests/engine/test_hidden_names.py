"""A node of a program may have the name of a node of another one, which it refers to."""

import pytest

import specc
from specc.engine.order.streams import Stream, noise_at

SPEC = """specc: 1
name: noisy
data: {source: digits, fields: {x: {from: image, binarize: sample}, y: {from: label}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [4]}
  y: {given: y}
  x: {observed: bernoulli, logits: "decoder(z, one_hot(y, 10))"}
guide:
  z: {latent: normal, params: encoder(x)}
programs:
  noisy:
    NODE: {latent: normal, loc: REFERENCE, scale: 0.3}
    back: {let: f(NODE), shape: SHAPE}
links: {decoder: {mlp: [8]}, encoder: {mlp: [8]}, f: {mlp: [8]}}
objective:
  minimize: mse(noisy.back, REFERENCE)
train: {steps: 3, batch_size: 20}
"""


def run_of(folder, node, reference, shape):
    text = SPEC.replace("NODE", node).replace("REFERENCE", reference).replace("SHAPE", shape)
    path = folder / f"{node}.yaml"
    path.write_text(text)
    return specc.load(path).train(folder / node, device="cpu", threads=1)


@pytest.mark.parametrize(
    ("own", "reference", "shape"), [("x", "data.x", "[64]"), ("y", "model.y", "[]")]
)
def test_its_own_name_changes_nothing(tmp_path, own, reference, shape):
    """The loss is that with another name, bit for bit."""
    hidden, other = (run_of(tmp_path, name, reference, shape) for name in (own, "v"))
    assert hidden.metrics[-1]["loss"] == other.metrics[-1]["loss"]


def test_both_names_of_a_field_are_one_binarization(tmp_path):
    rows = run_of(tmp_path, "x", "data.x", "[64]").loaded.rows("train")
    batch = rows.batch(slice(0, 50), noise_at(0, Stream.DATA, 1, device="cpu"))
    assert set(batch) == {"x", "x_data", "y"}
    assert 0 < batch["x"].mean() < 1
    assert (batch["x"] == batch["x_data"]).all()
