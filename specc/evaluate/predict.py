"""Prediction of the observed nodes of rows from the values that the model conditions on.

The predictive distribution of y given x averages over what is unknown,

    p(y | x) = 1/S sum_s p(y | x, w_s)

with w_s the draws of a sampler or of a guide for the latents that rows share; without such latents
it is p(y | x) of the model. Each of S draws y_s ~ p(y | x, w_s) is independent given w_s. The
latents of a row, drawn or summed out, average over their prior given x: z_s ~ p(z | x, w_s).

    mean            1/S sum_s E[y | x, z_s, w_s] if the model has that mean in closed form, else the
                    mean of the y_s
    sd, quantiles   those of the y_s
    probabilities   of a label, the only observed node: p(y = c | x) if it is exact; else the mean
                    of p(y = c | x, z_s, w_s); else the fractions of the y_s

Latents of elements of a plate that are summed out are drawn from their posterior given all training
rows. Nothing observed of a new row is used: `specc impute` draws the rest of a row given a part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specc.data.load import Batch, Rows, load
from specc.data.other_rows import other_rows
from specc.data.split import TRAIN
from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.classification import Label, every_label
from specc.evaluate.element_draws import ELEMENTS, ElementDraws
from specc.evaluate.guide_draws import JOINT, GuideDraws
from specc.evaluate.posterior_draws import PosteriorDraws
from specc.evaluate.sampling import MEAN, SAMPLE, SHARED
from specc.evaluate.scoring import PREDICTIVE, Advance, choose_estimator, exact, fixed_batch
from specc.evaluate.solver_checks import require_solutions
from specc.evaluate.units import Units, conversions, in_data_units
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.noise import Noise

QUANTILES = (0.05, 0.5, 0.95)
BUDGET = 1 << 27
"""Bytes of the draws of one chunk of rows."""


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """A request for predictions: the number of draws, the quantiles, and the rows of a part."""

    draws: int = 1000
    quantiles: tuple[float, ...] = QUANTILES
    part: str = "test"
    rows: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Prediction:
    """The predictive distribution of an observed node, in float64.

    Attributes:
        mean: The mean, or the most probable class of a label: [rows, *shape].
        sd: The standard deviation: [rows, *shape].
        quantiles: The quantiles by their levels, each [rows, *shape].
        probabilities: The probabilities of the classes of a label: [rows, classes].
        classes: The classes of a label.
        truth: The values of the rows, if they are known: [rows, *shape].

    """

    mean: Tensor
    sd: Tensor
    quantiles: Mapping[float, Tensor]
    probabilities: Tensor | None = None
    classes: range = range(0)
    truth: Tensor | None = None

    def summary(self) -> dict[str, Any]:
        """The number of rows, and the errors where the truth is known, as JSON.

        `coverage` is the fraction of values between the lowest and the highest quantile.
        """
        found: dict[str, Any] = {"rows": len(self.mean)}
        if self.truth is None:
            return found
        known = self.truth.isfinite()
        if not known.any():
            return found
        away = (self.mean - self.truth)[known]
        if self.probabilities is not None:
            return {**found, "accuracy": (away == 0).double().mean().item()}
        found["rmse"] = math.sqrt(away.square().mean().item())
        if len(self.quantiles) > 1:
            low, high = (self.quantiles[f(self.quantiles)] for f in (min, max))
            inside = (low <= self.truth) & (self.truth <= high)
            found["interval"] = max(self.quantiles) - min(self.quantiles)
            found["coverage"] = inside[known].double().mean().item()
        return found

    def label(self) -> Tensor | None:
        """The most probable class of a label: [rows]; None for numbers."""
        return None if self.probabilities is None else self.mean.long()

    def columns(self) -> dict[str, Tensor]:
        """The arrays for a table by what they are: `mean`, `sd`, `5%`; of a label `p`."""
        if self.probabilities is not None:
            return {"p": self.probabilities}
        own = {f"{100 * level:g}%": value for level, value in self.quantiles.items()}
        return {"mean": self.mean, "sd": self.sd, **own}


@torch.inference_mode()
def predict(
    loaded: LoadedRun,
    request: PredictionRequest,
    file: Path | None = None,
    units: Units = "data",
    advance: Advance = lambda done: None,
) -> dict[str, Prediction]:
    """The predictions of all observed nodes: for rows of a file, else for a part of the data.

    The file needs the fields that the model conditions on. Predictions are in `units`.

    Raises RunFailure: E0505 to E0509 if the rows do not fit, E0805 if the program cannot be
    sampled, E0838 if it conditions on nothing.
    """
    _require_given(loaded)
    rows = _rows(loaded, request, file)
    predictor = Predictor(loaded, request, units)
    count = len(rows) if request.rows is None else min(request.rows, len(rows))
    pieces: list[dict[str, Prediction]] = []
    with loaded.computing(), require_solutions(loaded.program.folder):
        loaded.program.eval()
        for start in range(0, count, predictor.size):
            stop = min(start + predictor.size, count)
            batch = fixed_batch(loaded, rows, slice(start, stop), request.seed)
            pieces.append(predictor.of(batch, start))
            advance(stop / count)
    return {name: _joined([piece[name] for piece in pieces]) for name in pieces[0]}


@torch.inference_mode()
def given_values(
    loaded: LoadedRun,
    request: PredictionRequest,
    file: Path | None = None,
    units: Units = "data",
) -> dict[str, Tensor]:
    """The values that the predictions of `predict` condition on, by field: each [rows, *shape]."""
    rows, needed = _rows(loaded, request, file), loaded.program.capabilities[SAMPLE]
    count = len(rows) if request.rows is None else min(request.rows, len(rows))
    batch = fixed_batch(loaded, rows, slice(0, count), request.seed)
    found = {name: batch[name].cpu() for name in needed if name in loaded.manifest.fields}
    return in_data_units(loaded, found) if units == "data" else found


def _require_given(loaded: LoadedRun) -> None:
    loaded.program.require(SAMPLE, "prediction")
    if not loaded.program.capabilities[SAMPLE]:
        message = f"`{loaded.manifest.name}` conditions on no data, so it has nothing to predict by"
        hint = "`specc sample` draws rows; a model predicts `y` from `x: {given: ...}`"
        raise RunFailure("E0838", message, hint=hint, exit_code=USAGE)
    needed, sources = set(loaded.program.capabilities[SAMPLE]), loaded.manifest.sources
    if not any(needed <= own.inputs() for own in sources):
        names = " and ".join(f"`{n}`" for n in sorted(needed & set(loaded.manifest.fields)))
        message = f"the model conditions on {names}, of sources whose rows are not paired"
        hint = "`specc sample` draws from a row of each"
        raise RunFailure("E0838", message, hint=hint, exit_code=USAGE)
    coupled = loaded.manifest.coupled
    if coupled and not loaded.program.can(ELEMENTS):
        message = f"predictions need `{coupled[0]}` given the training rows, and it is summed out"
        hint = f"let the guide draw `{coupled[0]}`, too"
        raise RunFailure("E0838", message, hint=hint, exit_code=USAGE)


def _rows(loaded: LoadedRun, request: PredictionRequest, file: Path | None) -> Rows:
    """The rows to predict, with the observed nodes where they are known."""
    needed = set(loaded.program.capabilities[SAMPLE])
    if file is None:
        return loaded.rows(request.part, needed)
    sources = loaded.manifest.sources
    data = next((own for own in sources if needed & own.inputs()), sources[0])
    chosen = other_rows(data, file, needed, loaded.manifest.observed())
    record = {} if loaded.data is None else loaded.data.record
    found = load(chosen, file.parent, loaded.settings.dtype, record)
    return found.to(loaded.device).parts[TRAIN]


class Predictor:
    """Predictions of batches; `size` is the number of rows of which the draws fit into memory."""

    def __init__(self, loaded: LoadedRun, request: PredictionRequest, units: Units) -> None:
        self.loaded = loaded
        self.program = loaded.program
        self.request = request
        manifest, nodes = loaded.manifest, loaded.manifest.nodes["model"]
        self.nodes = [name for name in manifest.simulated() if not nodes[name].is_global]
        self.labels = {n: own for n, own in every_label(manifest).items() if n in self.nodes}
        self.units = conversions(loaded) if units == "data" else {}
        self.posterior = PosteriorDraws.of(loaded, request.draws)
        self.elements = ElementDraws.of(loaded, request.seed)
        self.is_label = len(self.nodes) == 1 and bool(self.labels)
        self.log_prob = _density(loaded, self.posterior, request) if self.is_label else None
        numbers = sum(math.prod(manifest.fields[name].shape) for name in self.nodes)
        self.size = max(1, BUDGET // (8 * request.draws * max(1, numbers)))

    def of(self, batch: Batch, start: int) -> dict[str, Prediction]:
        """The predictions of the rows of a batch, of which the first has the number `start`."""
        drawn: dict[str, list[Tensor]] = {name: [] for name in self.nodes}
        means: dict[str, Tensor] = {}
        noise = noise_at(self.request.seed, Stream.SAMPLE, 5, start, device=self.loaded.device)
        for values in self._draws(batch, noise):
            for name in self.nodes:
                # A copy, since the next draw of the latents changes the parameters in place.
                own = values[name].to(torch.float64, copy=True)
                drawn[name].append(own if name in self.labels else self._in_units(name, own))
            known = {**batch, **values}
            here = self._means(known)
            if self.is_label and self.log_prob is None:
                here = self._probabilities(known, here)
            for name, mean in here.items():
                means[name] = means[name] + mean if name in means else mean
        found, exact_p = {}, self._exact_probabilities(batch)
        for name in self.nodes:
            every, truth = torch.stack(drawn[name]), self._truth(name, batch)
            if name in self.labels:
                p = exact_p.get(name, means.get(name) if self.is_label else None)
                made = _label(every, self.labels[name], p, truth)
                found[name] = replace(
                    made,
                    mean=self._in_units(name, made.mean),
                    truth=None if made.truth is None else self._in_units(name, made.truth),
                )
            else:
                truth = None if truth is None else self._in_units(name, truth)
                total = means.get(name) if self._is_linear(name) else None
                mean_of = None if total is None else self._in_units(name, total / len(every))
                found[name] = _numbers(every, mean_of, self.request.quantiles, truth)
        return found

    def _draws(self, batch: Batch, noise: Noise) -> Iterator[dict[str, Tensor]]:
        """All nodes of the model, for each draw of the latents that rows share."""
        draw = self.program.require(SAMPLE)
        rows = len(next(iter(batch.values())))
        given = self.program.inputs(SAMPLE, batch)
        for shared in self._shared(noise):
            yield draw(noise, rows, **given, **shared)

    def _shared(self, noise: Noise) -> Iterator[Mapping[str, Tensor]]:
        """Draws of the latents that rows share; those of a sampler become parameters."""
        count, elements = self.request.draws, self.elements
        if self.posterior is not None:
            for _ in range(max(1, -(-count // len(self.posterior)))):
                each = self.posterior.each()
                yield from each if elements is None else elements.beside(each, noise)
        elif elements is not None:
            yield from elements.each(noise, count)
        else:
            for _ in range(count):
                yield self.program.require(SHARED)(noise) if self.program.can(SHARED) else {}

    def _means(self, known: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """E[y | x, z, w] of nodes at draws of the latents, whose mean is that of y given x."""
        if not self.program.can(MEAN) or not set(self.program.capabilities[MEAN]) <= set(known):
            return {}
        rows = self.program.require(MEAN)(**self.program.inputs(MEAN, known))
        return {n: v.double().expand(known[n].shape) for n, v in rows.items() if n in self.nodes}

    def _exact_probabilities(self, batch: Batch) -> dict[str, Tensor]:
        """p(y = c | x) of the only observed node, a label, if the density of a row is exact."""
        if self.log_prob is None:
            return {}
        ((name, label),) = self.labels.items()
        like = batch[name] if name in batch else self._blank(name, batch)
        classes = range(len(label.classes))
        found = [self.log_prob({**batch, name: label.full(like, c)}).double() for c in classes]
        return {name: torch.stack(found, -1).softmax(-1)}

    def _probabilities(self, known: Batch, means: Batch) -> dict[str, Tensor]:
        """p(y = c | x, z, w) of the only observed node, a label, at a draw of the latents.

        It is the mean of a one-hot vector or of a number 0 or 1, else from the joint density.
        """
        ((name, label),) = self.labels.items()
        if label.is_one_hot and name in means:
            return means
        if label.classes == range(2) and name in means:
            return {name: torch.stack([1 - means[name], means[name]], -1)}
        if not self.program.can(JOINT) or not set(self.program.capabilities[JOINT]) <= set(known):
            return {}
        joint, found = self.program.require(JOINT), []
        for number in range(len(label.classes)):
            values = {**known, name: label.full(known[name], number)}
            found.append(joint(**self.program.inputs(JOINT, values)).double())
        return {name: torch.stack(found, -1).softmax(-1)}

    def _blank(self, name: str, batch: Batch) -> Tensor:
        own, rows = self.loaded.manifest.fields[name], len(next(iter(batch.values())))
        kind = torch.int64 if own.dtype == "int64" else self.loaded.settings.dtype
        return torch.zeros(rows, *own.shape, dtype=kind, device=self.loaded.device)

    def _truth(self, name: str, batch: Batch) -> Tensor | None:
        """The values in the units of the model, NaN where one is missing."""
        if name not in batch or name not in self.loaded.manifest.fields:
            return None
        missing = self.loaded.manifest.fields[name].missing
        value = batch[name].double()
        if missing is None or missing.known not in batch:
            return value
        known = batch[missing.known]
        wide = known.reshape(*known.shape, *[1] * (value.ndim - known.ndim))
        return torch.where(wide, value, torch.nan)

    def _in_units(self, name: str, value: Tensor) -> Tensor:
        return self.units[name].to_data(value) if name in self.units else value

    def _is_linear(self, name: str) -> bool:
        """Whether the mean in the units is that of the model, converted; else draws give it."""
        return name not in self.units or self.units[name].is_linear


def _density(
    loaded: LoadedRun, posterior: PosteriorDraws | None, request: PredictionRequest
) -> Callable[[Batch], Tensor] | None:
    """Log p(y | x) of rows without missing values, averaged over draws; None if not exact."""
    has_gaps = any(own.missing is not None for own in loaded.manifest.fields.values())
    if has_gaps or loaded.manifest.coupled:
        return None
    try:
        estimator = choose_estimator(loaded.manifest, "exact")
    except RunFailure:
        return None
    if estimator == PREDICTIVE:
        draws = posterior or GuideDraws.of(loaded, request.draws, request.seed)
        return None if draws is None else draws.log_prob
    return partial(exact, loaded.program) if estimator == "exact" else None


def _numbers(
    drawn: Tensor, mean: Tensor | None, levels: tuple[float, ...], truth: Tensor | None
) -> Prediction:
    """The prediction of numbers from draws, [draws, rows, *shape], and their mean if known."""
    found = np.quantile(drawn.cpu().numpy(), levels, axis=0)
    return Prediction(
        mean=(drawn.mean(0) if mean is None else mean).cpu(),
        sd=drawn.std(0).cpu() if len(drawn) > 1 else torch.full_like(drawn[0], torch.nan).cpu(),
        quantiles={level: torch.from_numpy(own) for level, own in zip(levels, found, strict=True)},
        truth=None if truth is None else truth.cpu(),
    )


def _label(drawn: Tensor, label: Label, p: Tensor | None, truth: Tensor | None) -> Prediction:
    """The prediction of a label by p(y = c) up to a factor, else by the draws' fractions."""
    if p is None:
        numbers = label.numbers(drawn).long()
        p = torch.nn.functional.one_hot(numbers, len(label.classes)).double().mean(0)
    p = p / p.sum(-1, keepdim=True)
    classes = p.argmax(-1) + label.classes.start
    if truth is not None and label.is_one_hot:
        truth = (label.numbers(truth) + label.classes.start).double()
    sd = torch.full(classes.shape, torch.nan, dtype=torch.float64)
    known = None if truth is None else truth.cpu()
    return Prediction(classes.double().cpu(), sd, {}, p.cpu(), label.classes, known)


def _joined(pieces: list[Prediction]) -> Prediction:
    """The concatenation of the rows of several batches."""
    first = pieces[0]

    def every(key: str) -> Tensor | None:
        found = [getattr(piece, key) for piece in pieces]
        return None if found[0] is None else torch.cat(found)

    mean, sd = every("mean"), every("sd")
    assert mean is not None and sd is not None
    quantiles = {q: torch.cat([piece.quantiles[q] for piece in pieces]) for q in first.quantiles}
    return Prediction(mean, sd, quantiles, every("probabilities"), first.classes, every("truth"))
