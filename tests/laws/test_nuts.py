"""The no-U-turn sampler against targets in closed form, with wrong variants that are detected.

False-alarm rates: each chi-square test 1e-5.
"""

import math

import numpy as np
import pytest
from scipy import stats

from specc.engine.samplers import no_u_turn
from specc.engine.samplers.chain import Options
from specc.engine.samplers.dynamics import Metric, Phase, Point, leapfrog
from specc.engine.samplers.metric import Moments
from specc.engine.samplers.sampling import Sampling
from specc.engine.samplers.step_size import StepSize, reasonable_step
from specc.engine.samplers.warmup import window_ends

LEVEL = 1e-5


def run(coroutine, density):
    """The result of a coroutine, with densities as it asks for them."""
    try:
        position = next(coroutine)
        while True:
            position = coroutine.send(density(position))
    except StopIteration as end:
        return end.value


def point(density, position):
    position = np.asarray(position, dtype=float)
    return Point(position, *density(position))


def skewed(position):
    """Two independent coordinates with the density of the log of a Gamma(2) number."""
    return float((2 * position - np.exp(position)).sum()), 2 - np.exp(position)


def draws(count, seed):
    return np.log(np.random.default_rng(seed).gamma(2.0, size=(count, 2)))


def after_one_transition(count, step, metric, seed=0):
    """States after one transition each, from exact draws of `skewed`."""
    found = []
    for number, start in enumerate(draws(count, seed)):
        random = np.random.default_rng([seed, number])
        moving = no_u_turn.transition(point(skewed, start), step, metric, random, 6)
        found.append(run(moving, skewed).point.position)
    return np.array(found)


def p_values(found):
    """The p-value of a chi-square test of each coordinate, and of their sum, in 20 bins."""
    reference = draws(400_000, 1)
    pairs = [(found[:, 0], reference[:, 0]), (found[:, 1], reference[:, 1])]
    pairs.append((found.sum(1), reference.sum(1)))
    values = []
    for own, exact in pairs:
        edges = np.quantile(exact, np.linspace(0, 1, 21)[1:-1])
        counts = np.bincount(np.searchsorted(edges, own), minlength=20)
        values.append(stats.chisquare(counts).pvalue)
    return values


@pytest.mark.parametrize("step", [0.3, 1.2])
def test_a_transition_leaves_the_target_invariant(step):
    metric = Metric(np.array([[1.0, 0.0], [0.5, 0.8]]))
    assert min(p_values(after_one_transition(4000, step, metric))) > LEVEL / 3


def always(a, b):
    return 1.0


def test_a_draw_without_weights_is_detected(monkeypatch):
    monkeypatch.setattr(no_u_turn, "_ratio", always)
    assert min(p_values(after_one_transition(4000, 1.2, Metric(np.ones(2))))) < LEVEL / 3


def test_a_wrong_gradient_leaves_the_target_invariant_and_is_slow():
    """The weights alone make a transition exact: a gradient is only a proposal."""
    wrong = lambda q: (skewed(q)[0], 0.5 * skewed(q)[1])  # noqa: E731
    found = []
    for number, start in enumerate(draws(4000, 2)):
        random = np.random.default_rng([2, number])
        moving = no_u_turn.transition(point(wrong, start), 0.3, Metric(np.ones(2)), random, 6)
        found.append(run(moving, wrong).point.position)
    assert min(p_values(np.array(found))) > LEVEL / 3


def test_a_leapfrog_step_is_reversible_and_preserves_volume():
    metric = Metric(np.array([[1.0, 0.0], [0.5, 0.8]]))

    def step(values, size=0.7):
        start = Phase(point(skewed, values[:2]), values[2:])
        end = run(leapfrog(start, size, metric), skewed)
        return np.concatenate([end.point.position, end.momentum])

    start = np.array([0.3, -0.2, 0.9, -1.1])
    end = step(start)
    back = run(leapfrog(Phase(point(skewed, end[:2]), end[2:]), -0.7, metric), skewed)
    assert np.allclose([*back.point.position, *back.momentum], start, atol=1e-12)
    near = 1e-6
    rows = [(step(start + near * e) - step(start - near * e)) / (2 * near) for e in np.eye(4)]
    assert abs(np.linalg.det(rows)) == pytest.approx(1.0, abs=1e-8)


def gaussian(scales, correlation=0.0, mean=3.0):
    """A normal density with these standard deviations and one correlation between all pairs."""
    size = len(scales)
    matrix = (1 - correlation) * np.eye(size) + correlation
    covariance = np.outer(scales, scales) * matrix
    precision = np.linalg.inv(covariance)

    def density(positions):
        away = positions - mean
        slope = -away @ precision
        return (0.5 * (away * slope).sum(-1)).tolist(), slope

    return density


