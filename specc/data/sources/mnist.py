"""MNIST: 60,000 handwritten digits and 10,000 for the test, 28x28 (LeCun, Cortes and Burges)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from specc.data.data_folder import folder_for
from specc.data.sources import idx
from specc.data.table import Column, Part, Table
from specc.runtime.failure import USAGE, RunFailure

STEMS = {"train": "train", "test": "t10k"}
ENDINGS = ("-ubyte", "-ubyte.gz", ".gz", "")


def read(
    options: Mapping[str, Any], folder: Path | None, used: Collection[str] | None = None
) -> Table:
    """`image` [784], bytes with the factor 1/255, and `label`, 0 to 9, with the standard test part.

    The four files are in the data folder or in its subfolder `mnist`, compressed or not.
    """
    del options, used
    folder = folder_for("mnist", folder)
    parts = {part: _part(folder, stem) for part, stem in STEMS.items()}
    return Table(parts, place="mnist")


def _part(folder: Path, stem: str) -> Part:
    images = idx.array(_find(folder, f"{stem}-images", "idx3"))
    labels = idx.array(_find(folder, f"{stem}-labels", "idx1"))
    return {"image": idx.pictures(images), "label": Column(labels)}


def _find(folder: Path, name: str, kind: str) -> Path:
    for place in (folder, folder / "mnist"):
        for separator in "-.":
            for ending in ENDINGS:
                path = place / f"{name}{separator}{kind}{ending}"
                if path.is_file():
                    return path
    message = f"neither {folder} nor {folder / 'mnist'} has MNIST's file {name}-{kind}-ubyte(.gz)"
    hint = "put MNIST's four idx files in that folder, or name theirs with `--data-dir`"
    raise RunFailure("E0504", message, hint=hint, exit_code=USAGE)
