"""Sigmoid belief networks of two layers of 200 on MNIST, by NVIL, reweighted wake-sleep and VIMCO.

    python -m benchmarks.belief_nets --data-dir DATA --epochs 30

All see the same rows, fixed binarized images, the same number of times, NVIL with one draw of the
guide and the others with `--particles`, as in Mnih and Rezende (2016), table 1. Prints a lower
bound on log p of the test images, by 1,000 draws of the guide for each, and the processor time of
training.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from specc.cli.main import main as specc
from specc.engine.storage.loaded_run import load_run
from specc.evaluate.estimate import estimate
from specc.evaluate.scoring import Request

SPEC = """specc: 1
name: belief_net
data:
  source: npz
  path: binarized_mnist/binarized_mnist.npz
  fields: {{x: {{from: values, shape: [784], picture: [28, 28]}}}}
model:
  top: {{parameter: real, shape: [200], init: zeros}}
  h2: {{latent: bernoulli, logits: top}}
  h1: {{latent: bernoulli, logits: down2(h2), shape: [200]}}
  x: {{observed: bernoulli, logits: down1(h1)}}
guide:
  h1: {{latent: bernoulli, logits: up1(x){draw}}}
  h2: {{latent: bernoulli, logits: up2(h1){draw}}}
links: {{down1: linear, down2: linear, up1: linear, up2: linear}}
objective: {objective}
train: {{optimizer: {{adam: {{lr: {rate}}}}}, batch_size: {batch}, epochs: {epochs}}}
"""

NVIL = ", draw: {score: {baseline: nvil}}"
OBJECTIVES = {"nvil": ("elbo", NVIL), "rws": ("{{rws: {k}}}", ""), "vimco": ("{{vimco: {k}}}", "")}


def main() -> None:
    """Train the networks, and print their bounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--particles", type=int, default=5)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--rate", type=float, default=0.001)
    parser.add_argument("--rows", type=int, help="by default all test images, which are sorted")
    parser.add_argument("--objectives", nargs="+", choices=OBJECTIVES, default=list(OBJECTIVES))
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    for name in chosen.objectives:
        objective, draw = OBJECTIVES[name]
        counted = objective.format(k=f"{{particles: {chosen.particles}}}")
        sizes = {"batch": chosen.batch, "epochs": chosen.epochs, "rate": chosen.rate}
        with tempfile.TemporaryDirectory() as folder:
            path, run = Path(folder) / "belief_net.yaml", Path(folder) / "run"
            text = SPEC.format(objective=counted, draw=draw, **sizes)
            path.write_text(text, encoding="utf-8")
            arguments = ["--data-dir", str(chosen.data_dir), "--threads", str(chosen.threads)]
            began = time.process_time()
            specc(["train", str(path), "--out", str(run), "--quiet", *arguments])
            seconds = time.process_time() - began
            loaded = load_run(run, data_dir=chosen.data_dir)
            found = estimate(loaded, Request(particles=1000, rows=chosen.rows))
        print(
            f"{name}: log p(x) >= {found.value:.2f} +- {found.standard_error:.2f}, {found.rows} "
            f"rows, {seconds:.0f} s of processor time",
            flush=True,
        )


if __name__ == "__main__":
    main()
