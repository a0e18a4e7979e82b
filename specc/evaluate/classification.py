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
from specc.evaluate.free_energies import joint_scoring
from specc.evaluate.scoring import Advance, Request, Scorer, progress_between
from specc.runtime.fields import Field
from specc.runtime.manifest import Manifest
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


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a program: its classes, and whether its values are one-hot vectors of them."""

    classes: range
    is_one_hot: bool = False

    def full(self, like: Tensor, number: int) -> Tensor:
        """The class with this number, from 0, in each row of a tensor like `like`."""
        if not self.is_one_hot:
            return torch.full_like(like, self.classes[number])
        found = torch.zeros_like(like)
        found[..., number] = 1
        return found

    def numbers(self, values: Tensor) -> Tensor:
        """The numbers of classes, from 0: [rows]."""
        return values.argmax(-1) if self.is_one_hot else values.long() - self.classes.start


def labels(manifest: Manifest) -> dict[str, Label]:
    """The labels of a program whose probabilities depend on no other row, by name."""
    return {} if manifest.coupled else every_label(manifest)


def every_label(manifest: Manifest) -> dict[str, Label]:
    """The labels of a program by name: fields of finite numbers, and observed one-hot vectors."""
    found = {name: Label(classes) for name, classes in label_classes(manifest).items()}
    nodes = manifest.nodes.get("model", {})
    for name, field in manifest.fields.items():
        if field.one_hot and field.shape == (field.one_hot,) and nodes[name].role == "observed":
            found[name] = Label(range(field.one_hot), is_one_hot=True)
    return found


def label_classes(manifest: Manifest) -> dict[str, range]:
    """The classes of each label of a program whose values are numbers, by its name."""
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
    every = labels(loaded.manifest)
    if not every:
        return {}
    found = {}
    with joint_scoring(loaded, request) as scorer:
        for number, (name, label) in enumerate(every.items()):
            own = progress_between(advance, number / len(every), (number + 1) / len(every))
            known, *posterior = _log_posterior(scorer, name, label, own)
            if not known.any():
                continue
            metrics = _metrics(request, scorer, *(value[known] for value in posterior))
            found[name] = replace(metrics, guide_accuracy=_guide_accuracy(scorer, name, label))
    return found


def _guide_accuracy(scorer: Scorer, name: str, label: Label) -> MeanEstimate | None:
    """The accuracy of argmax_c q(y = c | rest); None if the guide does not draw the label."""
    right = []
    for _, batch, _ in scorer.batches(lambda done: None):
        log_q = guide_log_probs(scorer.loaded.program, batch).get(name)
        if log_q is None:
            return None
        own = (log_q.argmax(-1) == label.numbers(batch[name]))[_known(scorer, batch, name)]
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
    if mask is not None:
        return batch[mask]
    return torch.ones(len(batch[name]), dtype=torch.bool, device=batch[name].device)


def _mask(manifest: Manifest, name: str) -> str | None:
    missing = manifest.fields[name].missing if name in manifest.fields else None
    return None if missing is None else missing.known


def _log_posterior(
    scorer: Scorer, name: str, label: Label, advance: Advance
) -> tuple[Tensor, Tensor, Tensor]:
    """The mask of rows with a class, [rows]; log p(y = c | rest), [rows, classes]; y, [rows]."""
    log_p, truth, known = [], [], []
    for start, batch, own in scorer.batches(advance):
        log_p.append(_log_joint(scorer, batch, start, name, label, own).log_softmax(-1))
        truth.append(label.numbers(batch[name]))
        known.append(_known(scorer, batch, name))
    return torch.cat(known).cpu(), torch.cat(log_p).cpu(), torch.cat(truth).cpu()


def _log_joint(
    scorer: Scorer, batch: Batch, start: int, name: str, label: Label, advance: Advance
) -> Tensor:
    """log p(rest, y = c) of a batch: [rows, classes]."""
    found, mask = [], _mask(scorer.loaded.manifest, name)
    masks = {} if mask is None else {mask: torch.ones_like(batch[mask])}
    count = len(label.classes)
    for number in range(count):
        own = progress_between(advance, number / count, (number + 1) / count)
        rows = {**batch, name: label.full(batch[name], number), **masks}
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
