"""Trajectories in C++ are those of the coroutine, with the same random numbers, to 1e-8."""

import shutil
import weakref

import numpy as np
import pytest
import torch
from torch.func import grad_and_value

from specc.engine.compile.cpp_library import Library
from specc.engine.compile.cpp_trees import Beginning, Trees
from specc.engine.samplers import no_u_turn
from specc.engine.samplers.dynamics import Metric, Point

pytestmark = pytest.mark.skipif(not shutil.which("g++"), reason="it needs g++")

SIZE = 6
FACTORS = {
    "diagonal": np.linspace(0.5, 1.5, SIZE),
    "dense": np.tril(np.full((SIZE, SIZE), 0.2)) + 0.7 * np.eye(SIZE),
}


def bent(q):
    """A density along a bent curve; beyond a wall its logarithm is no number."""
    return (4.0 - q[0]).log() - 0.5 * (q - 0.3 * q.roll(1) ** 2).square().sum()


@pytest.fixture(scope="module", params=[1, 5])
def library(request):
    return Library(grad_and_value(bent), SIZE, request.param), request.param


def by_coroutine(library, start, factor, depth, random):
    point, step = start
    coroutine = no_u_turn.transition(point, step, Metric(factor), random, depth)
    try:
        asked = next(coroutine)
        while True:
            slopes, values = library(torch.from_numpy(asked)[None])
            asked = coroutine.send((values.item(), slopes[0].numpy()))
    except StopIteration as ended:
        return ended.value


def starts(library, chains):
    """Small steps make the deepest trees, and the largest ones diverge."""
    random = np.random.default_rng(2)
    for step in (0.004, *np.linspace(0.1, 1.2, 30), 40.0):
        q = 0.5 * random.standard_normal((chains, SIZE))
        slopes, values = library(torch.from_numpy(q))
        points = map(Point, q, values.tolist(), slopes.numpy())
        yield from ([(point, step * (1 + 0.1 * n)) for n, point in enumerate(points)],)


@pytest.mark.parametrize("kind", FACTORS)
def test_transitions_are_those_of_the_coroutine(library, kind):
    library, chains = library
    factor, depths, depth = FACTORS[kind], set(), 8
    single, trees = Library(grad_and_value(bent), SIZE, 1), library.trees(chains)
    for round_, every in enumerate(starts(library, chains)):
        for number, (point, step) in enumerate(every):
            random = np.random.default_rng([round_, number])
            momentum = random.standard_normal(SIZE)
            start = Beginning(
                point.position, point.gradient, point.log_density, momentum, step, factor, depth
            )
            trees.begin(number, start, random)
        left = set(range(chains))
        while left:
            left -= set(trees.grow())
        for number, start in enumerate(every):
            found = trees.end(number)
            random = np.random.default_rng([round_, number])
            wanted = by_coroutine(single, start, factor, depth, random)
            assert (found.depth, found.leapfrogs) == (wanted.depth, wanted.leapfrogs)
            assert found.is_divergent == wanted.is_divergent
            depths.add(found.depth if not found.is_divergent else -1)
            np.testing.assert_allclose(found.position, wanted.point.position, rtol=1e-8, atol=1e-8)
            np.testing.assert_allclose(found.gradient, wanted.point.gradient, rtol=1e-7, atol=1e-7)
            assert found.value == pytest.approx(wanted.point.log_density, rel=1e-8, abs=1e-8)
            assert found.energy == pytest.approx(wanted.energy)
            assert found.acceptance_sum == pytest.approx(wanted.acceptance_sum, rel=1e-6, abs=1e-8)
    assert {-1, depth} < depths, "the deepest tree and a divergent one are among them"


def test_what_the_library_made_is_deleted(library, monkeypatch):
    deleted = []
    monkeypatch.setattr(library[0]._library, "trees_delete", deleted.append)
    trees = Trees(library[0]._library, library[0]._table, 2, SIZE)
    made, gone = trees._made, weakref.ref(trees)
    del trees
    assert gone() is None and deleted == [made]
