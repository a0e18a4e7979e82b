"""The second layer of a deep belief network on MNIST: the bound on log p before and after it.

    python -m benchmarks.mnist_belief_net --data-dir DATA --epochs 10

The first layer is a machine of 784 and 500 units, trained by CD-1 on MNIST with fixed binarization.
The second one, of 500 and 784 units, starts with the transposed weights, so that the network is the
first machine, and is trained by PCD-1 at draws of the guide (Hinton, Osindero and Teh 2006). Prints
the bound on the test images at the start and at the end of the second layer, by draws of the guide
and with log Z by annealed importance sampling (Salakhutdinov and Murray 2008).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from specc.cli.main import main as specc
from specc.engine.storage.loaded_run import LoadedRun, load_run
from specc.evaluate.energies.log_z import OneWay
from specc.evaluate.estimate import estimate
from specc.evaluate.scoring import Request

SPEC = """specc: 1
name: belief_net
data:
  source: npz
  path: binarized_mnist/binarized_mnist.npz
  fields: {{x: {{from: values, shape: [784], picture: [28, 28]}}}}
model:
  w1: {{parameter: real, shape: [784, 500], init: {{normal: 0.01}}}}
  w2: {{parameter: real, shape: [500, 784], init: {{normal: 0.01}}}}
  a: {{parameter: real, shape: [784], init: zeros}}
  b1: {{parameter: real, shape: [500], init: zeros}}
  b2: {{parameter: real, shape: [784], init: zeros}}
  h2: {{latent: bernoulli, shape: [784]}}
  h1: {{latent: bernoulli, shape: [500]}}
  energy: "-(h1 @ w2 @ h2) - b1 @ h1 - b2 @ h2"
  x: {{observed: bernoulli, logits: w1 @ h1 + a}}
guide:
  u1: {{parameter: real, shape: [784, 500], init: zeros}}
  c1: {{parameter: real, shape: [500], init: zeros}}
  h1: {{latent: bernoulli, logits: x @ u1 + c1}}
programs:
  lower:
    h: {{latent: bernoulli, logits: "stop(data.x @ model.w1 + guide.c1)"}}
    v: {{latent: bernoulli, logits: "stop(model.w1 @ h + model.a)"}}
    at_data: {{let: "-(data.x @ model.a) - sum(softplus(data.x @ model.w1 + guide.c1))"}}
    at_chain: {{let: "-(v @ model.a) - sum(softplus(v @ model.w1 + guide.c1))"}}
objective:
  stages:
    - name: first_layer
      minimize: lower.at_data - lower.at_chain
      links: [w1, a, c1]
      epochs: {epochs}
    - name: second_layer
      copy: {{u1: w1, w2: transpose(w1), b1: c1, b2: a}}
      cd: {{steps: 1, persistent: true, chains: 100}}
      links: [w2, b1, b2]
      optimizer: {{sgd: {{lr: {rate}}}}}
      epochs: {epochs}
train: {{optimizer: {{sgd: {{lr: 0.05}}}}, schedule: linear, batch_size: 100}}
"""


def main() -> None:
    """Train both layers, and print the bounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--temperatures", type=int, default=5000)
    parser.add_argument("--out", type=Path, help="keep the run there, or use that which is there")
    parser.add_argument("--particles", type=int, default=10)
    parser.add_argument("--rows", type=int, help="by default all test images, which are sorted")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    counts = {"particles": chosen.particles, "rows": chosen.rows}
    request = Request(temperatures=chosen.temperatures, direction="both", **counts)
    with tempfile.TemporaryDirectory() as folder:
        path, run = Path(folder) / "belief_net.yaml", chosen.out or Path(folder) / "run"
        path.write_text(SPEC.format(epochs=chosen.epochs, rate=chosen.rate), encoding="utf-8")
        arguments = ["--data-dir", str(chosen.data_dir), "--threads", str(chosen.threads)]
        if not (run / "result.json").is_file():
            specc(["train", str(path), "--out", str(run), "--quiet", *arguments])
        loaded = load_run(run, data_dir=chosen.data_dir)
        after = {name: own.clone() for name, own in loaded.program.model.named_parameters()}
        first = loaded.program.guide.c1
        before = {"w2": after["w1"].mT, "b1": first, "b2": after["a"]}
        print_bound("the first layer", loaded, before, request)
        print_bound("both layers", loaded, after, request)


def print_bound(
    name: str, loaded: LoadedRun, values: Mapping[str, Tensor], request: Request
) -> None:
    """Print the bound of the network with some values of its parameters."""
    with torch.no_grad():
        for parameter, value in values.items():
            getattr(loaded.program.model, parameter).copy_(value)
    found = estimate(loaded, request)
    assert found.log_z is not None
    forward, backward = found.log_z.forward, found.log_z.backward
    assert forward is not None
    assert backward is not None
    print(
        f"{name}: log p(x) >= {found.value:.2f} +- {found.standard_error:.2f}, {found.rows} rows, "
        f"effective draws {found.effective:.1f} of {found.particles}; log Z {shown(forward)} "
        f"forward, {shown(backward)} backward",
        flush=True,
    )


def shown(way: OneWay) -> str:
    """`507.14 +- 0.13`."""
    return f"{way.value:.2f} +- {way.standard_error:.2f}"


if __name__ == "__main__":
    main()
