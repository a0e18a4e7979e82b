"""Translations between unpaired sets: the pairs that nobody gave are found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from specc.data.sources.toy import clusters, rotated
from specc.evaluate.sampling import rows_of_part
from tests.truths.gallery import trained

CENTRES = np.array([[1.0, 0.0], [-0.4, 0.9], [-0.5, -0.6]])
ANGLE = 40


def figures(run, points=4000):
    """The share of translations in the right cluster, and the distances as parts of the radius."""
    x, part = clusters(np.random.default_rng(5), points)
    turned = torch.tensor(rotated(x, ANGLE), dtype=torch.float32)
    model, x = run.loaded.program.model, torch.tensor(x, dtype=torch.float32)
    with torch.no_grad():
        found = model.b(x)
        again = model.a(found)
    centres = torch.tensor(rotated(CENTRES, ANGLE), dtype=torch.float32)
    nearest = torch.cdist(found, centres).argmin(1)
    radius = x.square().sum(1).mean().sqrt()
    away = [((a - b).square().sum(1).mean().sqrt() / radius).item()
            for a, b in ((found, turned), (again, x))]  # fmt: skip
    return (nearest == torch.tensor(part)).double().mean().item(), *away


def test_before_training_nothing_is_rotated(tmp_path):
    """The control: near the identity a point is in its cluster, and far from where it belongs."""
    run = trained("cyclegan", tmp_path, ("train.steps=1", "evaluate=null"))
    _, away, _ = figures(run)
    assert away > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_cycle_recovers_the_rotation(seed, tmp_path):
    """Published as a property of images alone; of points it is a number: below 5 % both ways."""
    run = trained("cyclegan", tmp_path, (f"train.seed={seed}", "evaluate=null"))
    paired, away, cycle = figures(run)
    assert paired > 0.999, paired
    assert away < 0.05, away
    assert cycle < 0.05, cycle


def digit_figures(run):
    """The error of the negatives of held-out digits, and the share that is nearest to its own."""
    x = rows_of_part(run.loaded, "test", 400)["a"]
    with torch.no_grad():
        found = run.loaded.program.model.b(x)
    variance = (x - x.mean(0)).square().mean()
    wrong = (found - (1 - x)).square().mean() / variance
    nearest = torch.cdist(found.flatten(1), (1 - x).flatten(1)).argmin(1)
    return wrong.item(), (nearest == torch.arange(len(x))).double().mean().item()


def test_before_training_no_digit_is_a_negative(tmp_path):
    run = trained("cyclegan_digits", tmp_path, ("train.steps=1", "evaluate=null"))
    wrong, paired = digit_figures(run)
    assert wrong > 0.5
    assert paired < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_cycle_recovers_the_negatives_of_digits(seed, tmp_path):
    run = trained("cyclegan_digits", tmp_path, (f"train.seed={seed}", "evaluate=null"))
    wrong, paired = digit_figures(run)
    assert wrong < 0.1, wrong
    assert paired > 0.99, paired
