"""Small programs compiled from the specs in this folder, and changes of them for tests."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from specc.compiler import compile
from specc.diagnostics.source import Source

HERE = Path(__file__).parent

Change = Callable[[dict[str, Any]], None]

KL = "KL(q(z | x) || p(z))"
"""The name of the divergence in the metrics of these programs."""


@functools.cache
def compiled(name: str) -> Mapping[str, str]:
    """The generated files of `NAME.yaml`, compiled once per process."""
    text = (HERE / f"{name}.yaml").read_text(encoding="utf-8")
    result, checked = compile(Source(f"{name}.yaml", text))
    assert result is not None, checked.diagnostics
    return result.files


def copy(name: str, to: Path, changes: Change | None = None, **train: Any) -> Path:
    """A copy of the program in `to` with an updated `train` and a changed manifest."""
    folder = to / name
    folder.mkdir(parents=True)
    for file, text in compiled(name).items():
        (folder / file).write_text(text, encoding="utf-8")

    def update(manifest: dict[str, Any]) -> None:
        manifest["train"].update(train)
        if changes:
            changes(manifest)

    change(folder, update)
    return folder


def place(text: str, after: int = 0) -> str:
    """The place of the first line of the model of `vae` that contains a text: `model.py:38`."""
    lines = compiled("vae")["model.py"].splitlines()
    first = next(number for number, found in enumerate(lines, 1) if text in found)
    return f"model.py:{first + after}"


def change(folder: Path, made: Change) -> None:
    """Change the manifest of a copy."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    made(manifest)
    path.write_text(json.dumps(manifest))


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Replace a text, which must exist, in a file of a copy."""
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def linear_data(folder: Path, rows: int = 400, seed: int = 0) -> Path:
    """Write the npz file of the linear program; a quarter of the rows is the test part."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(2, 5))
    x = rng.normal(size=(rows, 2)) @ w + 0.5 * rng.normal(size=(rows, 5))
    np.savez(folder / "linear.npz", x=x, is_test=np.arange(rows) % 4 == 0)
    return folder


def exact_log_prob(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """log N(x; b, W W' + s^2 I) of each row, the exact log-density of the linear program."""
    w, b, scale = model.decoder.weight, model.decoder.bias, model.scale
    covariance = w @ w.T + scale**2 * torch.eye(len(b), dtype=w.dtype)
    return torch.distributions.MultivariateNormal(b, covariance).log_prob(x)
