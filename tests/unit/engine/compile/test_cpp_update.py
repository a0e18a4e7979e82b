"""Functions as C++ of their own give what torch gives, and change tensors in place."""

from functools import partial

import pytest
import torch
from torch.nn import functional

from specc.engine.compile import cpp_update
from specc.engine.compile.cpp_operations import OPERATIONS
from specc.engine.compile.cpp_update import CppUpdate
from specc.engine.step.player import NotCompiled

FLOATS = [torch.float32, torch.float64]
ROWS, COLUMNS = 37, 19


def numbers(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, dtype=dtype, generator=torch.manual_seed(seed))


def results_of(function, *inputs, read=None):
    """The results of a function as C++, whose second one tells that all is finite."""
    read = [inputs[0].new_zeros(1)] if read is None else read
    fine = inputs[0].new_zeros(()) if inputs[0].is_floating_point() else read[0].new_zeros(())

    def update(*given):
        first, *rest = function(*given)
        return [first, fine.clone(), *rest]

    first, skipped, *rest = CppUpdate(update, inputs, [], read, [], [])(inputs)
    assert skipped == 0.0
    return [first, *rest]


SHAPES = [
    (1, 1, 1),
    (5, 6, 2),
    (8, 1, 3),
    (13, 6, 8),
    (5, 3, 16),
    (9, 4, 17),
    (17, 7, 33),
    (8, 5, 40),
]


@pytest.mark.parametrize("dtype", FLOATS)
def test_products_of_all_sizes_and_orders(dtype):
    """Sizes below, at and above those of tiles; each factor as it is and transposed."""
    pairs = [(numbers(n, k, dtype=dtype), numbers(k, m, dtype=dtype)) for n, k, m in SHAPES]
    flat = [own for pair in pairs for own in pair]

    def products(*given):
        found = []
        for x, y in zip(given[::2], given[1::2], strict=True):
            across = y.mT.contiguous().mT
            found += [x @ y, (x.mT @ (x @ y)), (x @ y) @ across.mT]
        return found

    for own, wanted in zip(results_of(products, *flat), products(*flat), strict=True):
        torch.testing.assert_close(own, wanted, rtol=1e-5, atol=1e-5)
        if dtype == torch.float64:
            torch.testing.assert_close(own, wanted, rtol=1e-13, atol=1e-13)


def entries(x):
    """Functions of entries, in order, transposed and with a bias, of which some are inlined."""
    y = x.exp() + 0.5
    found = [x.sigmoid(), x.tanh(), x.sin() * x.cos(), x.erf(), x.atan(), torch.special.expm1(x)]
    found += [y.log(), y.log1p(), y.sqrt(), y.rsqrt(), 1.0 / y, y.lgamma(), y.digamma(), x**3]
    found += [y**1.7, x.abs(), x.relu(), x.clamp(-0.3, 0.4), torch.maximum(x, y - 1.0), x.floor()]
    found += [torch.where((x > 0.1) & ~(x > 0.8), x * y, y), functional.softplus(x)]
    found += [functional.logsigmoid(x), functional.leaky_relu(x), x.mT + y[:, 0], x + x[0]]
    return found


def sums(x):
    """Sums of all entries, of rows and of columns, largest entries, and their places."""
    wide = torch.cat([x, x.mT.reshape(ROWS, -1)], 1)
    found = [x.sum(), wide.sum(0), wide.sum(1), (x * x).mean(1), x.logsumexp(1), x.softmax(0)]
    found += [x.amax(), x.amax(0), x.amin(1), x.cumsum(1), x.argmax(1).to(x.dtype), x.norm(dim=1)]
    return found


@pytest.mark.parametrize("function", [entries, sums])
def test_numbers_are_those_of_torch(function):
    x = numbers(ROWS, COLUMNS)
    for own, wanted in zip(results_of(function, x), function(x), strict=True):
        torch.testing.assert_close(own, wanted, rtol=1e-12, atol=1e-12)
    single = x.float()
    for own, wanted in zip(results_of(function, single), function(x), strict=True):
        torch.testing.assert_close(own.double(), wanted, rtol=2e-5, atol=2e-5)


def test_labels_are_indices():
    x, labels = numbers(ROWS, 5), torch.arange(ROWS) % 5

    def picked(x, labels):
        mask = labels == torch.arange(5)[:, None]
        gathered = x.gather(1, labels[:, None])[:, 0]
        added = torch.zeros(5, dtype=x.dtype).index_put((labels,), gathered, accumulate=True)
        return [gathered, x.mT[labels].sum(1), mask.to(x.dtype) @ x, added, labels.to(x.dtype)]

    for own, wanted in zip(results_of(picked, x, labels), picked(x, labels), strict=True):
        torch.testing.assert_close(own, wanted, rtol=1e-13, atol=1e-13)


def test_what_is_not_finite_stays_so():
    bad = torch.tensor([[0.0, torch.nan], [torch.inf, 1.0], [-torch.inf, 2.0]])

    def kept(x):
        return [x.amax(1), x.sum(1), x.relu(), x.exp(), torch.isfinite(x).to(x.dtype), x.amax()]

    for own, wanted in zip(results_of(kept, bad), kept(bad), strict=True):
        torch.testing.assert_close(own, wanted, equal_nan=True)


