"""Boltzmann machines on MNIST with fixed binarization: CD-1, PCD-1 and two layers of hidden units.

    python -m benchmarks.mnist_machine --data-dir DATA --epochs 10
    python -m benchmarks.mnist_machine --data-dir DATA --epochs 300 --objective PCD-1
    python -m benchmarks.mnist_machine --data-dir DATA --epochs 10 --objective deep

The machine has 500 hidden units; the `deep` one has layers of 500 and 1,000 (Salakhutdinov and
Hinton 2009), and is trained by PCD-1 and mean field without pretraining. Its log-likelihood is the
bound by mean field.

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
model:{model}
objective: {{cd: {{{options}}}}}
train: {{optimizer: {{sgd: {{lr: {rate}}}}}, schedule: linear, batch_size: 100, epochs: {epochs}}}
evaluate: {{test: {{estimator: ais, chains: 100, temperatures: {temperatures}, direction: both}}}}
"""
ONE_LAYER = """
  w: {parameter: real, shape: [784, 500], init: {normal: 0.01}}
  a: {parameter: real, shape: [784], init: zeros}
  b: {parameter: real, shape: [500], init: zeros}
  v: {observed: bernoulli}
  h: {latent: bernoulli, shape: [500]}
  energy: >-
    -(v @ w @ h) - a @ v - b @ h"""
TWO_LAYERS = """
  w1: {parameter: real, shape: [784, 500], init: {normal: 0.01}}
  w2: {parameter: real, shape: [500, 1000], init: {normal: 0.01}}
  a: {parameter: real, shape: [784], init: zeros}
  b1: {parameter: real, shape: [500], init: zeros}
  b2: {parameter: real, shape: [1000], init: zeros}
  v: {observed: bernoulli}
  h1: {latent: bernoulli, shape: [500]}
  h2: {latent: bernoulli, shape: [1000]}
  energy: >-
    -(v @ w1 @ h1) - h1 @ w2 @ h2 - a @ v - b1 @ h1 - b2 @ h2"""
OPTIONS = {"CD-1": "steps: 1", "PCD-1": "steps: 1, persistent: true, chains: 100"}
OPTIONS["deep"] = OPTIONS["PCD-1"]


def main() -> None:
    """Train both, and print their evaluations."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--temperatures", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--objective", choices=OPTIONS, help="by default the first two")
    chosen = parser.parse_args()
    names = [chosen.objective] if chosen.objective else ["CD-1", "PCD-1"]
    for name in names:
        options = OPTIONS[name]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "machine.yaml"
            text = SPEC.format(
                model=TWO_LAYERS if name == "deep" else ONE_LAYER,
                options=options,
                epochs=chosen.epochs,
                temperatures=chosen.temperatures,
                rate=chosen.rate,
            )
            path.write_text(text, encoding="utf-8")
            print(name, flush=True)
            arguments = ["--data-dir", str(chosen.data_dir), "--out", f"{folder}/run"]
            specc(["train", str(path), *arguments, "--threads", str(chosen.threads)])


if __name__ == "__main__":
    main()
