"""Values over the steps of a sequence: the step before, one value for all, what a loop made."""

import pytest
import torch

from specc.runtime.functions.sequences import (
    expand_steps,
    initial_value,
    lag,
    lead,
    stack_steps,
)

X = torch.arange(12.0).view(2, 3, 2)  # two rows of three steps


@pytest.mark.parametrize("start", [7.0, torch.tensor(7.0), torch.full((2,), 7.0)])
def test_the_step_before(start):
    found = lag(X, start, dims=1)
    assert torch.equal(found[:, 1:], X[:, :-1])
    assert torch.equal(found[:, 0], torch.full((2, 2), 7.0))


@pytest.mark.parametrize("start", [7.0, torch.tensor(7.0), torch.full((2,), 7.0)])
def test_the_step_after_where_rows_have_lengths_of_their_own(start):
    mask = torch.tensor([[1.0, 1, 1], [1, 0, 0]])
    found = lead(X, start, dims=1, mask=mask)
    assert torch.equal(found[0, :2], X[0, 1:])
    assert torch.equal(found[0, 2], torch.full((2,), 7.0))
    assert torch.equal(found[1, 0], torch.full((2,), 7.0))


def test_a_start_may_vary_with_particles_and_rows_where_the_rest_does_not():
    starts = torch.randn(4, 2, 2)
    found = lag(X, starts, dims=1)
    assert found.shape == (4, 2, 3, 2)
    assert torch.equal(found[:, :, 0], starts)
    assert torch.equal(found[3, :, 1:], X[:, :-1])
    assert lag(X[0], starts, dims=1).shape == (4, 2, 3, 2)


def test_a_start_keeps_its_own_axes_and_is_no_whole_number():
    counts = torch.tensor([1, 2])
    assert initial_value(0.5, (2,), like=counts).tolist() == [0.5, 0.5]
    assert initial_value(1, (2,), like=X, integer=True).dtype == torch.long
    assert initial_value(torch.zeros(5, 2), (2,), like=X).shape == (5, 2)
    assert initial_value(torch.zeros(()), (3, 2), like=X).shape == (3, 2)


@pytest.mark.parametrize("shape", [(2,), (4, 1, 2)])
def test_one_value_for_expand_steps(shape):
    x = torch.randn(shape)
    found = expand_steps(x, 3, dims=1)
    assert found.shape == (*shape[:-2], 3, 2)
    assert all(torch.equal(found[..., t, :], x.reshape(*shape[:-2], 2)) for t in range(3))


def test_steps_of_different_axes_are_stacked_alike():
    steps = [(torch.zeros(2), torch.zeros(4)), (torch.ones(4, 2), torch.ones(4))]
    one, other = stack_steps(steps, (1, 0))
    assert one.shape == (4, 2, 2) and other.shape == (4, 2)
    assert torch.equal(one[3], torch.tensor([[0.0, 0], [1, 1]]))


def test_a_number_for_all_entries_has_an_axis_for_them():
    steps = [(torch.zeros(4, 2), torch.tensor(float(k))) for k in range(3)]
    value, scale = stack_steps(steps, (1, 1))
    assert value.shape == (4, 3, 2) and torch.equal(scale, torch.tensor([[0.0], [1.0], [2.0]]))
