"""How near clouds of points are to circles, squares and diamonds.

    specc train specs/point_gan.yaml --out runs/point_gan
    python -m benchmarks.clouds runs/point_gan --out docs/pictures/point_gan.png

Fits each of the three outlines {p: norm(p) = r} to each cloud, r the mean norm of its points, and
gives the cloud the one that is nearest. The error of a fit is the root mean square over points of
norm(p) / r - 1. Prints the median error, the share of each outline, and mean and standard deviation
of the sizes, for samples of the run and for as many held-out clouds. `--out` draws 16 of both.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

import specc
from specc.evaluate.sampling import rows_of_part

NORMS = {
    "circles": lambda points: points.norm(dim=-1),
    "squares": lambda points: points.abs().amax(-1),
    "diamonds": lambda points: points.abs().sum(-1),
}
SHOWN = 16


def fitted(clouds: Tensor, norm: str) -> tuple[Tensor, Tensor]:
    """The error and the size of the outline of a norm for each cloud."""
    found = NORMS[norm](clouds)
    size = found.mean(-1)
    return (found / size[:, None] - 1).square().mean(-1).sqrt(), size


def describe(name: str, clouds: Tensor) -> None:
    """Print the figures of some clouds."""
    found = [fitted(clouds, norm) for norm in NORMS]
    least, outline = torch.stack([error for error, _ in found]).min(0)
    size = torch.stack([size for _, size in found]).gather(0, outline[None])[0]
    shares = [f"{(outline == i).float().mean():.3f} {kind}" for i, kind in enumerate(NORMS)]
    print(f"{name}: median error {least.median():.3f}, {', '.join(shares)},", end=" ")
    print(f"sizes {size.mean():.3f} +- {size.std():.3f}")


def draw(path: Path, samples: Tensor, data: Tensor) -> None:
    """Draw samples in the upper rows and data in the lower ones."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(4, SHOWN // 2, figsize=(8, 4.2))
    colours = ["tab:blue"] * SHOWN + ["tab:grey"] * SHOWN
    clouds = torch.cat([samples[:SHOWN], data[:SHOWN]])
    for axis, cloud, colour in zip(axes.flat, clouds, colours, strict=True):
        axis.scatter(*cloud.T, s=3, color=colour)
        axis.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), xticks=[], yticks=[], aspect="equal")
    figure.tight_layout(pad=0.3)
    figure.savefig(path, dpi=60)


def main() -> None:
    """Print the figures of samples and data, and draw both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    run = specc.open_run(options.run, device="cpu")
    samples = run.sample(options.rows)["x"]
    data = rows_of_part(run.loaded, "test", options.rows)["x"]
    describe("samples", samples)
    describe("data", data)
    if options.out is not None:
        draw(options.out, samples, data)


if __name__ == "__main__":
    main()
