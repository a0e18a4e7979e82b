"""MNIST by the protocol of Burda, Grosse and Salakhutdinov (2016), one stochastic layer.

    python -m benchmarks.protocol --data-dir DATA --particles 1,5,50 --epochs 100 --out OUT

Latent 50, encoder and decoder 200-200 tanh, fresh binarization in every batch of 20, Adam with
beta1 0.99 and epsilon 1e-4, and the learning rate 1e-3 * 10^(-i/7) in stage i = 0..7, which is the
fraction 3^i / 3,280 of the run. The paper trains for 3,280 epochs; `--epochs` scales all stages.
Two things differ: rows are shuffled, and the initial output bias is zero. An interrupted run is
resumed when the command is repeated. Prints the test log-likelihood with K = 5,000, the published
one, and the loss of each epoch.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PUBLISHED = {1: -86.76, 5: -85.54, 50: -84.78}
SPEC = """
specc: 1
name: protocol
data: {{source: mnist, split: {{valid: 400}}, fields: {{x: {{from: image, binarize: sample}}}}}}
model:
  z: {{latent: normal, loc: 0, scale: 1, shape: [50]}}
  x: {{observed: bernoulli, logits: decoder(z)}}
guide:
  z: {{latent: normal, params: encoder(x)}}
links:
  decoder: {{mlp: [200, 200], activation: tanh}}
  encoder: {{mlp: [200, 200], activation: tanh}}
objective: {{iwae: {{particles: {particles}}}}}
train:
  optimizer: {{adam: {{lr: 0.001, betas: [0.99, 0.999], eps: 0.0001}}}}
  batch_size: 20
  epochs: {epochs}
  schedule: [{stages}]
  validate_every: 5
  compile: auto
evaluate:
  test: {{estimator: iwae, particles: 5000, data: test}}
"""


def stages() -> str:
    """The learning rates of all stages but the first, with the fractions at which they start."""
    return ", ".join(
        f"{{at: {(3**i - 1) / 2 / 3280:.6f}, lr: {1e-3 * 10 ** (-i / 7):.1e}}}" for i in range(1, 8)
    )


def run(particles: int, epochs: int, data: Path, out: Path) -> dict[str, Any]:
    """Train or resume a run in a separate process; return its results."""
    folder = out / f"k{particles}"
    spec = out / f"k{particles}.yaml"
    out.mkdir(parents=True, exist_ok=True)
    spec.write_text(SPEC.format(particles=particles, epochs=epochs, stages=stages()))
    command = ["-m", "specc", "train", spec, "--data-dir", data, "--out", folder, "--quiet"]
    resume = ["--resume"] if (folder / "run.json").is_file() else []
    subprocess.run([sys.executable, *map(str, command), *resume], check=True)
    return {"lines": _lines(folder), **json.loads((folder / "result.json").read_text())}


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def main() -> None:
    """Run each number of particles and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--particles", default="1,5,50")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("runs/protocol"))
    options = parser.parse_args()
    for particles in map(int, options.particles.split(",")):
        found = run(particles, options.epochs, options.data_dir, options.out)
        print(json.dumps({"K": particles, "published": PUBLISHED.get(particles), **found}))


if __name__ == "__main__":
    main()
