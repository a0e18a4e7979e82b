"""Digits that a classifier rejects, and their repair by a generator.

    specc train specs/gwin.yaml --out runs/gwin
    python -m benchmarks.repairs runs/gwin --out docs/pictures/gwin.png

Queries are the test digits with noise. A prediction is rejected if the probability of its class is
at most a threshold, and then the class of the repaired digit is the answer. Prints for each
threshold the share of certain predictions and the accuracies; `--out` draws the first rejected
queries between their digits and what the generator makes of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

import specc
from specc.evaluate.sampling import rows_of_part
from specc.run import Run
from specc.runtime.noise import Noise

THRESHOLDS = (0.7, 0.9, 0.99)
SHOWN = 10


@torch.no_grad()
def repaired(run: Run, seed: int) -> dict[str, Tensor]:
    """The test digits, their queries, the repaired digits, and what the classifier says of both."""
    model, repair, noise = run.program.model, run.program.repair, Noise.at(seed)
    digits = rows_of_part(run.loaded, "test", 10**6)
    x, y = digits["x"].reshape(-1, 64), digits["y"]
    query = repair.query(x, noise.normal(x.shape))
    fixed = repair.fixed(query, noise.normal((len(x), 8)))
    before, after = (model.classify(each).softmax(-1) for each in (query, fixed))
    answers = {
        "p": before.amax(-1),
        "right": before.argmax(-1) == y,
        "again": after.argmax(-1) == y,
    }
    return {"digit": x, "query": query, "repaired": fixed, **answers}


def describe(found: dict[str, Tensor]) -> None:
    """Print the share of certain predictions and the accuracies for each threshold."""
    right, again = found["right"].double(), found["again"].double()
    print(f"right before the repair: {right.mean():.1%} of {len(right)}")
    print(
        f"{'threshold':<11}{'certain':>9}{'of them':>10}{'rejected':>10}{'repaired':>10}{'all':>9}"
    )
    for threshold in THRESHOLDS:
        certain = found["p"] > threshold
        every = torch.where(certain, right, again)
        shares = (certain.double(), right[certain], right[~certain], again[~certain], every)
        print(f"{threshold:<10}" + "".join(f"{share.mean():>10.1%}" for share in shares))


def draw(path: Path, found: dict[str, Tensor], threshold: float) -> None:
    """Draw rejected queries between their digits and the repaired ones."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    chosen = (found["p"] <= threshold).nonzero().flatten()[:SHOWN]
    figure, axes = pyplot.subplots(3, SHOWN, figsize=(6, 1.95))
    for row, name in zip(axes, ("digit", "query", "repaired"), strict=True):
        row[0].set_ylabel(name, fontsize=7)
        for axis, picture in zip(row, found[name][chosen], strict=False):
            axis.imshow(picture.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        for axis in row:
            axis.set(xticks=[], yticks=[])
    figure.tight_layout(pad=0.3)
    figure.savefig(path, dpi=98)


def main() -> None:
    """Print the figures, and draw the digits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--seed", type=int, default=3, help="of the noise")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = repaired(specc.open_run(options.run, device="cpu"), options.seed)
    describe(found)
    if options.out is not None:
        draw(options.out, found, 0.9)


if __name__ == "__main__":
    main()