def sampled(density, size, **options):
    """The draws after the warm-up, [chains, draws, size], and the mean acceptance."""
    own = Options(chains=4, warmup=300, draws=500, **options)
    sampling = Sampling(density, size, own, seed=5)
    positions = np.zeros((4, own.total, size))
    acceptance = np.zeros((4, own.total))

    def record(chain, number, found, step):
        positions[chain, number] = found.point.position
        acceptance[chain, number] = found.acceptance

    sampling.start()
    sampling.begin(record)
    sampling.advance(own.total)
    return positions[:, own.warmup :], acceptance[:, own.warmup :]


@pytest.mark.parametrize("is_dense", [False, True])
def test_ten_coordinates_of_different_sizes(is_dense):
    """Means within 5 standard errors by 20 batches of each chain; deviations within 12 %."""
    scales = np.logspace(-3, 2, 10)
    found, acceptance = sampled(gaussian(scales, 0.4), 10, is_dense=is_dense)
    batches = found.reshape(80, 25, 10).mean(1)
    error = batches.std(0, ddof=1) / math.sqrt(80)
    assert (np.abs(found.mean((0, 1)) - 3.0) < 5 * error).all()
    assert found.reshape(-1, 10).std(0) == pytest.approx(scales, rel=0.12)
    assert 0.7 < acceptance.mean() < 0.97


def test_the_diagonal_metric_of_independent_normal_coordinates_is_exact():
    scales = np.array([1e-3, 1.0, 50.0])
    moments = Moments(3, is_dense=False)
    density = gaussian(scales)
    for start in np.random.default_rng(0).normal(size=(3, 3)):
        (value,), slope = density(start[None])[0], density(start[None])[1][0]
        moments.add(Point(start, value, slope))
    assert moments.metric(Metric(np.ones(3))).factor == pytest.approx(scales, rel=1e-10)


def test_the_dense_metric_of_a_normal_target_is_exact_on_the_way():
    """Draws that drift towards the target, far from it, give its covariance."""
    scales = np.array([1e-2, 1.0, 30.0])
    density = gaussian(scales, 0.9)
    moments = Moments(3, is_dense=True)
    for number, away in enumerate(np.random.default_rng(0).normal(size=(2000, 3))):
        start = away * scales * (1 + number / 100)
        (value,), (slope,) = density(start[None])
        moments.add(Point(start, value, slope))
    factor = moments.metric(Metric(np.eye(3))).factor
    covariance = np.outer(scales, scales) * (0.1 * np.eye(3) + 0.9)
    assert factor @ factor.T == pytest.approx(covariance, rel=0.02)


@pytest.mark.parametrize(("count", "away"), [(39, 1.0), (2000, 1e8)])
def test_scales_alone_adapt_to_few_draws_and_far_from_the_target(count, away):
    density = gaussian(np.array([1.0, 1.0]), 0.9)
    moments = Moments(2, is_dense=True)
    for start in away * np.random.default_rng(0).normal(size=(count, 2)):
        (value,), (slope,) = density(start[None])
        moments.add(Point(start, value, slope))
    factor = moments.metric(Metric(np.eye(2))).factor
    assert factor[1, 0] == 0.0 and (np.diagonal(factor) > 0).all()


def test_too_few_draws_leave_the_metric():
    before = Metric(np.array([2.0, 3.0]))
    assert Moments(2, is_dense=False).metric(before) is before


def test_equal_draws_leave_the_scale():
    moments = Moments(1, is_dense=False)
    for _ in range(5):
        moments.add(Point(np.ones(1), 0.0, np.ones(1)))
    assert moments.metric(Metric(np.array([2.0]))).factor == pytest.approx([2.0])


def test_dual_averaging_finds_the_step_with_the_target():
    """If the acceptance is exp(-step), the step for .8 is -log .8."""
    adaptation = StepSize.start(5.0)
    for _ in range(2000):
        adaptation = adaptation.adapted(math.exp(-adaptation.step), 0.8)
    assert adaptation.final == pytest.approx(-math.log(0.8), rel=0.02)


def test_a_reasonable_step_is_near_the_scale():
    density = gaussian(np.array([1e-4]))
    one = lambda q: (density(q[None])[0][0], density(q[None])[1][0])  # noqa: E731
    start = point(one, np.array([3.0001]))
    found = run(reasonable_step(start, np.ones(1), Metric(np.ones(1)), 1.0), one)
    assert 1e-5 < found < 1e-3


@pytest.mark.parametrize("warmup", [0, 1, 5, 20, 100, 300, 1000, 5000])
def test_the_windows_of_a_warm_up(warmup):
    ends = window_ends(warmup)
    lengths = np.diff((0, *ends))
    assert all(end <= warmup for end in ends)
    assert (lengths >= 10).all() and (np.diff(lengths) >= 0).all()
    assert ends == () or warmup - ends[-1] == min(50, max(10, warmup // 10))
