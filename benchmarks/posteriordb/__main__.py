"""Posteriors of posteriordb (Magnusson et al. 2024) beside its reference draws.

    python -m benchmarks.posteriordb --data-dir DATA
    python -m benchmarks.posteriordb --data-dir DATA --only sblri-blr arma-arma11 --seed 3

DATA/posteriordb/NAME has `data.json`, and the means and standard deviations of 10,000 reference
draws in `reference.json`. Each model is a spec beside this file, sampled with its defaults. A
posterior is right if each mean is within 4 combined Monte Carlo standard errors of the reference,
each standard deviation within 5 %, and each R-hat below 1.01.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import specc

SPECS = {
    "arma-arma11": "arma11",
    "kidiq-kidscore_interaction": "kidscore_interaction",
    "kidiq-kidscore_momiq": "kidscore_momiq",
    "kilpisjarvi_mod-kilpisjarvi": "kilpisjarvi",
    "mesquite-logmesquite_logvas": "logmesquite_logvas",
    "nes1976-nes": "nes",
    "sblrc-blr": "blr",
    "sblri-blr": "blr",
}
"""The spec of each posterior."""

ERRORS, SHARE, R_HAT = 4.0, 0.05, 1.01
"""The largest distance of means in standard errors, and of deviations; the largest R-hat."""


def write_data(source: Path, folder: Path) -> None:
    """Writes the arrays of `data.json`; a series of its own is one row of data."""
    data = json.loads((source / "data.json").read_text(encoding="utf-8"))
    arrays = {key: np.array(value) for key, value in data.items() if isinstance(value, list)}
    if "T" in data:
        arrays = {key: value[None] for key, value in arrays.items()}
    np.savez(folder / "data.npz", **arrays)


def latents_of(result: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """The diagnostics of the latents, by their names in posteriordb, which counts from 1."""
    found = {}
    for row in result["posterior"]["latents"]:
        name, _, index = row["name"].partition("[")
        found[f"{name}[{int(index[:-1]) + 1}]" if index else name] = row
    return found


def compared(
    found: Mapping[str, Mapping[str, float]], reference: Mapping[str, Any]
) -> Iterator[tuple[str, float, float, float]]:
    """The distance of each mean in standard errors, of each deviation, and R-hat."""
    for name, exact in reference["parameters"].items():
        own = found[name]
        error = math.hypot(own["mcse"], exact["mcse_mean"])
        yield name, (own["mean"] - exact["mean"]) / error, own["sd"] / exact["sd"] - 1, own["r_hat"]


def run(name: str, source: Path, seed: int) -> bool:
    """Samples a posterior and prints its worst figures; whether it is right."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        write_data(source, folder)
        spec = Path(__file__).with_name(f"{SPECS[name]}.yaml")
        model = specc.load(spec, {"train.seed": seed})
        model.train(folder / "run", data_dir=folder)
        result = json.loads((folder / "run" / "result.json").read_text(encoding="utf-8"))
    reference = json.loads((source / "reference.json").read_text(encoding="utf-8"))
    rows = list(compared(latents_of(result), reference))
    mean = max(rows, key=lambda row: abs(row[1]))
    spread = max(rows, key=lambda row: abs(row[2]))
    r_hat = max(rows, key=lambda row: row[3])
    is_right = abs(mean[1]) < ERRORS and abs(spread[2]) < SHARE and r_hat[3] < R_HAT
    least = min(row["ess_bulk"] for row in result["posterior"]["latents"])
    print(
        f"{name:<29}{mean[1]:6.2f} ({mean[0]}){'':<{12 - len(mean[0])}}"
        f"{100 * spread[2]:6.1f} % ({spread[0]}){'':<{12 - len(spread[0])}}"
        f"{r_hat[3]:7.4f}{least:8.0f}{result['posterior']['divergences']:6}"
        f"{result['seconds']:7.1f} s  {'right' if is_right else 'WRONG'}",
        flush=True,
    )
    return is_right


def main() -> int:
    """Samples the posteriors; 1 if one is not right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", required=True, type=Path)
    parser.add_argument("--only", nargs="+", choices=SPECS, default=list(SPECS))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    head = "worst mean, in errors", "worst deviation", "R-hat", "ESS", "div.", "time"
    print(f"{'':<31}{head[0]:<23}{head[1]:<20}{head[2]:>6}{head[3]:>8}{head[4]:>6}{head[5]:>9}")
    results = [run(name, given.data_dir / "posteriordb" / name, given.seed) for name in given.only]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