def moving(weight, is_indexed):
    """A weight that a step moves along x, with a state that counts, unless x is too large."""

    def update(x, label, state):
        own = weight[label] if is_indexed else weight
        skipped = (x.amax() > 10.0).to(x.dtype)
        return [(own * x).sum(), skipped, weight - 0.1 * x, state + x.sum()]

    return update


def made(weight, state, count, *, is_indexed=False):
    x, label = torch.ones(4), torch.tensor([1])
    function = moving(weight, is_indexed)
    return CppUpdate(function, [x, label], [state], [weight], [weight, state], [count])


def test_what_is_changed_has_its_new_values():
    weight, state, count = torch.arange(4.0), torch.zeros(()), torch.zeros(())
    update = made(weight, state, count)
    value, skipped = update([torch.full((4,), 2.0), torch.tensor([0])])
    assert (value, skipped, state, count) == (12.0, 0.0, 8.0, 1.0)
    assert torch.allclose(weight, torch.arange(4.0) - 0.2)
    before = weight.clone()
    value, skipped = update([torch.full((4,), 20.0), torch.tensor([0])])
    assert skipped == 1.0 and torch.equal(weight, before) and (state, count) == (8.0, 1.0)


def test_an_index_beyond_the_axis_changes_nothing():
    weight, state, count = torch.arange(4.0), torch.zeros(()), torch.zeros(())
    update = made(weight, state, count, is_indexed=True)
    for label, is_outside in ((3, False), (-1, False), (4, True), (-5, True)):
        before = weight.clone(), state.clone(), count.clone()
        value, skipped = update([torch.ones(4), torch.tensor([label])])
        assert (bool(value.isnan()), skipped == 1.0) == (is_outside, is_outside)
        assert (count == before[2] + (not is_outside)) and torch.equal(
            weight, before[0]
        ) == is_outside
        assert torch.equal(state, before[1]) == is_outside


def test_other_tensors_in_the_place_of_those_that_are_held():
    weight, state, count = torch.arange(4.0), torch.zeros(()), torch.zeros(())
    update = made(weight, state, count)
    others = torch.ones(()), torch.ones(())
    update.move([others[0]], [others[1]])
    update([torch.ones(4), torch.tensor([0])])
    assert (state, count, *others) == (0.0, 0.0, 5.0, 2.0)


def test_what_has_no_code_of_its_own_is_refused(monkeypatch):
    x = numbers(4, 4)
    with pytest.raises(NotCompiled, match="no code of its own"):
        results_of(lambda x: [torch.linalg.qr(x).R], x)
    with pytest.raises(NotCompiled, match="another type"):
        results_of(lambda x: [x.half().float()], x.float())
    with pytest.raises(NotCompiled, match="another type"):
        results_of(lambda x, y: [x + y], x, x.float())
    with pytest.raises(NotCompiled, match="another order"):
        results_of(lambda x: [x + 1.0], x, read=[x.mT])
    monkeypatch.setattr(cpp_update, "MOST_WORK", 10)
    with pytest.raises(NotCompiled, match="too large"):
        results_of(lambda x: [x.exp() @ x], x)
    monkeypatch.setattr(cpp_update, "MOST_OPERATIONS", 3)
    with pytest.raises(NotCompiled, match="too many"):
        results_of(lambda x: [x.exp().exp().exp()], x)


def test_code_that_gives_other_numbers_is_refused(monkeypatch):
    """Here the code of a sine is that of a cosine; the check leaves all tensors as they were."""
    weight, state, count = torch.arange(4.0), torch.zeros(()), torch.zeros(())

    def update(x, state):
        return [x.sin().sum(), x.new_zeros(()), weight - x, state + 1.0]

    arguments = update, [torch.ones(4)], [state], [weight], [weight, state], [count]
    CppUpdate(*arguments)
    assert torch.equal(weight, torch.arange(4.0)) and (state, count) == (0.0, 0.0)
    monkeypatch.setitem(OPERATIONS, "sin", OPERATIONS["cos"])
    with pytest.raises(NotCompiled, match="other numbers than torch"):
        CppUpdate(*arguments)
    assert torch.equal(weight, torch.arange(4.0)) and (state, count) == (0.0, 0.0)


def test_numbers_that_are_not_finite_are_compared(monkeypatch):
    """They are as in torch, or the code is refused; a call that torch skips changes nothing."""
    weight, state, count = torch.arange(4.0), torch.zeros(()), torch.zeros(())

    def update(x, state):
        values = x.sin().sum(), (x - x).log().sum()
        skipped = torch.isfinite(values[0]).logical_not().to(x.dtype)
        return [torch.stack(values), skipped, weight - x, state + values[0]]

    def of(*x):
        return CppUpdate(update, [torch.tensor(x)], [state], [weight], [weight, state], [count])

    of(1.0, 2.0, 3.0, 4.0), of(1.0, 2.0, 3.0, torch.nan)
    by_entry = OPERATIONS["log"].func
    for form in ("K(NAN)", "K(INFINITY)"):
        with monkeypatch.context() as patch, pytest.raises(NotCompiled, match="other numbers"):
            patch.setitem(OPERATIONS, "sin", partial(by_entry, form))
            of(1.0, 2.0, 3.0, 4.0)
    assert torch.equal(weight, torch.arange(4.0)) and (state, count) == (0.0, 0.0)
