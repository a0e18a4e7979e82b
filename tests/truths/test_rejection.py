"""Classifiers that reject or separate: GWIN and max-Mahalanobis means, on digits."""

import numpy as np
import pytest
import torch

from specc.runtime.noise import Noise
from tests.truths.gallery import trained
from tests.truths.measuring import rows

CERTAIN = 0.9
"""The probability of a class below which a prediction is rejected."""


def tensors(run):
    x = torch.tensor(rows(run, "test", "x"), dtype=torch.float32).reshape(-1, 64)
    return x, torch.tensor(rows(run, "test", "y")).long()


@torch.no_grad()
def repaired(run, is_shuffled=False):
    """Of noisy digits: which are certain, which are right, and which are after the repair.

    With `is_shuffled` the generator gets the queries of other rows.
    """
    model, repair, noise = run.loaded.program.model, run.loaded.program.repair, Noise.at(3)
    x, y = tensors(run)
    query = repair.query(x, noise.normal(x.shape))
    given = query.flip(0) if is_shuffled else query
    fixed = repair.fixed(given, noise.normal((len(x), 8)))
    before, after = (model.classify(each).softmax(-1) for each in (query, fixed))
    certain = before.max(-1).values > CERTAIN
    right, again = before.argmax(-1) == y, after.argmax(-1) == y
    return certain.numpy(), right.numpy(), again.numpy()


def shares(certain, right, again):
    """Accuracies: of the certain ones, of the rejected ones, of these after the repair, of all."""
    return (
        right[certain].mean(),
        right[~certain].mean(),
        again[~certain].mean(),
        np.where(certain, right, again).mean(),
    )


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    settings = ("objective.stages.1.epochs=8", "evaluate={}")
    return trained("gwin", tmp_path_factory.mktemp("gwin"), settings)


def test_a_repair_makes_rejected_queries_right(brief):
    """Certain predictions are right more often, and repaired queries more than rejected ones.

    That of another row is right by chance alone.
    """
    certain, right, again = repaired(brief)
    of_certain, of_rejected, of_repaired, _ = shares(certain, right, again)
    assert 0.2 < certain.mean() < 0.9
    assert of_certain > of_rejected + 0.15
    assert of_repaired > of_rejected + 0.05
    assert shares(*repaired(brief, is_shuffled=True))[2] < 0.3


@pytest.fixture(scope="module")
def separated(tmp_path_factory):
    return trained("max_mahalanobis", tmp_path_factory.mktemp("means"), ("train.epochs=15",))


def test_means_are_as_far_apart_as_they_can_be(separated):
    """The least distance of ten points on a sphere is at most that of a simplex (Pang et al. 2018).

    It is sqrt(2 K / (K - 1)) times the radius; means of ten axes are nearer.
    """
    means = separated.loaded.program.model.means().double()
    radius = means.norm(dim=1)
    assert torch.allclose(radius, torch.full_like(radius, 10**0.5))
    distances = torch.pdist(means)
    assert torch.allclose(distances, torch.full_like(distances, (200 / 9) ** 0.5))
    assert torch.pdist(10**0.5 * torch.eye(10)).min() < distances.min() - 0.2


@torch.no_grad()
def test_features_point_to_the_mean_of_their_class(separated):
    model, (x, y) = separated.loaded.program.model, tensors(separated)
    features, means = model.feature(x).double(), model.means().double()
    assert (torch.cdist(features, means).argmin(1) == y).double().mean() > 0.93
    centres = torch.stack([features[y == k].mean(0) for k in range(10)])
    alike = torch.nn.functional.cosine_similarity(centres[:, None], means, dim=-1)
    assert alike.diagonal().min() > (alike - torch.diag(alike.diagonal())).max() + 0.1
