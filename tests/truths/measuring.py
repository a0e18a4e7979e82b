"""Rows, figures and draws of a run as numpy arrays; counts against probabilities."""

import numpy as np
import torch
from scipy import stats

from specc.evaluate import user_rows
from specc.evaluate.estimate import estimate
from specc.evaluate.sampling import sample
from specc.evaluate.scoring import Request, fixed_batch

Z = 4.5
"""Standard errors that are allowed: a sound program is beyond them once in 150,000 checks."""

REFUSED = 1e-6
"""The probability of counts as strange as those that are refused."""


AT_ONCE = 8192
"""Rows that are computed together."""


def rows(run, part, field):
    """The values of a field, before anything random is done to them."""
    resident = run.loaded.data.part(part).fields[field]
    return resident.batch(slice(None), None).double().numpy()


def scored(run, part, revealed=False):
    """The rows of a part as `bound` takes them, each binarized once, every field by its name.

    What is hidden for an experiment is hidden, unless it is to be `revealed`.
    """
    taken = run.loaded.data.part(part)
    taken = taken.revealed() if revealed else taken
    found = fixed_batch(run.loaded, taken, slice(0, len(taken)), 0)
    return {name: value.numpy() for name, value in found.items()}


def bound(run, particles, part="test", estimator="iwae"):
    """A figure of a part of the data, with the values of its rows."""
    request = Request(estimator=estimator, particles=particles, part=part)
    return estimate(run.loaded, request)


def log_prob(run, particles=1, **fields):
    """log p of rows that are given here, or the bound on it: [rows]."""
    tensors = {name: torch.as_tensor(value) for name, value in fields.items()}
    pieces = zip(*(value.split(AT_ONCE) for value in tensors.values()), strict=True)
    batches = (dict(zip(tensors, piece, strict=True)) for piece in pieces)
    found = [user_rows.log_prob(run.loaded, batch, particles, 0) for batch in batches]
    return torch.cat(found).double().numpy()


def draws(run, count, seed=0):
    """Rows drawn from the model, every node by its name."""
    drawn = sample(run.loaded, count, seed).values
    return {name: value.double().numpy() for name, value in drawn.items()}


def weights(run):
    """What was learnt, by name: `model.table`, `guide.encoder.0.weight`."""
    state = run.loaded.program.state_dict()
    return {name: value.double().numpy() for name, value in state.items()}


def error(values):
    """The standard error of a mean."""
    return values.std(ddof=1) / len(values) ** 0.5


def follows(counts, probabilities):
    """Whether a chi-square test believes counts, the rarest put together to ten expected ones.

    Refuses sound counts once in a million times.
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
