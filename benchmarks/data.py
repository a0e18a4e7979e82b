"""The time of data loading: all batches of an epoch, without a model.

    python -m benchmarks.data                  random pictures of the size of MNIST
    python -m benchmarks.data --threads 2

Each line is a storage of 60,000 rows of 784 numbers, read in batches of 128 in random order. The
time is the minimum over several epochs, because other processes on the machine can only add time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from specc.data.load import Rows, load
from specc.engine.device import prepare
from specc.engine.order.streams import Stream, noise_at, order_of
from specc.runtime.fields import Data, Field, Support

ROWS, SIZE, BATCH = 60_000, 784, 128
CPU = torch.device("cpu")


def epoch(rows: Rows, number: int) -> float:
    """The seconds of all batches of an epoch."""
    began = time.perf_counter()
    order = order_of(0, number, len(rows), CPU)
    for step in range(-(-len(rows) // BATCH)):
        noise = noise_at(0, Stream.DATA, number, step, device=CPU)
        rows.batch(order[step * BATCH : (step + 1) * BATCH], noise)
    return time.perf_counter() - began


def ways(folder: Path) -> dict[str, Data]:
    """The data sets, by their transformation and storage."""
    rng = np.random.default_rng(0)
    # As in MNIST, four of five pixels are black.
    grey = rng.integers(0, 256, (ROWS, SIZE), dtype=np.uint8) * (rng.random((ROWS, SIZE)) < 0.2)
    np.save(folder / "grey.npy", grey.astype(np.uint8))
    np.save(folder / "real.npy", (grey / 255).astype(np.float32))
    np.savez(folder / "grey.npz", values=grey.astype(np.uint8))
    np.savez(folder / "real.npz", values=(grey / 255).astype(np.float32))
    unit, binary = Support("interval", 0, 255), Support("integers", 0, 1)
    plain = Field("x", "values", (SIZE,), "float32", unit)
    drawn = Field("x", "values", (SIZE,), "float32", binary, binarize="sample", scale=1 / 255)
    cut = Field("x", "values", (SIZE,), "float32", binary, binarize="threshold", scale=1 / 255)
    standard = Field("x", "values", (SIZE,), "float32", unit, standardize=True)
    return {
        "bytes, binarize: sample": _data("npz", "grey.npz", drawn),
        "bytes, binarize: threshold": _data("npz", "grey.npz", cut),
        "bytes, as they are": _data("npz", "grey.npz", plain),
        "bytes, standardize": _data("npz", "grey.npz", standard),
        "floats, as they are": _data("npz", "real.npz", plain),
        "bytes in their file, binarize: sample": _data("npy", "grey.npy", drawn),
        "floats in their file": _data("npy", "real.npy", plain),
    }


def _data(source: str, path: str, field: Field) -> Data:
    return Data(source, {"path": path}, {}, {"x": field})


def main() -> None:
    """Print a line for each storage."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=5)
    chosen = parser.parse_args()
    prepare()
    torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for way, data in ways(folder).items():
            began = time.perf_counter()
            rows = load(data, folder, torch.float32).part("train")
            loading = time.perf_counter() - began
            best = min(epoch(rows, number) for number in range(chosen.epochs))
            print(f"{way:40} {best:6.3f} s an epoch, read and checked in {loading:5.2f} s")


if __name__ == "__main__":
    main()
