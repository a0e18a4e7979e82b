"""The pictures of the docs: the graph of a spec, and a picture of its run.

    python -m benchmarks.pictures --runs runs nsf pixelcnn

draws docs/pictures/NAME.svg from specs/NAME.yaml, and docs/pictures/NAME.png from the run RUNS/NAME
of `specc train specs/NAME.yaml --out RUNS/NAME`, if there is one: points of the plane, imputed
values, or samples, scaled down and with few colours; with `--filters` the first filters instead.
"""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path

from PIL import Image

from specc.cli.main import main as specc
from specc.engine.storage.loaded_run import load_run
from specc.report.filters import filters
from specc.report.pictures import as_png

PICTURES = Path("docs/pictures")
SHOWN = ("plane.png", "imputed.png", "samples.png")
"""The pictures of a run, in order of preference."""

WIDEST = {"plane.png": 880, "imputed.png": 880, "samples.png": 420}
COLOURS = 48


def picture(run: Path) -> bytes | None:
    """The preferred picture of a run as a small PNG; None if it has no picture."""
    found = next((run / name for name in SHOWN if (run / name).is_file()), None)
    if found is None:
        return None
    return _small(Image.open(found), WIDEST[found.name])


def filters_of(run: Path) -> bytes:
    """The first filters of a run as a small PNG."""
    _, _, pixels = next(filters(load_run(run)))
    return _small(Image.open(BytesIO(as_png(pixels))), WIDEST[SHOWN[-1]])


def _small(image: Image.Image, widest: int) -> bytes:
    """A picture with few colours, of at most that width."""
    image = image.convert("RGB")
    width = min(image.width, widest)
    small = image.resize((width, round(image.height * width / image.width)), Image.Resampling.BOX)
    out = BytesIO()
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(out, format="png", optimize=True)
    return out.getvalue()


def main() -> None:
    """Draw the pictures of the given specs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--filters", action="store_true")
    parser.add_argument("names", nargs="+")
    chosen = parser.parse_args()
    for name in chosen.names:
        specc(["graph", f"specs/{name}.yaml", "--out", str(PICTURES / f"{name}.svg")])
        run = chosen.runs / name
        made = filters_of(run) if chosen.filters else picture(run)
        if made is not None:
            (PICTURES / f"{name}.png").write_bytes(made)
        print(name, "graph" if made is None else f"graph and picture, {len(made):,} bytes")


if __name__ == "__main__":
    main()
