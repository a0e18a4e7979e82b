"""Two moons with three labels a class: rows without a label lower the error.

The seed of a case chooses the labelled rows, the weights and the batches.
"""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from benchmarks.semi_supervised import NETWORKS, Trained, error, rows_of


def errors(name, seed, folder, **changes):
    """The error of labels alone, and of a gallery spec."""
    trained = Trained(seed, {key.replace("_", "."): v for key, v in changes.items()}, threads=1)
    return error(trained.alone(name, folder)), error(trained.model(name, folder))


def test_a_mean_teacher_is_better_than_its_labels(tmp_path):
    """A short run: a sixth of the steps of the gallery."""
    alone, teacher = errors("mean_teacher", 7, tmp_path, train_steps=300)
    assert teacher < 0.6 * alone


def test_without_its_consistency_it_is_no_better(tmp_path):
    """The control: the student then learns from its labels alone."""
    alone, teacher = errors("mean_teacher", 7, tmp_path, train_steps=300, constants_weight=0)
    assert teacher > 0.8 * alone


def test_the_labelled_rows_are_those_of_the_seed(tmp_path):
    """Both are trained on the same six rows."""
    trained = Trained(3, {"train.steps": 1}, threads=1)
    runs = trained.alone("mean_teacher", tmp_path), trained.model("mean_teacher", tmp_path)
    few = [rows_of(run, "train") for run in runs]
    assert all(torch.equal(few[0][name], few[1][name]) for name in ("x", "y"))
    assert few[0]["y"].bincount().tolist() == [3, 3]


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_error_of_ten_draws_of_labels_is_lower(name, tmp_path):
    """The 95 % interval of the paired difference is above 0."""
    found = [errors(name, seed, tmp_path / str(seed)) for seed in range(10)]
    less = [alone - other for alone, other in found]
    low, _ = stats.t.interval(0.95, 9, loc=sum(less) / 10, scale=stats.sem(less))
    assert low > 0, found
