"""Pretraining layer by layer: the test error of `stacked_autoencoder` with and without.

    python -m benchmarks.stages --seeds 5

Each seed has other labelled rows, initial weights and batches. `alone` has the last stage only,
from random weights; `long` gives it as many epochs as all stages have together.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
from pathlib import Path

import torch

import specc

SPEC = Path(__file__).parents[1] / "specs" / "stacked_autoencoder.yaml"
STAGE = re.compile(r"    - name: .*?(?=    - name: |\ntrain:)", re.DOTALL)


def variants(text: str) -> dict[str, str]:
    """The spec with all stages, with the last one alone, and with that one as long as all."""
    stages = STAGE.findall(text)
    epochs = [int(re.search(r"epochs: (\d+)", stage)[1]) for stage in stages]
    alone = text.replace("".join(stages), stages[-1])
    long = alone.replace(f"epochs: {epochs[-1]}", f"epochs: {sum(epochs)}")
    return {"stages": text, "alone": alone, "long": long}


@torch.inference_mode()
def error(run: specc.Run) -> float:
    """The fraction of test rows whose most probable class is wrong."""
    rows, model = run.loaded.rows("test", ["x"]), run.program.model
    index = torch.arange(len(rows))
    batch = rows.batch(index, specc.runtime.noise.Noise.at(0, device=torch.device("cpu")))
    h3 = model.h3(model.h2(model.h1(batch["x"])))
    wrong = model.y_logits(h3).argmax(-1) != batch["y"]
    return wrong.float().mean().item()


def main() -> None:
    """Prints the mean and the standard deviation of the test error of each variant."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="", help="one of the variants")
    chosen = parser.parse_args()
    for name, text in variants(SPEC.read_text(encoding="utf-8")).items():
        if chosen.only not in ("", name):
            continue
        errors = []
        for seed in range(chosen.seeds):
            with tempfile.TemporaryDirectory() as folder:
                spec = Path(folder) / SPEC.name
                spec.write_text(text, encoding="utf-8")
                settings = {"train.seed": seed, "data.sources.labelled.subset.seed": seed}
                run = specc.load(spec, settings).train(Path(folder) / "run", quiet=True)
                errors.append(error(run))
        spread = statistics.stdev(errors) if len(errors) > 1 else 0.0
        print(f"{name:<7}{100 * statistics.mean(errors):6.2f} % +- {100 * spread:.2f}", flush=True)


if __name__ == "__main__":
    main()
