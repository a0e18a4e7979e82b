"""Series of several latent chains: learnt models against recursions, EM and the states themselves.

Every run is seeded and on one thread. The data of the gallery are made here.
"""

import json

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import expit, log_softmax, logsumexp

from specc.evaluate.user_rows import encode
from tests.truths.gallery import SPECS, trained
from tests.truths.measuring import bound, weights

STEPS = 48
FRIDGE = [[0.7, 0.3], [0.5, 0.5]]
OVEN = [[0.95, 0.05], [0.3, 0.7]]
WASHER = [[0.94, 0.06, 0.0], [0.0, 0.4, 0.6], [0.25, 0.05, 0.7]]
WASH = np.array([0.1, 2.0, 0.4])


def chain(rng, moves):
    """States of all steps, after state 0."""
    states = [0]
    for _ in range(STEPS):
        states.append(rng.choice(len(moves), p=moves[states[-1]]))
    return np.array(states[1:])


def days():
    """The states of fridge, oven and washer of 60 days, [60, steps] each, and the power."""
    rng = np.random.default_rng(4)
    found = []
    for _ in range(60):
        fridge, oven, washer = (chain(rng, moves) for moves in (FRIDGE, OVEN, WASHER))
        power = 0.15 * fridge + 1.4 * oven + WASH[washer] + 0.05 * rng.normal(size=STEPS)
        found.append((fridge, oven, washer, power.round(2)))
    return [np.stack(values) for values in zip(*found, strict=True)]


def test_the_gallery_has_these_days():
    lines = [json.dumps({"power": power.tolist()}) for power in days()[-1]]
    assert (SPECS / "power.jsonl").read_text(encoding="utf-8") == "\n".join(lines) + "\n"


def product(moves):
    """The moves of all chains together: those of their product."""
    whole = np.ones((1, 1))
    for move in moves:
        whole = np.kron(whole, move)
    return whole


def recursion(power, moves, loc, noise):
    """log p of each day, with the counts of moves of the product chain and p of each state.

    The scaled recursions of Rabiner (1989), equations 19 to 37, from state 0 of all chains.
    """
    whole = product(moves)
    seen = stats.norm(loc, noise).pdf(power[..., None])  # [rows, steps, states]
    alpha, alphas, scales = whole[0] * seen[:, 0], [], []
    for t in range(STEPS):
        alpha = alphas[-1] @ whole * seen[:, t] if t else alpha
        scales.append(alpha.sum(1, keepdims=True))
        alphas.append(alpha / scales[-1])
    beta, shares, counts = np.ones_like(alpha), [], np.zeros_like(whole)
    for t in reversed(range(STEPS)):
        shares.append(alphas[t] * beta)
        ahead = seen[:, t] * beta / scales[t]
        before = alphas[t - 1] if t else np.eye(len(loc))[[0] * len(power)]
        counts += whole * (before.T @ ahead)
        beta = ahead @ whole.T
    return np.log(np.stack(scales)).sum((0, 2)), counts, np.stack(shares[::-1], 1)


def learnt(w):
    """The moves of the three chains, the mean of each state of the product, and the noise."""
    on = [expit(w[f"model.of_{name}"]) for name in ("fridge", "oven")]
    moves = [np.stack([1 - p, p], 1) for p in on]
    moves.append(np.exp(log_softmax(w["model.of_washer"], -1)))
    cool, bake, wash = (np.exp(w[f"model.log_{name}"]) for name in ("cool", "bake", "wash"))
    parts = np.add.outer(np.add.outer([0, cool], [0, bake]), wash)
    return moves, parts.ravel(), float(np.exp(w["model.log_noise"]))


def expected(power, moves, loc, noise):
    """One step of EM (Ghahramani and Jordan 1997, section 3.1), with the mean of every part."""
    _, counts, shares = recursion(power, moves, loc, noise)
    sizes = [len(move) for move in moves]
    table = counts.reshape(*sizes, *sizes)
    found = []
    for place in range(3):
        others = tuple(axis for axis in range(6) if axis % 3 != place)
        own = table.sum(others)
        found.append(own / own.sum(1, keepdims=True))
    states = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), -1).reshape(-1, 3)
    design = np.column_stack([states[:, 0], states[:, 1], np.eye(3)[states[:, 2]]])
    weight, total = shares.sum((0, 1)), (shares * power[..., None]).sum((0, 1))
    mean = design @ np.linalg.solve((design.T * weight) @ design, design.T @ total)
    error = (shares * (power[..., None] - mean) ** 2).sum() / power.size
    return found, mean, error**0.5


def agrees(run, power, moves, loc, noise):
    """log p of each day by the recursion, which that of the run must equal to 0.001 nats."""
    log_p, _, shares = recursion(power, moves, loc, noise)
    found = bound(run, 1, part="train", estimator="exact").values.double().numpy()
    np.testing.assert_allclose(found, log_p, atol=1e-3)
    assert np.abs(recursion(power[:, ::-1], moves, loc, noise)[0] - found).max() > 1
    return log_p, shares


