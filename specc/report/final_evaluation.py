"""The final evaluation of a run: its metrics, its pictures, and result.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from specc.engine.loop.progress import progress_bar
from specc.engine.storage import file_io, run_folder
from specc.engine.storage.loaded_run import LoadedRun
from specc.engine.train import Trained
from specc.evaluate.chain_diagnostics import diagnose
from specc.evaluate.classification import (
    ClassificationMetrics,
    classification_metrics,
    labels,
)
from specc.evaluate.compared import OpenRun, no_other_run
from specc.evaluate.estimate import Estimate, estimate
from specc.evaluate.guide_diagnostics import diagnose_guide
from specc.evaluate.posterior_probs import of_shared
from specc.evaluate.sample_metric import Measured, MetricRequest, measure_metric
from specc.evaluate.sampling import GUIDE, MEAN, SAMPLE, reconstruct, rows_of_part, sample
from specc.evaluate.scoring import Request
from specc.evaluate.units import in_data_units
from specc.report.guide import draw_guide
from specc.report.pictures import HOLE, Pixels, grid, loss_curve, write_png
from specc.report.plane import PLANE, plane, plane_field
from specc.report.posterior import PICTURE as POSTERIOR
from specc.report.posterior import draw_posterior
from specc.report.posterior_checks import CHECKS, PAIRS, draw_checks, draw_pairs
from specc.runtime.failure import RunFailure

SAMPLES = "samples.png"
RECONSTRUCTIONS = "reconstructions.png"
LOSS = "loss.png"
ROWS = 64
ANNEALING = ("chains", "temperatures", "direction", "latents")
"""The options of annealed importance sampling in a request."""

OF_POSTERIOR = {POSTERIOR: draw_posterior, PAIRS: draw_pairs, CHECKS: draw_checks}
"""The pictures of a posterior by their files."""

OF_GUIDE = {POSTERIOR: draw_guide, CHECKS: draw_checks}
"""Those of a posterior by a guide."""

Figure = Estimate | Measured
"""A metric of the likelihood, or a metric of samples."""


@dataclass(frozen=True, slots=True)
class FinalEvaluation:
    """The results of a finished run: metrics by name, its pictures, and result.json."""

    figures: Mapping[str, Figure]
    pictures: tuple[Path, ...]
    result: dict[str, Any]


def evaluate_at_end(
    trained: Trained, *, open_run: OpenRun = no_other_run, quiet: bool = True
) -> FinalEvaluation:
    """Computes every metric of the spec's `evaluate`, and writes the pictures and result.json.

    `open_run` opens the runs that metrics name. Raises RunFailure: E0509, E0802, E0813 or E0824, if
    a metric cannot be computed.
    """
    loaded = trained.loaded
    pictures = draw_pictures(loaded)
    figures = measure(loaded, requests(loaded.manifest.evaluate), open_run, quiet=quiet)
    result = {
        "name": loaded.manifest.name,
        "epochs": trained.counters.epoch,
        "steps": trained.counters.total,
        "skipped": trained.counters.skipped,
        "seconds": round(trained.counters.seconds, 3),
        "loss": trained.metrics.get("loss"),
        "parts": trained.metrics.get("parts"),
        "evaluate": {name: found.summary() for name, found in figures.items()},
    }
    captions: dict[str, str] = {}
    if loaded.manifest.sampler is not None:
        diagnostics = diagnose(loaded)
        result["posterior"] = diagnostics.as_json()
        captions |= _drawn(loaded.folder, OF_POSTERIOR, diagnostics.data)
    if shared := of_shared(loaded):
        result["shared"] = shared
    guide = diagnose_guide(loaded)
    if guide is not None:
        result["guide"] = guide.as_json()
        captions |= {} if guide.data is None else _drawn(loaded.folder, OF_GUIDE, guide.data)
    if captions:
        result["captions"] = captions
        pictures += tuple(loaded.folder / name for name in captions)
    revisions = run_folder.revisions_of(loaded.folder)
    if revisions:
        result["revisions"] = [{k: own[k] for k in ("step", "changes")} for own in revisions]
    file_io.write_json(loaded.folder / run_folder.RESULT, result)
    return FinalEvaluation(figures, pictures, result)


def _drawn(
    folder: Path,
    pictures: Mapping[str, Callable[[Path, Any], str]],
    data: Any,  # noqa: ANN401
) -> dict[str, str]:
    """Draws pictures of a posterior; the captions of those that there are, by their files."""
    found = {name: draw(folder / name, data) for name, draw in pictures.items()}
    return {name: words for name, words in found.items() if words}


def finished_pictures(trained: Trained) -> tuple[Path, ...] | None:
    """The pictures of a run that had finished before; None if its metrics must be computed.

    It had finished before if this call made no step, and result.json has every metric of its spec
    at its last step.
    """
    run = trained.loaded.folder
    if trained.steps:
        return None
    try:
        result = run_folder.result_of(run)
    except RunFailure:
        return None
    if result.get("steps") != trained.counters.total:
        return None
    if set(result.get("evaluate", {})) != set(trained.loaded.manifest.evaluate):
        return None
    paths = (run / name for name in (LOSS, SAMPLES, PLANE, RECONSTRUCTIONS, *OF_POSTERIOR))
    return tuple(path for path in paths if path.is_file())


def measure(
    loaded: LoadedRun,
    wanted: Mapping[str, Request | MetricRequest],
    open_run: OpenRun = no_other_run,
    *,
    quiet: bool = True,
) -> dict[str, Figure]:
    """The metrics by name, with a progress bar for each unless `quiet`.

    Raises RunFailure: E0509, E0802, E0813 or E0824, if one cannot be computed.
    """
    found: dict[str, Figure] = {}
    for name, request in wanted.items():
        if isinstance(request, MetricRequest):
            with progress_bar(f"{name}: {request.metric} of {request.part}", quiet) as advance:
                found[name] = measure_metric(loaded, request, open_run)
                advance(1.0)
            continue
        label = f"{request.estimator} of {request.part}, {request.counted()}"
        with progress_bar(f"{name}: {label}", quiet) as advance:
            found[name] = estimate(loaded, request, advance)
    return found


def measure_classification(
    loaded: LoadedRun, request: Request, *, quiet: bool = True
) -> dict[str, ClassificationMetrics]:
    """The metrics of the labels, if there are any, with a progress bar unless `quiet`.

    Raises RunFailure: E0509 or E0813, if they cannot be computed.
    """
    if not labels(loaded.manifest):
        return {}
    with progress_bar(f"labels of {request.part}", quiet) as advance:
        return classification_metrics(loaded, request, advance)


def requests(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Request | MetricRequest]:
    """The requests of a manifest's `evaluate`, by the name of the metric."""
    return {
        name: MetricRequest.of(entry) if "metric" in entry else _likelihood(entry)
        for name, entry in entries.items()
    }


