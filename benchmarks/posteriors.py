"""VAEs of MNIST with flow posteriors and with a normal one, trained for the same epochs.

    python -m benchmarks.posteriors --data-dir DATA --epochs 10

All models have the same decoder, the same features of the data and the same base draw; in all but
the first, a flow conditioned on the features transforms the draw. Prints the bound with 500
particles on the first 1,000 test images.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from specc.cli.main import main as specc

SPEC = """specc: 1
name: posterior
data: {{source: mnist, fields: {{x: {{from: image, binarize: sample}}}}}}
model:
  z: {{latent: normal, loc: 0, scale: 1, shape: [40]}}
  x: {{observed: bernoulli, logits: decoder(z)}}
guide:
  h: {{let: encoder(x), shape: [100]}}
  z: {{latent: normal, params: start(h){through}}}
links:
  decoder: {{mlp: [200, 200], activation: tanh}}
  encoder: {{mlp: [200], activation: tanh}}
  start: linear
{flow}objective: elbo
train: {{optimizer: {{adam: {{lr: 0.001}}}}, batch_size: 100, epochs: {epochs}}}
evaluate:
  test: {{estimator: iwae, particles: 500, data: test, rows: 1000}}
"""

FLOWS = {
    "plain": "",
    "planar": "{planar: {layers: 8}}",
    "iaf": "{iaf: {layers: 2, hidden: [100]}}",
    "nsf": "{nsf: {layers: 2, hidden: [100], bins: 8, bound: 5.0}}",
}


def spec(name: str, epochs: int) -> str:
    """The text of the spec of a model."""
    kind = FLOWS[name]
    through = ", through: flow(h)" if kind else ""
    flow = f"  flow: {kind}\n" if kind else ""
    return SPEC.format(through=through, flow=flow, epochs=epochs)


def main() -> None:
    """Train each model and print its bound."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--only", choices=tuple(FLOWS), nargs="*", default=tuple(FLOWS))
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    for name in chosen.only:
        print(f"{name}: ", end="", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "posterior.yaml"
            path.write_text(spec(name, chosen.epochs), encoding="utf-8")
            run = ["--out", str(Path(folder) / "run"), "--threads", str(chosen.threads)]
            specc(["train", str(path), "--data-dir", chosen.data_dir, *run, "--quiet"])


if __name__ == "__main__":
    main()