def test_the_states_of_three_appliances_are_drawn_from_their_posterior(tmp_path):
    """Shares of 200 draws of all days at each step are within 5 standard errors of exact ones.

    A false alarm for one seed in 10,000.
    """
    run = trained("factorial_hmm", tmp_path, ("train.epochs=20",), data_dir=SPECS)
    power, law = days()[-1], learnt(weights(run))
    shares = agrees(run, power, *law)[1]
    turned = recursion(power[:, ::-1], *law)[2][:, ::-1]
    drawn = encode(run.loaded, {"power": torch.as_tensor(power).float()}, 200, 0)
    for axis, name in enumerate(("fridge", "oven", "washer")):
        others = tuple(place + 2 for place in range(3) if place != axis)
        seen = (drawn[name] == 1).double().mean((0, 1)).numpy()

        def apart(given, others=others, seen=seen):
            each = given.reshape(60, STEPS, 2, 2, 3).sum(others)[..., 1].clip(0, 1)
            error = np.sqrt((each * (1 - each)).sum(0) / 200) / 60
            return np.abs((seen - each.mean(0)) / error).max()

        assert apart(shares) < 5 < apart(turned)


@pytest.mark.slow
def test_a_factorial_hidden_markov_model_is_where_em_stays(tmp_path):
    """20 steps of EM gain below 0.1 nats a day of 22; means are within 0.01 kW of the data."""
    run = trained("factorial_hmm", tmp_path, data_dir=SPECS)
    power = days()[-1]
    moves, loc, noise = learnt(weights(run))
    start = agrees(run, power, moves, loc, noise)[0].mean()
    exact = np.add.outer(np.add.outer([0, 0.15], [0, 1.4]), WASH).ravel()
    np.testing.assert_allclose(loc, exact, atol=0.01)
    for _ in range(20):
        moves, loc, noise = expected(power, moves, loc, noise)
    gain = recursion(power, moves, loc, noise)[0].mean() - start
    assert start > 21 and -1e-6 < gain < 0.1, gain


# states that switch between modes


def turned(angle):
    return 0.97 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def orbits():
    """The modes [60, 40] and the points [60, 40, 2] of orbits.jsonl."""
    rng, moves = np.random.default_rng(5), [turned(0.5), turned(-0.25)]
    modes, points = np.zeros((60, 40), int), np.zeros((60, 40, 2))
    for row in range(60):
        s, z = 0, rng.normal(size=2)
        for t in range(40):
            s = s if rng.random() < 0.92 else 1 - s
            z = moves[s] @ z + 0.1 * rng.normal(size=2)
            modes[row, t], points[row, t] = s, (z + 0.1 * rng.normal(size=2)).round(2)
    return modes, points


def test_the_gallery_has_these_orbits():
    lines = [json.dumps({"x": points.tolist()}) for points in orbits()[1]]
    assert (SPECS / "orbits.jsonl").read_text(encoding="utf-8") == "\n".join(lines) + "\n"


def filtered(x, w, count=1000):
    """log p of each row by a Rao-Blackwellized particle filter: modes drawn, states integrated out.

    Its exponential is unbiased (Doucet et al. 2000). A Kalman filter belongs to each particle.
    """
    rng, rows = np.random.default_rng(0), len(x)
    move = np.exp(log_softmax(w["model.moves"], -1))
    turn, drift, noise = w["model.turn"], np.exp(w["model.log_drift"]), np.exp(w["model.log_noise"])
    modes, mean = np.zeros((rows, count), int), np.zeros((rows, count, 2))
    spread, total = np.broadcast_to(np.eye(2), (rows, count, 2, 2)), np.zeros(rows)
    for t in range(x.shape[1]):
        modes = (rng.random((rows, count)) > move[modes, 0]).astype(int)
        own = turn[modes]
        mean = (own @ mean[..., None])[..., 0]
        spread = own @ spread @ own.swapaxes(-1, -2) + drift**2 * np.eye(2)
        seen = spread + noise**2 * np.eye(2)
        gain, away = spread @ np.linalg.inv(seen), x[:, None, t] - mean
        square = (away[..., None, :] @ np.linalg.inv(seen) @ away[..., None])[..., 0, 0]
        log_w = -0.5 * (square + np.log(np.linalg.det(seen))) - np.log(2 * np.pi)
        total += logsumexp(log_w, 1) - np.log(count)
        mean, spread = mean + (gain @ away[..., None])[..., 0], (np.eye(2) - gain) @ spread
        share = np.exp(log_w - logsumexp(log_w, 1, keepdims=True))
        place = np.stack([rng.choice(count, count, p=p / p.sum()) for p in share])
        row = np.arange(rows)[:, None]
        modes, mean, spread = modes[row, place], mean[row, place], spread[row, place]
    return total


def test_the_bound_of_a_switching_state_space_is_below_a_particle_filter(tmp_path):
    """After a few epochs, and below by no more than 20 nats of the 400 that were gained."""
    run = trained("switching_lds", tmp_path, ("train.epochs=12",), data_dir=SPECS)
    log_p = filtered(orbits()[1][:20], weights(run), 300)
    found = bound(run, 200, part="train").values.double().numpy()[:20]
    assert -20 < (found - log_p).mean() < 1, (found, log_p)


@pytest.mark.slow
def test_a_switching_state_space_finds_the_two_turns(tmp_path):
    """The bound is within 2 nats of a particle filter, and 10 nats above one mode for all steps."""
    run = trained("switching_lds", tmp_path, data_dir=SPECS)
    w, x = weights(run), orbits()[1]
    log_p = filtered(x, w)
    found = bound(run, 1000, part="train").values.double().numpy()
    assert -2 < (found - log_p).mean() < 0.2, (found.mean(), log_p.mean())
    exact, own = [turned(-0.25), turned(0.5)], w["model.turn"]
    np.testing.assert_allclose(own[np.argsort(own[:, 1, 0])], exact, atol=0.05)
    alone = trained("switching_lds", tmp_path / "alone", ("constants.modes=1",), data_dir=SPECS)
    assert found.mean() > bound(alone, 200, part="train").value + 10
