"""How well a program tells the class of a row, and how far its probabilities are to be believed.

A label is an observed node of one number a row, out of finitely many, that is read from the data.
With `rest` the other fields of a row, the probability of its class is by Bayes' rule

    p(y = c | rest) = p(rest, y = c) / sum_b p(rest, y = b)

where each log p is the value or the bound that `estimate` uses, from the same random numbers.

    accuracy            a, the share of rows with argmax_c p(y = c | rest) = y; its standard error
                        is sqrt(a (1 - a) / n); nan for one row
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
from specc.engine.opened import OpenRun
from specc.evaluate.anatomy import Share
from specc.evaluate.calibration import Bin, binned, calibration_error
from specc.evaluate.scoring import Advance, Request, Scorer, scoring, within
from specc.runtime.manifest import Field, Manifest
from specc.runtime.program import Program

PREDICT = "guide.predict"
MOST_CLASSES = 1000
"""What has more values than this is no label: each of them takes an estimate of its own."""


@dataclass(frozen=True, slots=True)
class Label:
    """The figures of one label; `probabilities` are p(y = c | rest), [rows, classes].

    They are of the rows that have the label. `guided` is the accuracy of argmax_c q(y = c | rest),
    where the guide says it.
    """

    part: str
    estimator: str
    particles: int
    rows: int
    accuracy: Share
    log_score: Share
    calibration_error: float
    bins: tuple[Bin, ...]
    probabilities: Tensor
    guided: Share | None = None

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
            **({"guide_accuracy": asdict(self.guided)} if self.guided is not None else {}),
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
            known, *posterior = _log_posterior(scorer, name, classes, own)
            if not known.any():
                continue
            label = _label(request, scorer, *(value[known] for value in posterior))
            found[name] = replace(label, guided=_guided(scorer, name, classes))
    return found


def _guided(scorer: Scorer, name: str, classes: range) -> Share | None:
    """How often the guide gives the label of a row the largest probability."""
    right = []
    for _, batch, _ in scorer.batches(lambda done: None):
        log_q = predicted(scorer.opened.program, batch).get(name)
        if log_q is None:
            return None
        own = (log_q.argmax(-1) == batch[name].long() - classes.start)[_known(scorer, batch, name)]
        right.append(own.cpu())
    return _share_of(torch.cat(right))


def predicted(program: Program, batch: Batch) -> dict[str, Tensor]:
    """Log q(y = c | rest) of the labels that the guide draws from data: [rows, classes]."""
    if not program.can(PREDICT):
        return {}
    found: dict[str, Tensor] = program.require(PREDICT)(**program.inputs(PREDICT, batch))
    return found


def _known(scorer: Scorer, batch: Batch, name: str) -> Tensor:
    """Which rows of a batch have the label."""
    mask = _mask(scorer.opened.manifest, name)
    return torch.ones_like(batch[name], dtype=torch.bool) if mask is None else batch[mask]


def _mask(manifest: Manifest, name: str) -> str | None:
    missing = manifest.data.fields[name].missing if manifest.data is not None else None
    return None if missing is None else missing.known


def _log_posterior(
    scorer: Scorer, name: str, classes: range, advance: Advance
) -> tuple[Tensor, Tensor, Tensor]:
    """Which rows have a class, log p(y = c | rest), [rows, classes], and each row's own, [rows]."""
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
    found, mask = [], _mask(scorer.opened.manifest, name)
    there = {} if mask is None else {mask: torch.ones_like(batch[mask])}
    for number, value in enumerate(classes):
        own = within(advance, number / len(classes), (number + 1) / len(classes))
        given = {**batch, name: torch.full_like(batch[name], value), **there}
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
    error = math.sqrt(share * (1.0 - share) / len(right)) if len(right) > 1 else math.nan
    return Share(share, error)


def _mean(values: Tensor) -> Share:
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Share(values.mean().item(), error)
