"""Rows, metrics and draws of a run as numpy arrays; tests of counts against probabilities."""

import numpy as np
import torch
from scipy import stats

from specc.evaluate import user_rows
from specc.evaluate.estimate import estimate
from specc.evaluate.sampling import sample
from specc.evaluate.scoring import Request, fixed_batch

Z = 4.5
"""The bound in standard errors; a correct program exceeds it in one of 150,000 checks."""

REFUSED = 1e-6
"""The p-value below which counts are rejected."""


AT_ONCE = 8192
"""The number of rows of a chunk."""


def rows(run, part, field):
    """The values of a field, before random binarization."""
    resident = run.loaded.data.part(part).fields[field]
    return resident.batch(slice(None), None).double().numpy()


def scored(run, part, revealed=False):
    """The rows of a part by field, as inputs of `bound`, each binarized once.

    Values hidden for an experiment are missing, unless `revealed`.
    """
    taken = run.loaded.data.part(part)
    taken = taken.revealed() if revealed else taken
    found = fixed_batch(run.loaded, taken, slice(0, len(taken)), 0)
    return {name: value.numpy() for name, value in found.items()}


def bound(run, particles, part="test", estimator="iwae"):
    """The estimate on a part of the data, with the values of its rows."""
    request = Request(estimator=estimator, particles=particles, part=part)
    return estimate(run.loaded, request)


def log_prob(run, particles=1, **fields):
    """log p of the given rows, or a bound on it: [rows]."""
    tensors = {name: torch.as_tensor(value) for name, value in fields.items()}
    pieces = zip(*(value.split(AT_ONCE) for value in tensors.values()), strict=True)
    batches = (dict(zip(tensors, piece, strict=True)) for piece in pieces)
    found = [user_rows.log_prob(run.loaded, batch, particles, 0) for batch in batches]
    return torch.cat(found).double().numpy()


def draws(run, count, seed=0):
    """Samples from the model, by the name of the node."""
    drawn = sample(run.loaded, count, seed).values
    return {name: value.double().numpy() for name, value in drawn.items()}


def weights(run):
    """The parameters by name: `model.table`, `guide.encoder.0.weight`."""
    state = run.loaded.program.state_dict()
    return {name: value.double().numpy() for name, value in state.items()}


def error(values):
    """The standard error of a mean."""
    return values.std(ddof=1) / len(values) ** 0.5


def follows(counts, probabilities):
    """Whether a chi-square test accepts counts; rare values are merged to ten expected counts.

    It rejects correct counts with the probability REFUSED.
    """
    counts, expected = np.ravel(counts), np.ravel(probabilities) * np.sum(counts)
    order = np.argsort(expected)
    counts, expected = counts[order], expected[order]
    rare = max(int((np.cumsum(expected) < 10).sum()) + 1, int((expected < 10).sum()))
    observed = np.append(counts[rare:], counts[:rare].sum())
    wanted = np.append(expected[rare:], expected[:rare].sum())
    assert len(wanted) > 1, "there are too few counts to say anything"
    statistic = ((observed - wanted) ** 2 / wanted).sum()
    return stats.chi2.sf(statistic, len(wanted) - 1) > REFUSED