def first_likelihood(entries: Mapping[str, Mapping[str, Any]]) -> Request | None:
    """The first likelihood metric in a manifest's `evaluate`; None if there is none."""
    found = requests(entries).values()
    return next((request for request in found if isinstance(request, Request)), None)


def _likelihood(entry: Mapping[str, Any]) -> Request:
    return Request(
        estimator=str(entry.get("estimator", "iwae")),
        particles=int(entry.get("particles", 1000)),
        part=str(entry.get("data", "test")),
        rows=entry.get("rows"),
        seed=int(entry.get("seed", 0)),
        **{key: entry[key] for key in ANNEALING if key in entry},
    )


def draw_pictures(loaded: LoadedRun) -> tuple[Path, ...]:
    """Draws the pictures that the program and the data of a run allow."""
    found = []
    metrics = run_folder.read_metrics(loaded.folder)
    if len(metrics) > 1:
        path = loaded.folder / LOSS
        loss_curve(path, metrics, loaded.manifest.name, loaded.manifest.losses)
        found.append(path)
    shown = picture_field(loaded)
    part = loaded.held_out
    program = loaded.program
    drawn = _samples(loaded, shown, part) if program.can(SAMPLE) else None
    if drawn is not None:
        path = loaded.folder / SAMPLES
        write_png(path, drawn)
        found.append(path)
    points = plane_field(loaded) if loaded.data else None
    if points is not None:
        found.append(plane(loaded, points, part))
    pairs = _pairs(loaded, shown, part) if shown else None
    if pairs is not None:
        path = loaded.folder / RECONSTRUCTIONS
        write_png(path, pairs)
        found.append(path)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PictureField:
    """An observed node whose values are pictures, and the range of its data, from black to white.

    The pictures and the range are in the units of the data.
    """

    name: str
    picture: tuple[int, ...]
    tones: tuple[float, float] = (0.0, 1.0)


