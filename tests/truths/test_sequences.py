"""Trained sequence models against recursions, EM, and joint normal distributions in numpy.

Every run is seeded and on one thread, so results are reproducible. Random quantities must be within
4.5 standard errors, or pass a chi-square test that rejects correct counts once in a million.
"""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import log_softmax, logsumexp

from tests.truths.gallery import SPECS, trained, trained_text
from tests.truths.measuring import Z, bound, draws, error, follows, rows, weights

# hidden Markov models


def shares(x):
    """The probabilities of transitions and of bright pixels in the trained tables."""
    return np.exp(log_softmax(x["model.table"], -1)), 1 / (1 + np.exp(-x["model.light"]))


def smoothed(x, move, light):
    """log p of each row [rows], and the expected counts of transitions and bright pixels.

    The state before the first step is 0; Rabiner (1989), equations 18 to 27, in logarithms.
    """
    log_x = x @ np.log(light).T + (1 - x) @ np.log1p(-light).T  # [rows, steps, states]
    steps, log_move = x.shape[1], np.log(move)
    ahead = [log_move[0] + log_x[:, 0]]
    for t in range(1, steps):
        ahead.append(logsumexp(ahead[-1][:, :, None] + log_move, 1) + log_x[:, t])
    log_p = logsumexp(ahead[-1], 1)
    behind, moves = np.zeros_like(ahead[-1]), np.zeros_like(move)
    lit, dark = np.zeros_like(light), np.zeros_like(light)
    for t in reversed(range(steps)):
        state = np.exp(ahead[t] + behind - log_p[:, None])
        lit, dark = lit + state.T @ x[:, t], dark + state.T @ (1 - x[:, t])
        coming = log_x[:, t] + behind
        before = ahead[t - 1] if t else np.where(np.arange(len(move)) == 0, 0.0, -np.inf)[None]
        both = before[:, :, None] + log_move + (coming - log_p[:, None])[:, None]
        moves = moves + np.exp(both).sum(0)
        behind = logsumexp(log_move + coming[:, None], 2)
    return log_p, moves, lit, dark


FITTED = ("states=6", "train.optimizer.adam.lr=0.3", "train.schedule={cosine: {}}")
"""Settings with which six states converge in 1,500 steps."""


def test_a_hidden_markov_model_is_where_em_stays(tmp_path):
    """log p equals the recursion, 50 EM steps gain below 0.02 nats, and draws follow the model."""
    run = trained("hmm", tmp_path, FITTED)
    move, light = shares(weights(run))
    log_p = smoothed(rows(run, "test", "x"), move, light)[0]
    found = bound(run, 1, estimator="exact").values.double().numpy()
    np.testing.assert_allclose(found, log_p, atol=1e-3)
    drawn = draws(run, 4000)
    states = drawn["z"].astype(int)
    moves, lit, dark = (np.zeros_like(table) for table in (move, light, light))
    np.add.at(moves, (states[:, :-1], states[:, 1:]), 1)
    np.add.at(moves, (0, states[:, 0]), 1)
    np.add.at(lit, states, drawn["x"])
    np.add.at(dark, states, 1 - drawn["x"])
    often = (moves.sum(1, keepdims=True) * move > 10).sum(1) > 1
    assert often.sum() > 3
    for state in np.flatnonzero(often):
        assert follows(moves[state], move[state])
    spread = np.sqrt((lit + dark) * light * (1 - light)) + 1
    assert (np.abs(lit - (lit + dark) * light) < Z * spread).all()
    x = rows(run, "train", "x")
    start = smoothed(x, move, light)[0].mean()
    for _ in range(50):
        _, moves, lit, dark = smoothed(x, move, light)
        move = (moves + 1e-9) / (moves + 1e-9).sum(1, keepdims=True)
        light = np.clip(lit / (lit + dark), 1e-9, 1 - 1e-9)
    gain = smoothed(x, move, light)[0].mean() - start
    assert 0 <= gain < 0.02, gain


# linear state spaces


DRAWS = 4000


def joint(maps, scales, start, steps):
    """The mean and covariance of all observations, from the stacked equations of all steps.

    z_t = M z_(t-1) + b + drift e_t and x_t = E z_t + c + noise d_t. Stacked, (I - S (x) M) z is
    b + drift e, with S the shift by one step, and M start more at the first.
    """
    (move, offset, emit, shift), (drift, noise) = maps, scales
    later = np.kron(np.eye(steps, k=-1), move)
    whole = np.kron(np.eye(steps), emit) @ np.linalg.inv(np.eye(len(later)) - later)
    pushed = np.tile(offset, steps)
    pushed[: len(move)] += move @ start
    mean, spread = whole @ pushed + np.tile(shift, steps), whole * np.tile(drift, steps)
    return mean, spread @ spread.T + np.diag(np.tile(noise, steps) ** 2)


FASTER = "train.optimizer.adam.lr=0.05"


def test_a_state_space_is_one_normal_distribution(tmp_path):
    """log p of all 64 pixels agrees to 0.001 nats, ten nats above independent normal pixels."""
    run = trained("state_space", tmp_path, ("train.epochs=15", FASTER))
    w, x = weights(run), rows(run, "test", "x")
    names = ("move.weight", "move.bias", "log_drift", "emit.weight", "emit.bias", "log_noise")
    move, offset, drift, emit, shift, noise = (w[f"model.{name}"] for name in names)
    scales = np.exp(drift), 0.01 + np.exp(noise)
    mean, covariance = joint((move, offset, emit, shift), scales, w["model.start"], 8)
    exact = stats.multivariate_normal(mean, covariance).logpdf(x.reshape(-1, 64))
    found = bound(run, 1, estimator="exact").values.double().numpy()
    np.testing.assert_allclose(found, exact, atol=1e-3)
    train = rows(run, "train", "x")
    alone = stats.norm(train.mean((0, 1)), train.std((0, 1)) + 0.01).logpdf(x).sum((1, 2))
    assert (found - alone).mean() > 10
    away = draws(run, DRAWS)["x"].reshape(-1, 64) - mean
    white = np.linalg.solve(np.linalg.cholesky(covariance), away.T)
    assert (np.abs(white.mean(1)) < Z / DRAWS**0.5).all()
    second = white @ white.T / DRAWS - np.eye(64)
    assert (np.abs(second) < Z * np.sqrt((1 + np.eye(64)) / DRAWS)).all()


