"""Boltzmann machines on MNIST with fixed binarization: CD-1, PCD-1 and two layers of hidden units.

    python -m benchmarks.mnist_machine --data-dir DATA --epochs 10
    python -m benchmarks.mnist_machine --data-dir DATA --epochs 300 --objective PCD-1
    python -m benchmarks.mnist_machine --data-dir DATA --epochs 10 --objective deep

The machine has 500 hidden units. The `deep` one has layers of 500 and 1,000 (Salakhutdinov and
Hinton 2009): the first is trained by CD-1, and then both by PCD-1 and mean field, for half as many
epochs. The units of the second one count from their mean at the start, so that it starts as the
first alone. Its log-likelihood is the bound by mean field.

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
objective:{objective}
train: {{optimizer: {{sgd: {{lr: 0.05}}}}, schedule: linear, batch_size: 100, epochs: {epochs}}}
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
  t2: {let: h2 - 0.5}
  energy: >-
    -(v @ w1 @ h1) - h1 @ w2 @ t2 - a @ v - b1 @ h1 - b2 @ h2
programs:
  lower:
    h: {latent: bernoulli, logits: stop(data.v @ model.w1 + model.b1)}
    x: {latent: bernoulli, logits: stop(model.w1 @ h + model.a)}
    at_data: {let: -(data.v @ model.a) - sum(softplus(data.v @ model.w1 + model.b1))}
    at_chain: {let: -(x @ model.a) - sum(softplus(x @ model.w1 + model.b1))}"""
STAGES = """
  stages:
    - name: first_layer
      minimize: lower.at_data - lower.at_chain
      links: [w1, a, b1]
    - name: both_layers
      cd: {{steps: 1, persistent: true, chains: 100}}
      optimizer: {{sgd: {{lr: 0.005}}}}
      epochs: {half}"""
OBJECTIVES = {
    "CD-1": " {cd: {steps: 1}}",
    "PCD-1": " {cd: {steps: 1, persistent: true, chains: 100}}",
    "deep": STAGES,
}


def main() -> None:
    """Train both, and print their evaluations."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--temperatures", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--objective", choices=OBJECTIVES, help="by default the first two")
    chosen = parser.parse_args()
    names = [chosen.objective] if chosen.objective else ["CD-1", "PCD-1"]
    for name in names:
        objective = OBJECTIVES[name]
        if name == "deep":
            objective = objective.format(half=(chosen.epochs + 1) // 2)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "machine.yaml"
            text = SPEC.format(
                model=TWO_LAYERS if name == "deep" else ONE_LAYER,
                objective=objective,
                epochs=chosen.epochs,
                temperatures=chosen.temperatures,
            )
            path.write_text(text, encoding="utf-8")
            print(name, flush=True)
            arguments = ["--data-dir", str(chosen.data_dir), "--out", f"{folder}/run"]
            specc(["train", str(path), *arguments, "--threads", str(chosen.threads)])


if __name__ == "__main__":
    main()