def picture_field(loaded: LoadedRun) -> PictureField | None:
    """The first observed node whose field is a picture."""
    fields = loaded.manifest.fields
    for name in loaded.manifest.simulated():
        picture = fields[name].picture if name in fields else None
        if picture:
            return PictureField(name, picture, _tones(loaded, name))
    return None


def _samples(loaded: LoadedRun, shown: PictureField | None, part: str) -> Pixels | None:
    """Samples of a picture, or of a grid of classes, from black to white; None if there is none."""
    levels = _classes_on_a_grid(loaded) if shown is None else None
    if shown is not None:
        rows = sample(loaded, ROWS, part=part).in_data_units(loaded).shown()[shown.name]
        return grid(rows, shown.picture, tones=shown.tones)
    if levels is None:
        return None
    classes = sample(loaded, ROWS, part=part).values[levels.name].argmax(-1)
    return grid(classes, levels.picture, tones=levels.tones)


def _classes_on_a_grid(loaded: LoadedRun) -> PictureField | None:
    """The first observed node that has a one-hot vector in each place of a grid."""
    fields = loaded.manifest.fields
    for name in (n for n in loaded.manifest.simulated() if n in fields):
        shape, classes = fields[name].shape, fields[name].one_hot
        if classes and len(shape) == 3:
            return PictureField(name, shape[:2], (0.0, classes - 1.0))
    return None


def _tones(loaded: LoadedRun, name: str) -> tuple[float, float]:
    """The range of the first rows, or 0 to 1 if they are within it."""
    if loaded.data is None:
        return 0.0, 1.0
    rows = rows_of_part(loaded, loaded.data.names[0], ROWS)
    values = in_data_units(loaded, rows)[name].double()
    low, high = values.min().item(), values.max().item()
    return (low, high) if low < 0 or high > 1 else (0.0, 1.0)


def _pairs(loaded: LoadedRun, shown: PictureField, part: str) -> Pixels | None:
    """Four pairs of a line of data and a line of reconstructions; missing entries are grey.

    None if the guide does not draw everything that the means of the data need.
    """
    if not (loaded.program.can(GUIDE) and loaded.program.can(MEAN)):
        return None
    across, down = 16, 4
    found = reconstruct(loaded, across * down, part=part).in_data_units(loaded)
    if shown.name not in found.means:
        return None
    data = _with_grey(loaded, shown, found.values).reshape(down, across, -1)
    means = found.means[shown.name].reshape(down, across, -1)
    lines = torch.stack([data, means], dim=1).reshape(2 * down * across, -1)
    return grid(lines, shown.picture, across, shown.tones)


def _with_grey(loaded: LoadedRun, shown: PictureField, batch: Mapping[str, Tensor]) -> Tensor:
    """The rows of a batch, with the grey HOLE for missing entries."""
    values, fields = batch[shown.name], loaded.manifest.fields
    missing = fields[shown.name].missing if fields else None
    if missing is None:
        return values
    known = batch[missing.known]
    low, high = shown.tones
    known = known.reshape(*known.shape, *[1] * (values.ndim - known.ndim))
    return torch.where(known, values, low + HOLE * (high - low))
