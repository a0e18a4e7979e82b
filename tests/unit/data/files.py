"""Data files as tests write them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx_bytes(array: np.ndarray) -> bytes:
    """An array in the idx format."""
    head = struct.pack(f">HBB{array.ndim}I", 0, CODES[array.dtype.name], array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_npz(path: Path, **arrays: object) -> Path:
    """Arrays in an npz file, objects pickled as a stranger's file has them."""
    with path.open("wb") as file:
        np.savez(file, **{name: np.asarray(values) for name, values in arrays.items()})
    return path


def write_mnist(folder: Path, packed: bool = True) -> dict[str, np.ndarray]:
    """Four small files named like MNIST's, and what is in them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    arrays = {}
    for stem, rows in (("train", 40), ("t10k", 10)):
        arrays[f"{stem}-images-idx3"] = rng.integers(0, 256, (rows, 28, 28)).astype(np.uint8)
        arrays[f"{stem}-labels-idx1"] = rng.integers(0, 10, rows).astype(np.uint8)
    for name, array in arrays.items():
        data = idx_bytes(array)
        path = folder / (f"{name}-ubyte" + (".gz" if packed else ""))
        path.write_bytes(gzip.compress(data) if packed else data)
    return arrays
