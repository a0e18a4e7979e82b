"""Parts of faces: a convolutional deep belief network of two layers on the Frey faces.

    python -m benchmarks.faces --data-dir DATA --epochs 20

The pixels are standardized. Prints the part of the variance of test faces that the mean of the
pixels given the units of each layer explains, and draws the filters of both layers to
docs/pictures/conv_faces.png: those of the second layer as the pixels that they support, through the
first layer (Lee, Grosse, Ranganath and Ng 2009, figure 3).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from specc.cli.main import main as specc
from specc.engine.storage.loaded_run import load_run
from specc.report.pictures import grid
from specc.runtime.functions.images import average_pool, blocks, unblocks
from specc.runtime.functions.vectors import append_zero, drop_last
from specc.runtime.links.affine import transpose
from specc.runtime.noise import Noise

PICTURE = Path("docs/pictures/conv_faces.png")
SPEC = """specc: 1
name: conv_faces
data:
  source: npz
  path: freyfaces/freyfaces.npz
  fields: {{v: {{from: image, shape: [1, 28, 20], dtype: float32, standardize: true}}}}
  split: {{test: 0.2}}
model:
  c: {{parameter: real, init: zeros}}
  v: {{observed: normal}}
  h: {{latent: one_hot_categorical, shape: [24, 12, 8, 5]}}
  maps: {{let: edges(v), shape: [24, 24, 16]}}
  energy: "sum((v - c) ** 2) / 2 - sum(h * append_zero(blocks(maps, 2)))"
programs:
  upper:
    b: {{parameter: real, shape: [24, 1, 1], init: zeros}}
    maps: {{let: edges(data.v), shape: [24, 24, 16]}}
    h1: {{latent: one_hot_categorical, logits: "stop(append_zero(blocks(maps, 2)))"}}
    pooled: {{let: "4 * average_pool(unblocks(drop_last(h1), 2), 2)"}}
    up: {{let: parts(pooled), shape: [40, 7, 3]}}
    h2: {{latent: bernoulli, logits: stop(up)}}
    fantasy: {{latent: bernoulli, logits: stop(parts.T(h2) + b), shape: [24, 12, 8]}}
    again: {{let: parts(fantasy), shape: [40, 7, 3]}}
    at_data: {{let: -sum(b * pooled) - sum(softplus(up))}}
    at_chain: {{let: -sum(b * fantasy) - sum(softplus(again))}}
links:
  edges: {{convolution: 5, init: {{xavier_normal: {{gain: 0.1}}}}}}
  parts: {{convolution: 6, init: {{xavier_normal: {{gain: 0.1}}}}}}
objective:
  stages:
    - {{name: edges, cd: {{steps: 1}}, links: [c, edges]}}
    - {{name: parts, minimize: upper.at_data - upper.at_chain, links: [b, parts]}}
train: {{optimizer: {{adam: {{lr: 0.003}}}}, batch_size: 50, epochs: {epochs}}}
"""
SHAPE, POOLED = (1, 28, 20), (24, 12, 8)


def up(model: Any, v: Tensor) -> Tensor:  # noqa: ANN401 - generated code
    """The probabilities of the units of the first layer: [rows, 24, 24, 16]."""
    return unblocks(drop_last(append_zero(blocks(model.edges(v), 2)).softmax(-1)), 2)


def down(model: Any, pooled: Tensor, places: Tensor) -> Tensor:  # noqa: ANN401
    """The pixels that pooled units support, each at the places of its block in proportion."""
    share = blocks(places, 2)
    share = share / share.sum(-1, keepdim=True)
    return transpose(model.edges, unblocks(pooled.unsqueeze(-1) * share, 2), SHAPE)


def explained(v: Tensor, mean: Tensor) -> float:
    """1 - the squared error over the variance, with the best scale of the mean."""
    scale = (v * mean).sum() / mean.square().sum()
    return 1 - ((v - scale * mean).square().sum() / v.square().sum()).item()


@torch.no_grad()
def measured(run: Path, data: Path) -> Tensor:
    """Prints what each layer explains; returns the filters of both, as pictures of pixels."""
    loaded = load_run(run, data_dir=data)
    model, parts = loaded.program.model, loaded.program.upper.parts
    rows = loaded.rows("test")
    v = rows.batch(torch.arange(len(rows)), Noise.at(0))["v"]
    first = up(model, v)
    mean = transpose(model.edges, first, SHAPE)
    print(f"first layer: {explained(v, mean):.3f} of the variance of {len(v)} test faces")
    pooled = 4 * average_pool(first, 2)
    again = (transpose(parts, parts(pooled).sigmoid(), POOLED) + loaded.program.upper.b).sigmoid()
    print(f"both layers: {explained(v, down(model, again, first)):.3f}")
    middle = torch.zeros(40, 40, 7, 3)
    middle[range(40), range(40), 3, 1] = 1.0
    return down(model, transpose(parts, middle, POOLED), torch.ones(40, 24, 24, 16))


def main() -> None:
    """Train both layers, print what they explain, and draw their filters."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, run = Path(folder) / "conv_faces.yaml", Path(folder) / "run"
        path.write_text(SPEC.format(epochs=chosen.epochs), encoding="utf-8")
        arguments = ["--data-dir", str(chosen.data_dir), "--out", str(run)]
        specc(["train", str(path), *arguments, "--threads", str(chosen.threads)])
        drawn = measured(run, chosen.data_dir)
    largest = drawn.abs().flatten(1).quantile(0.999, 1)[:, None, None, None]
    pixels = grid(drawn / largest, SHAPE, columns=10, tones=(-1.0, 1.0))
    half = pixels.shape[1] // 2, pixels.shape[0] // 2
    image = Image.fromarray(pixels).resize(half, Image.Resampling.BOX)
    image.quantize(48, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
