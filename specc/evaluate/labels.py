"""How well a program tells the class of a row, and how far its probabilities are to be believed.

A label is an observed node of one number a row, out of finitely many, that is read from the data.
With `rest` the other fields of a row, the probability of its class is by Bayes' rule

    p(y = c | rest) = p(rest, y = c) / sum_b p(rest, y = b)

where each log p is the value or the bound that `estimate` uses, from the same random numbers.

    accuracy            a, the share of rows with argmax_c p(y = c | rest) = y; its standard error
                        is sqrt(a (1 - a) / n)
    log score           mean of log p(y | rest)                                  (Good 1952)
    calibration error   that of the confidence max_c p(y = c | rest), see `calibration`
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.opened import OpenRun
from specc.evaluate.anatomy import Share
from specc.evaluate.calibration import Bin, binned, calibration_error
from specc.evaluate.scoring import Advance, Request, Scorer, scoring, within
from specc.runtime.manifest import Field, Manifest

MOST_CLASSES = 1000
"""What has more values than this is no label: each of them takes an estimate of its own."""


@dataclass(frozen=True, slots=True)
class Label:
    """The figures of one label; `probabilities` are p(y = c | rest), [rows, classes]."""

    part: str
    estimator: str
    particles: int
    rows: int
    accuracy: Share
    log_score: Share
    calibration_error: float
    bins: tuple[Bin, ...]
    probabilities: Tensor

    def summary(self) -> dict[str, Any]:
        """The figures as JSON."""
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
        }


def labels_of(manifest: Manifest) -> dict[str, range]:
    """The labels of a program by name, with the classes of each."""
    fields = manifest.data.fields if manifest.data is not None else {}
    nodes = manifest.nodes.get("model", {})
    local = [n for n in manifest.observed() if n in fields and not nodes[n].is_global]
    return {name: found for name in local if (found := _classes(fields[name]))}


def _classes(field: Field) -> range:
    """The values of a field, where it is one number out of finitely many; else none."""
    low, high = field.support.low, field.support.high
    if field.support.kind != "integers" or field.shape or not math.isfinite(high - low):
        return range(0)
    return range(int(low), int(high) + 1) if 0 < high - low < MOST_CLASSES else range(0)


def labels(
    opened: OpenRun, request: Request, advance: Advance = lambda done: None
) -> dict[str, Label]:
    """The figures of every label, by the estimator and on the rows that are asked for.

    Raises RunFailure E0509 where the data has no such part, E0813 where the program allows no such
    estimate; neither, where it has no labels.
    """
    every = labels_of(opened.manifest)
    if not every:
        return {}
    found = {}
    with scoring(opened, request) as scorer:
        for number, (name, classes) in enumerate(every.items()):
            own = within(advance, number / len(every), (number + 1) / len(every))
            found[name] = _label(request, scorer, *_log_posterior(scorer, name, classes, own))
    return found


def _log_posterior(
    scorer: Scorer, name: str, classes: range, advance: Advance
) -> tuple[Tensor, Tensor]:
    """log p(y = c | rest), [rows, classes], and the number of each row's own class, [rows]."""
    log_p, truth = [], []
    for start, batch, own in scorer.batches(advance):
        log_p.append(_log_joint(scorer, batch, start, name, classes, own).log_softmax(-1))
        truth.append(batch[name].long() - classes.start)
    return torch.cat(log_p).cpu(), torch.cat(truth).cpu()


def _log_joint(
    scorer: Scorer, batch: Batch, start: int, name: str, classes: range, advance: Advance
) -> Tensor:
    """log p(rest, y = c) of a batch: [rows, classes]."""
    found = []
    for number, value in enumerate(classes):
        own = within(advance, number / len(classes), (number + 1) / len(classes))
        given = {**batch, name: torch.full_like(batch[name], value)}
        found.append(scorer.score(given, start, own).values)
    return torch.stack(found, -1)


def _label(request: Request, scorer: Scorer, log_p: Tensor, truth: Tensor) -> Label:
    confidence, chosen = log_p.exp().max(-1)
    # A model that has no probabilities has not guessed right.
    right = (chosen == truth) & confidence.isfinite()
    bins = binned(confidence, right)
    return Label(
        part=request.part,
        estimator=scorer.estimator,
        particles=scorer.particles,
        rows=len(truth),
        accuracy=_share_of(right),
        log_score=_mean(log_p.gather(-1, truth[:, None]).squeeze(-1)),
        calibration_error=calibration_error(bins),
        bins=bins,
        probabilities=log_p.exp(),
    )


def _share_of(right: Tensor) -> Share:
    share = right.double().mean().item()
    return Share(share, math.sqrt(share * (1.0 - share) / len(right)))


def _mean(values: Tensor) -> Share:
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Share(values.mean().item(), error)
