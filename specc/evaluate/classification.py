"""Classification metrics of labels: accuracy, log score and calibration error.

A label is an observed node with one value per row out of finitely many. Given the other fields of a
row, `rest`, the probability of its class follows from Bayes' rule,

    p(y = c | rest) = p(rest, y = c) / sum_b p(rest, y = b)

where each log p is the value or the bound that `estimate` uses, from the same random numbers.

    accuracy            a, the fraction of rows with argmax_c p(y = c | rest) = y; its standard
                        error is sqrt(a (1 - a) / n), nan for one row
    log score           mean of log p(y | rest)                                  (Good 1952)
    calibration error   that of the confidence max_c p(y = c | rest), see `calibration`
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.calibration import Bin, binned, calibration_error
from specc.evaluate.decomposition import MeanEstimate
from specc.evaluate.scoring import Advance, Request, Scorer, progress_between, scoring
from specc.runtime.manifest import Field, Manifest
from specc.runtime.program import Program

PREDICT = "guide.predict_log_proba"
MOST_CLASSES = 1000
"""The largest number of values of a label, each of which needs an estimate of log p."""


@dataclass(frozen=True, slots=True)
class ClassificationMetrics:
    """The metrics of one label, over the rows that have it.

    `probabilities` are p(y = c | rest), [rows, classes]. `guide_accuracy` is the accuracy of
    argmax_c q(y = c | rest), if the guide draws the label.
    """

    part: str
    estimator: str
    particles: int
    rows: int
    accuracy: MeanEstimate
    log_score: MeanEstimate
    calibration_error: float
    bins: tuple[Bin, ...]
    probabilities: Tensor
    guide_accuracy: MeanEstimate | None = None

    def summary(self) -> dict[str, Any]:
        """The metrics as JSON."""
        guide = self.guide_accuracy
        return {
            "estimator": self.estimator,
            "data": self.part,
            "rows": self.rows,
            "particles": self.particles,
            "classes": self.probabilities.shape[1],
            "accuracy": asdict(self.accuracy),
            "log_score": asdict(self.log_score),
            "calibration_error": self.calibration_error,
            "bins": [asdict(own) for own in self.bins],
            **({} if guide is None else {"guide_accuracy": asdict(guide)}),
        }


def label_classes(manifest: Manifest) -> dict[str, range]:
    """The classes of each label of a program, by its name."""
    fields = manifest.fields
    nodes = manifest.nodes.get("model", {})
    local = [n for n in manifest.observed() if n in fields and not nodes[n].is_global]
    return {name: found for name in local if (found := _classes(fields[name]))}


def _classes(field: Field) -> range:
    """The values of a field with one number per row out of finitely many; else an empty range."""
    low, high = field.support.low, field.support.high
    if field.support.kind != "integers" or field.shape or not math.isfinite(high - low):
        return range(0)
    return range(int(low), int(high) + 1) if 0 < high - low < MOST_CLASSES else range(0)


def classification_metrics(
    loaded: LoadedRun, request: Request, advance: Advance = lambda done: None
) -> dict[str, ClassificationMetrics]:
    """The metrics of every label, by the estimator and on the rows of the request.

    Raises RunFailure: E0509 if the data has no such part, E0813 if the program does not allow the
    estimate; neither if it has no labels.
    """
    every = label_classes(loaded.manifest)
    if not every:
        return {}
    found = {}
    with scoring(loaded, request) as scorer:
        for number, (name, classes) in enumerate(every.items()):
            own = progress_between(advance, number / len(every), (number + 1) / len(every))
            known, *posterior = _log_posterior(scorer, name, classes, own)
            if not known.any():
                continue
            label = _metrics(request, scorer, *(value[known] for value in posterior))
            found[name] = replace(label, guide_accuracy=_guide_accuracy(scorer, name, classes))
    return found


def _guide_accuracy(scorer: Scorer, name: str, classes: range) -> MeanEstimate | None:
    """The accuracy of argmax_c q(y = c | rest); None if the guide does not draw the label."""
    right = []
    for _, batch, _ in scorer.batches(lambda done: None):
        log_q = guide_log_probs(scorer.loaded.program, batch).get(name)
        if log_q is None:
            return None
        own = (log_q.argmax(-1) == batch[name].long() - classes.start)[_known(scorer, batch, name)]
        right.append(own.cpu())
    return _accuracy(torch.cat(right))


def guide_log_probs(program: Program, batch: Batch) -> dict[str, Tensor]:
    """Log q(y = c | rest) of each label that the guide draws: [rows, classes]."""
    if not program.can(PREDICT):
        return {}
    found: dict[str, Tensor] = program.require(PREDICT)(**program.inputs(PREDICT, batch))
    return found


def _known(scorer: Scorer, batch: Batch, name: str) -> Tensor:
    """The mask of rows that have the label: [rows]."""
    mask = _mask(scorer.loaded.manifest, name)
    return torch.ones_like(batch[name], dtype=torch.bool) if mask is None else batch[mask]


def _mask(manifest: Manifest, name: str) -> str | None:
    missing = manifest.fields[name].missing if name in manifest.fields else None
    return None if missing is None else missing.known


def _log_posterior(
    scorer: Scorer, name: str, classes: range, advance: Advance
) -> tuple[Tensor, Tensor, Tensor]:
    """The mask of rows with a class, [rows]; log p(y = c | rest), [rows, classes]; y, [rows]."""
    log_p, truth, known = [], [], []
    for start, batch, own in scorer.batches(advance):
        log_p.append(_log_joint(scorer, batch, start, name, classes, own).log_softmax(-1))
        truth.append(batch[name].long() - classes.start)
        known.append(_known(scorer, batch, name))
    return torch.cat(known).cpu(), torch.cat(log_p).cpu(), torch.cat(truth).cpu()


def _log_joint(
    scorer: Scorer, batch: Batch, start: int, name: str, classes: range, advance: Advance
) -> Tensor:
    """log p(rest, y = c) of a batch: [rows, classes]."""
    found, mask = [], _mask(scorer.loaded.manifest, name)
    masks = {} if mask is None else {mask: torch.ones_like(batch[mask])}
    for number, value in enumerate(classes):
        own = progress_between(advance, number / len(classes), (number + 1) / len(classes))
        rows = {**batch, name: torch.full_like(batch[name], value), **masks}
        found.append(scorer.score(rows, start, own).values)
    return torch.stack(found, -1)


def _metrics(
    request: Request, scorer: Scorer, log_p: Tensor, truth: Tensor
) -> ClassificationMetrics:
    """The metrics from log p(y = c | rest), [rows, classes], and the classes `truth`, [rows]."""
    confidence, chosen = log_p.exp().max(-1)
    # A row whose probabilities are not finite counts as wrong.
    right = (chosen == truth) & confidence.isfinite()
    bins = binned(confidence, right)
    return ClassificationMetrics(
        part=request.part,
        estimator=scorer.estimator,
        particles=scorer.particles,
        rows=len(truth),
        accuracy=_accuracy(right),
        log_score=_mean(log_p.gather(-1, truth[:, None]).squeeze(-1)),
        calibration_error=calibration_error(bins),
        bins=bins,
        probabilities=log_p.exp(),
    )


def _accuracy(right: Tensor) -> MeanEstimate:
    share = right.double().mean().item()
    error = math.sqrt(share * (1.0 - share) / len(right)) if len(right) > 1 else math.nan
    return MeanEstimate(share, error)


def _mean(values: Tensor) -> MeanEstimate:
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return MeanEstimate(values.mean().item(), error)