# rows of unequal length

DEEP = """specc: 1
name: deep
constants:
  move: %s
  emit: %s
data:
  source: npz
  path: d.npz
  fields: {x: {from: x, shape: [6, 2]}, n: {from: n, shape: [], dtype: int64}}
plates: {t: {scan: 6, lengths: n}}
model:
  n: {given: n}
  z: {latent: normal, loc: "move @ z[t-1]", scale: 0.6, initial: 0, shape: [2], plate: t}
  x: {observed: normal, loc: "emit @ z", scale: 0.5, plate: t}
guide:
  h: {let: "rnn(h[t+1], x)", initial: 0, shape: [16], plate: t, reverse: true}
  z: {latent: normal, params: "combiner(z[t-1], h)"}
links: {rnn: gru, combiner: {mlp: [32], activation: tanh}}
objective: elbo
train: {optimizer: {adam: {lr: 0.01}}, batch_size: 200, steps: %d, schedule: {cosine: {}}}
"""
TURN = 0.9 * np.array([[0.8, -0.6], [0.6, 0.8]])
SEEN = np.array([[1.0, 0.5], [-0.5, 1.0]])


def sequences(folder, filling):
    """Samples of the model with one to six steps, and padding after the last step."""
    rng = np.random.default_rng(0)
    z, x = np.zeros((2500, 2)), np.empty((2500, 6, 2))
    for t in range(6):
        z = z @ TURN.T + 0.6 * rng.standard_normal(z.shape)
        x[:, t] = z @ SEEN.T + 0.5 * rng.standard_normal(z.shape)
    n = rng.integers(1, 7, 2500)
    x[np.arange(6) >= n[:, None]] = filling
    parts = {"train_x": x[:2000], "test_x": x[2000:], "train_n": n[:2000], "test_n": n[2000:]}
    np.savez(folder / "d.npz", **parts)
    return x[2000:], n[2000:]


def test_a_local_level_reaches_the_maximum_of_the_likelihood(tmp_path):
    """The maximum over both scales by Nelder and Mead, with a scalar filter; four digits of it."""
    run = trained("local_level", tmp_path, ("train.epochs=30",), SPECS)
    y = rows(run, "train", "flow")[0]

    def loss(logs):
        drift, noise = np.exp(2 * np.asarray(logs))
        mean, variance, total = 1000.0, 1000.0**2, 0.0
        for seen in y:
            variance += drift
            total -= stats.norm(mean, np.sqrt(variance + noise)).logpdf(seen)
            gain = variance / (variance + noise)
            mean, variance = mean + gain * (seen - mean), variance * (1 - gain)
        return total

    best = optimize.minimize(loss, np.log([50, 100]), method="Nelder-Mead")
    found = weights(run)
    assert bound(run, 1, part="train", estimator="exact").value == pytest.approx(
        -loss([found["model.log_drift"], found["model.log_noise"]]), abs=1e-3
    )
    assert -loss([found["model.log_drift"], found["model.log_noise"]]) > -best.fun - 0.05
    np.testing.assert_allclose(np.exp(best.x) ** 2, [1467, 15101], rtol=1e-2)


def test_a_recurrent_guide_finds_the_posterior_of_a_state_space(tmp_path):
    """The bound is below log p of the steps that a row has, by less than 0.05 nats.

    The transition is a rotation and the emission orthogonal, so the posterior of each state given
    the previous one is in the family of the guide.
    """
    x, n = sequences(tmp_path, 0.0)
    text = DEEP % (TURN.tolist(), SEEN.tolist(), 600)
    run = trained_text(text, tmp_path, data_dir=tmp_path)
    zero = np.zeros(2)
    mean, covariance = joint((TURN, zero, SEEN, zero), (0.6 + zero, 0.5 + zero), zero, 6)
    exact = np.empty(len(x))
    for length in range(1, 7):
        short = stats.multivariate_normal(
            mean[: 2 * length], covariance[: 2 * length, : 2 * length]
        )
        exact[n == length] = short.logpdf(x[n == length, :length].reshape(-1, 2 * length))
    elbo = bound(run, 100, estimator="elbo").values.double().numpy() - exact
    iwae = bound(run, 1000).values.double().numpy() - exact
    assert -0.05 < elbo.mean() < Z * error(elbo), (elbo.mean(), error(elbo))
    assert abs(iwae.mean()) < 0.01, (iwae.mean(), error(iwae))


def test_what_a_row_is_filled_up_with_is_nothing(tmp_path):
    """Training with padding of 1,000 and of 0 gives the same numbers bit for bit."""
    found = []
    for name, filling in (("zeros", 0.0), ("thousands", 1000.0)):
        folder = tmp_path / name
        folder.mkdir()
        sequences(folder, filling)
        text = DEEP % (TURN.tolist(), SEEN.tolist(), 20)
        run = trained_text(text, folder, data_dir=folder)
        found.append((weights(run), bound(run, 10).values))
    (learnt, values), (other, others) = found
    assert all(np.array_equal(learnt[name], other[name]) for name in learnt)
    assert np.array_equal(values, others)
