"""A Boltzmann machine with 500 hidden units on MNIST with fixed binarization: CD-1 and PCD-1.

    python -m benchmarks.mnist_machine --data-dir DATA --epochs 10
    python -m benchmarks.mnist_machine --data-dir DATA --epochs 300 --objective PCD-1

Prints the log-likelihood of the test images, with log Z by annealed importance sampling from the
training frequencies (Salakhutdinov and Murray 2008), whose mean over seeds is at most log Z.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from specc.cli.main import main as specc

SPEC = """specc: 1
name: machine
data:
  source: npz
  path: binarized_mnist/binarized_mnist.npz
  fields: {{v: {{from: values, shape: [784], picture: [28, 28]}}}}
model:
  w: {{parameter: real, shape: [784, 500], init: {{normal: 0.01}}}}
  a: {{parameter: real, shape: [784], init: zeros}}
  b: {{parameter: real, shape: [500], init: zeros}}
  v: {{observed: bernoulli}}
  h: {{latent: bernoulli, shape: [500]}}
  energy: "-(v @ w @ h) - a @ v - b @ h"
objective: {{cd: {{{options}}}}}
train: {{optimizer: {{sgd: {{lr: 0.05}}}}, schedule: linear, batch_size: 100, epochs: {epochs}}}
evaluate: {{test: {{estimator: ais, chains: 100, temperatures: {temperatures}}}}}
"""
OPTIONS = {"CD-1": "steps: 1", "PCD-1": "steps: 1, persistent: true, chains: 100"}


def main() -> None:
    """Train both, and print their evaluations."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--temperatures", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--objective", choices=OPTIONS, help="by default one after the other")
    chosen = parser.parse_args()
    names = [chosen.objective] if chosen.objective else list(OPTIONS)
    for name in names:
        options = OPTIONS[name]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "machine.yaml"
            text = SPEC.format(
                options=options, epochs=chosen.epochs, temperatures=chosen.temperatures
            )
            path.write_text(text, encoding="utf-8")
            print(name, flush=True)
            arguments = ["--data-dir", str(chosen.data_dir), "--out", f"{folder}/run"]
            specc(["train", str(path), *arguments, "--threads", str(chosen.threads)])


if __name__ == "__main__":
    main()
