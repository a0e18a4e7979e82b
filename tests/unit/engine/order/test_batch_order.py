"""Batches of several sources: each row equally often, from seed, epoch and step alone."""

import pytest
import torch

from specc.data.fields import FieldRows
from specc.data.load import Rows
from specc.data.unpaired import Unpaired
from specc.engine.order.batch_order import batch_order, steps_per_epoch
from specc.engine.order.row_order import batches, row_order
from specc.runtime.failure import RunFailure
from specc.runtime.fields import Field, Support
from specc.runtime.noise import Noise

CPU = torch.device("cpu")


def rows(count, name="x"):
    field = Field(name, name, (), "float32", Support("any"))
    return Rows("train", {name: FieldRows(field, torch.arange(count), 1.0, torch.float32)})


def unpaired(*sizes):
    """Sources of (rows, rows in a batch) each, with the fields x0, x1, ..."""
    sources = tuple(rows(count, f"x{n}") for n, (count, _) in enumerate(sizes))
    return Unpaired(sources, tuple(size for _, size in sizes))


def of_run(made, epochs, updates=1):
    """The rows of each source in every update of a run."""
    order = batch_order(made, 99, 3, CPU)
    steps = [(e, s) for e in range(epochs) for s in range(order.per_epoch)]
    return [[order.batches(e, s, updates)[k] for e, s in steps] for k in range(updates)]


def test_one_source_has_the_batches_of_its_permutations():
    made = rows(23)
    order = batch_order(made, 5, 3, CPU)
    assert order.per_epoch == 5
    for epoch in range(2):
        permutation = row_order(3, epoch, made, CPU)
        for step in range(5):
            found, wanted = order.batches(epoch, step, 2), batches(permutation, 5, step, 2)
            assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
    assert torch.equal(order.first(), row_order(3, 0, made, CPU)[:5])


def test_an_epoch_visits_the_source_with_the_most_batches_once():
    assert steps_per_epoch(unpaired((100, 10), (30, 6), (7, 10)), 99) == 10
    assert steps_per_epoch(unpaired((100, 10), (30, 2), (7, 10)), 99) == 15


def test_every_batch_is_full_and_rows_come_equally_often():
    made = unpaired((100, 10), (23, 6), (7, 10))
    (run,) = of_run(made, epochs=3)
    for number, (count, size) in enumerate([(100, 10), (23, 6), (7, 10)]):
        assert {len(batch[number]) for batch in run} == {size}
        every = torch.cat([batch[number] for batch in run])
        for cycle in every.split(count)[: len(every) // count]:
            assert sorted(cycle.tolist()) == list(range(count))


def test_each_cycle_of_each_source_is_shuffled_by_itself():
    (run,) = of_run(unpaired((40, 10), (40, 10)), epochs=3)
    first, second = (torch.cat([batch[n] for batch in run]) for n in (0, 1))
    assert not torch.equal(first, second)
    for every in (first, second):
        assert not torch.equal(every[:40], every[40:80])


def test_the_updates_of_a_step_are_on_different_rows():
    one, other = of_run(unpaired((40, 10), (24, 6)), epochs=1, updates=2)
    for a, b in zip(one, other, strict=True):
        assert all(not set(x.tolist()) & set(y.tolist()) for x, y in zip(a, b, strict=True))


def test_a_batch_depends_on_seed_epoch_and_step_alone():
    made = unpaired((100, 10), (23, 6))
    (run,) = of_run(made, epochs=4)
    late = batch_order(made, 99, 3, CPU)
    for at in (37, 2, 20):
        found = late.batches(at // 10, at % 10, 1)[0]
        assert all(torch.equal(a, b) for a, b in zip(found, run[at], strict=True))
    other = batch_order(made, 99, 4, CPU).batches(0, 0, 1)[0]
    assert not any(torch.equal(a, b) for a, b in zip(other, run[0], strict=True))


def test_micro_batches_have_equal_shares_of_each_source():
    made = unpaired((100, 12), (23, 6))
    index = batch_order(made, 99, 3, CPU).first()
    pieces = made.micro_batches(index, 3)
    assert [[len(own) for own in piece] for piece, _ in pieces] == [[4, 2]] * 3
    assert [share for _, share in pieces] == [1 / 3] * 3
    with pytest.raises(RunFailure) as failure:
        made.micro_batches(index, 4)
    assert failure.value.code == "E0826"


def test_slices_have_every_row_of_each_source():
    made = unpaired((100, 30), (23, 6), (2, 10))
    slices = list(made.slices(99))
    assert len(slices) == 4
    assert sum(weight for _, _, weight in slices) == 1.0
    for number, count in enumerate((100, 23, 2)):
        seen = torch.cat([torch.arange(count)[index[number]] for _, index, _ in slices])
        assert set(seen.tolist()) == set(range(count))
        assert count < 4 or len(seen) == count


def test_a_batch_has_the_fields_of_all_sources():
    made = unpaired((100, 10), (23, 6))
    index = batch_order(made, 99, 3, CPU).first()
    batch = made.batch(index, Noise.at(0, 1))
    assert {name: len(value) for name, value in batch.items()} == {"x0": 10, "x1": 6}
    assert torch.equal(batch["x1"], index[1].float())
