"""A picture of what the generators of the gallery draw of eight modes on a circle.

    specc train specs/gmmn.yaml --out runs/gmmn --threads 1
    python -m benchmarks.eight_modes --runs runs --out docs/pictures/eight_modes.png

The first command is for each of the NAMES.
"""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

import specc

NAMES = ("gmmn", "wgan_gp", "clc_gan", "wgan", "lsgan", "sngan", "hinge_gan", "gan")
POINTS = 2000
COLOURS = 24


def main() -> None:
    """Draw 2,000 samples of each run in a panel of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("eight_modes.png"))
    chosen = parser.parse_args()
    figure = Figure(figsize=(8.8, 4.6), dpi=100, layout="constrained")
    panels = FigureCanvasAgg(figure).figure.subplots(2, 4).flat
    for name, axes in zip(NAMES, panels, strict=True):
        x = specc.open_run(chosen.runs / name, device="cpu").sample(POINTS)["x"]
        axes.plot(*x.T.numpy(), ".", color="#2b5c8a", markersize=1.6, alpha=0.5, markeredgewidth=0)
        axes.set_title(name, loc="left", fontsize=10)
        axes.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), xticks=[], yticks=[], aspect="equal")
    data = BytesIO()
    figure.savefig(data, format="png")
    image = Image.open(data).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(chosen.out, optimize=True)
    print(f"{chosen.out}: {chosen.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
