"""Variational dequantization against uniform, on the same flow of digits, row by row.

    python -m benchmarks.dequantization --epochs 100

Trains specs/flow_plus_plus.yaml and the same model with a uniform guide, and prints the mean
difference of their bounds of log P(x) by 100 draws on the test images, with its standard error.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

from specc.cli.main import main as specc
from specc.engine.storage.loaded_run import load_run
from specc.evaluate.estimate import estimate
from specc.evaluate.scoring import Request

SPEC = Path("specs/flow_plus_plus.yaml")
UNIFORM = "guide:\n  v: {latent: uniform, low: 0, high: 1, through: add(x)}\n\n"


def specs() -> dict[str, str]:
    """The texts of the two specs."""
    learnt = SPEC.read_text(encoding="utf-8")
    plain = re.sub(r"guide:.*?\n\n", UNIFORM, learnt, flags=re.DOTALL)
    return {"variational": learnt, "uniform": re.sub(r"  (encoder|noise|unit): .*\n", "", plain)}


def main() -> None:
    """Train both, and print the paired difference."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--runs", default="", help="keep the runs in this folder, or read them")
    chosen = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in specs().items():
            run = Path(chosen.runs or folder) / name
            if not run.exists():
                path = Path(folder) / f"{name}.yaml"
                path.write_text(text, encoding="utf-8")
                settings = ["--set", f"train.epochs={chosen.epochs}"]
                specc(["train", str(path), "--out", str(run), "--threads", "1", *settings])
            request = Request(estimator="iwae", particles=100, part="test")
            found[name] = estimate(load_run(run), request).values.double()
    for name, values in found.items():
        print(
            f"{name}: {values.mean():.2f} nats, {-values.mean() / 64 / 0.6931472:.3f} bits a pixel"
        )
    difference = found["variational"] - found["uniform"]
    error = difference.std() / len(difference) ** 0.5
    print(f"variational - uniform: {difference.mean():.2f} +- {error:.2f} nats, paired")


if __name__ == "__main__":
    main()
