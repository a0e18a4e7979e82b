"""Copies of the small hand-written programs, with what a test wants changed in their manifests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent

Change = Callable[[dict[str, Any]], None]


def copy(name: str, to: Path, change: Change | None = None, **train: Any) -> Path:
    """A copy of the program under `to`, its `train` updated and its manifest changed."""
    folder = to / name
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(HERE / name, folder, ignore=ignored)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["train"].update(train)
    if change:
        change(manifest)
    path.write_text(json.dumps(manifest))
    return folder


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Replaces text in a file of the copy, which must be there."""
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def linear_data(folder: Path, rows: int = 400, seed: int = 0) -> Path:
    """The npz file that the linear program reads; a quarter of it is for the test."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(2, 5))
    x = rng.normal(size=(rows, 2)) @ w + 0.5 * rng.normal(size=(rows, 5))
    np.savez(folder / "linear.npz", x=x, is_test=np.arange(rows) % 4 == 0)
    return folder


def exact_log_prob(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """log N(x; b, W W' + s^2 I) of each row, the density of the linear program's data."""
    w, b, scale = model.decoder.weight, model.decoder.bias, model.raw_scale.exp()
    covariance = w @ w.T + scale**2 * torch.eye(len(b), dtype=w.dtype)
    return torch.distributions.MultivariateNormal(b, covariance).log_prob(x)
