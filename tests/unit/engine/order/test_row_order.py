"""Rows with a value are spread evenly over an epoch, and visited as often as the field says."""

import pytest
import torch

from specc.data.fields import FieldRows
from specc.data.load import Rows
from specc.engine.order.row_order import row_order, rows_per_epoch
from specc.runtime.fields import Field, Missing, Support

CPU = torch.device("cpu")


def rows(known, repeat=1, count=200):
    missing = Missing("y_known", (), True, repeat=repeat)
    field = Field("y", "y", (), "int64", Support("integers", 0, 9), missing=missing)
    mask = torch.zeros(count, dtype=torch.bool)
    mask[torch.arange(known) * (count // max(known, 1))] = True
    raw = torch.zeros(count, dtype=torch.int64)
    fill = torch.zeros((), dtype=torch.int64)
    return Rows("train", {"y": FieldRows(field, raw, 1.0, torch.int64, None, mask, fill)}), mask


def test_every_batch_has_as_many_rows_with_a_value():
    made, mask = rows(20)
    for epoch in range(5):
        found = row_order(0, epoch, made, CPU)
        assert sorted(found.tolist()) == list(range(200))
        counts = mask[found].reshape(10, 20).sum(1)
        assert counts.max() - counts.min() <= 1


def test_rows_with_a_value_are_visited_again():
    made, mask = rows(20, repeat=3)
    assert rows_per_epoch(made) == 240
    found = row_order(0, 1, made, CPU).bincount(minlength=200)
    assert found[mask].tolist() == [3] * 20
    assert found[~mask].tolist() == [1] * 180
    assert made.observed_fractions(visits=True)["y"] == pytest.approx(0.25)
    assert made.observed_fractions()["y"] == 0.1


def test_the_order_follows_from_seed_and_epoch():
    made, _ = rows(20, repeat=2)
    again = row_order(3, 4, made, CPU)
    assert torch.equal(row_order(3, 4, made, CPU), again)
    assert not torch.equal(row_order(3, 5, made, CPU), again)


def test_rows_that_are_all_known_are_mixed_as_ever():
    from specc.engine.order.streams import order_of

    made, _ = rows(200, repeat=2)
    assert rows_per_epoch(made) == 200
    assert torch.equal(row_order(0, 0, made, CPU), order_of(0, 0, 200, CPU))
