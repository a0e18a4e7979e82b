"""The end of a run: its figures, its pictures, and result.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from specc.engine import files, record
from specc.engine.opened import OpenRun
from specc.engine.progress import measuring
from specc.engine.train import Trained
from specc.evaluate.estimate import Estimate, estimate
from specc.evaluate.labels import Label, labels, labels_of
from specc.evaluate.sampling import GUIDE, MEAN, SAMPLE, reconstruct, rows_of_part, sample
from specc.evaluate.scoring import Request
from specc.evaluate.units import in_data_units
from specc.report.pictures import HOLE, Pixels, grid, loss_curve, write_png
from specc.report.plane import PLANE, plane, plane_field
from specc.runtime.failure import RunFailure

SAMPLES = "samples.png"
RECONSTRUCTIONS = "reconstructions.png"
LOSS = "loss.png"
ROWS = 64


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a finished run has to show: figures by name, the pictures made, and result.json."""

    estimates: Mapping[str, Estimate]
    pictures: tuple[Path, ...]
    result: dict[str, Any]


def conclude(trained: Trained, *, quiet: bool = True) -> Conclusion:
    """Makes every figure of the spec's `evaluate`, the pictures, and result.json.

    Raises RunFailure E0509 or E0813 where a figure cannot be made.
    """
    opened = trained.opened
    pictures = draw(opened)
    estimates = measure(opened, requests(opened.manifest.evaluate), quiet=quiet)
    result = {
        "name": opened.manifest.name,
        "epochs": trained.counters.epoch,
        "steps": trained.counters.total,
        "skipped": trained.counters.skipped,
        "seconds": round(trained.counters.seconds, 3),
        "loss": trained.metrics.get("loss"),
        "parts": trained.metrics.get("parts"),
        "evaluate": {name: found.summary() for name, found in estimates.items()},
    }
    revisions = record.revisions_of(opened.folder)
    if revisions:
        result["revisions"] = [{k: own[k] for k in ("step", "changes")} for own in revisions]
    files.write_json(opened.folder / record.RESULT, result)
    return Conclusion(estimates, pictures, result)


def concluded(trained: Trained) -> tuple[Path, ...] | None:
    """The pictures of a run that had been finished before; None where figures are still to be made.

    It made no step now, and result.json has every figure that its spec asks for, of its last step.
    """
    run = trained.opened.folder
    if trained.steps:
        return None
    try:
        result = record.result_of(run)
    except RunFailure:
        return None
    if result.get("steps") != trained.counters.total:
        return None
    if set(result.get("evaluate", {})) != set(trained.opened.manifest.evaluate):
        return None
    paths = (run / name for name in (LOSS, SAMPLES, PLANE, RECONSTRUCTIONS))
    return tuple(path for path in paths if path.is_file())


def measure(
    opened: OpenRun, wanted: Mapping[str, Request], *, quiet: bool = True
) -> dict[str, Estimate]:
    """The figures by name, with a bar for each unless it is to be quiet.

    Raises RunFailure E0509 or E0813 where one cannot be made.
    """
    found = {}
    for name, request in wanted.items():
        label = f"{request.estimator} of {request.part}, {request.particles} particles"
        with measuring(f"{name}: {label}", quiet) as advance:
            found[name] = estimate(opened, request, advance)
    return found


def measure_labels(opened: OpenRun, request: Request, *, quiet: bool = True) -> dict[str, Label]:
    """The figures of the labels, if any, with a bar unless it is to be quiet.

    Raises RunFailure E0509 or E0813 where they cannot be made.
    """
    if not labels_of(opened.manifest):
        return {}
    with measuring(f"labels of {request.part}", quiet) as advance:
        return labels(opened, request, advance)


def requests(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Request]:
    """The figures that a manifest's `evaluate` asks for, by name."""
    return {
        name: Request(
            estimator=str(entry.get("estimator", "iwae")),
            particles=int(entry.get("particles", 1000)),
            part=str(entry.get("data", "test")),
            rows=entry.get("rows"),
            seed=int(entry.get("seed", 0)),
        )
        for name, entry in entries.items()
    }


def draw(opened: OpenRun) -> tuple[Path, ...]:
    """The pictures of a run, those that its program and data allow."""
    found = []
    metrics = record.read_metrics(opened.folder)
    if len(metrics) > 1:
        path = opened.folder / LOSS
        loss_curve(path, metrics, opened.manifest.name)
        found.append(path)
    shown = picture_field(opened)
    part = opened.held_out
    program = opened.program
    if shown and program.can(SAMPLE):
        path = opened.folder / SAMPLES
        rows = sample(opened, ROWS, part=part).in_data_units(opened).shown()[shown.name]
        write_png(path, grid(rows, shown.picture, tones=shown.tones))
        found.append(path)
    points = plane_field(opened) if opened.data else None
    if points is not None:
        found.append(plane(opened, points, part))
    pairs = _pairs(opened, shown, part) if shown else None
    if pairs is not None:
        path = opened.folder / RECONSTRUCTIONS
        write_png(path, pairs)
        found.append(path)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Shown:
    """An observed node whose values are pictures, and the range of its data, black to white.

    Both the pictures and the range are in the units of the data.
    """

    name: str
    picture: tuple[int, ...]
    tones: tuple[float, float] = (0.0, 1.0)


def picture_field(opened: OpenRun) -> Shown | None:
    """The first observed node whose field is a picture."""
    fields = opened.manifest.data.fields if opened.manifest.data else {}
    for name in opened.manifest.observed():
        picture = fields[name].picture if name in fields else None
        if picture:
            return Shown(name, picture, _tones(opened, name))
    return None


def _tones(opened: OpenRun, name: str) -> tuple[float, float]:
    """The range of the first rows, but 0 to 1 where they do not leave that."""
    if opened.data is None:
        return 0.0, 1.0
    rows = rows_of_part(opened, next(iter(opened.data.parts)), ROWS)
    values = in_data_units(opened, rows)[name].double()
    low, high = values.min().item(), values.max().item()
    return (low, high) if low < 0 or high > 1 else (0.0, 1.0)


def _pairs(opened: OpenRun, shown: Shown, part: str) -> Pixels | None:
    """A line of data and a line of its reconstruction below, four times; what is missing is grey.

    None where the guide does not draw everything that the means of the data need.
    """
    if not (opened.program.can(GUIDE) and opened.program.can(MEAN)):
        return None
    across, down = 16, 4
    found = reconstruct(opened, across * down, part=part).in_data_units(opened)
    if shown.name not in found.means:
        return None
    data = _with_holes(opened, shown, found.values).reshape(down, across, -1)
    means = found.means[shown.name].reshape(down, across, -1)
    lines = torch.stack([data, means], dim=1).reshape(2 * down * across, -1)
    return grid(lines, shown.picture, across, shown.tones)


def _with_holes(opened: OpenRun, shown: Shown, batch: Mapping[str, Tensor]) -> Tensor:
    """The rows of a batch, with a grey of their own where entries are missing."""
    values, data = batch[shown.name], opened.manifest.data
    missing = data.fields[shown.name].missing if data else None
    if missing is None:
        return values
    known = batch[missing.known]
    low, high = shown.tones
    known = known.reshape(*known.shape, *[1] * (values.ndim - known.ndim))
    return torch.where(known, values, low + HOLE * (high - low))
