"""A variational autoencoder whose loss has state: a running baseline, and a sharded running mean.

Rows are binarized without random numbers, so that tests can compute the expected state.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.programs import making

BASELINE = {
    "name": "baseline",
    "shape": [],
    "dtype": "float32",
    "initial": -40.0,
    "layout": "replicated",
}
SEEN = {"name": "seen", "shape": [4, 64], "dtype": "float32", "initial": 0.0, "layout": "sharded"}

EDITS = (
    ("noise: Noise, *, x: Tensor", "noise: Noise, state: dict[str, Tensor], *, x: Tensor"),
    (
        "-> tuple[Tensor, dict[str, Tensor]]:",
        "-> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:",
    ),
    (
        "    return -elbo, {",
        """    after = {
        "baseline": 0.9 * state["baseline"] + 0.1 * elbo,
        "seen": 0.5 * state["seen"] + x.mean(0),
    }
    return -elbo + 0.01 * (elbo - state["baseline"]) ** 2, after, {""",
    ),
)


def make(to: Path, **train: Any) -> Path:
    """Writes the program to `to`, with these settings in its `train`."""

    def declare(manifest: dict[str, Any]) -> None:
        manifest["losses"][0]["state"] = [BASELINE, SEEN]
        manifest["data"]["fields"]["x"]["binarize"] = "threshold"

    code = making.copy("vae", to, declare, **train)
    for old, new in EDITS:
        making.edit(code, "objective.py", old, new)
    return code
