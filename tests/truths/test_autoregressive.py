"""Trained autoregressive models of twelve pixels, over all 4,096 possible pictures.

The pixels are three rows of four from the middle of each digit, black or white. Every run is seeded
and on one thread. A chi-square test compares draws with the probabilities; it rejects correct draws
for one seed in a million.
"""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.datasets import load_digits

from tests.truths.gallery import trained
from tests.truths.measuring import bound, draws, follows, log_prob, rows

STATES = np.array(list(itertools.product((0.0, 1.0), repeat=12)), dtype=np.float32)
PLACES = 2 ** np.arange(11, -1, -1)

DATA = "data={source: npz, path: d.npz, fields: {x: {from: x, shape: %s}%s}}"
PLAIN = DATA % ([12], "")
PICTURES = DATA % ([1, 3, 4], ", y: {from: y, shape: [], one_hot: 10}")


@pytest.fixture
def folder(tmp_path):
    """A data folder with pixels and classes of 1,438 training digits and 359 test digits."""
    digits = load_digits()
    x = (digits.images[:, 2:5, 2:6] > 8).reshape(-1, 12).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], digits.target[order]
    parts = {"train_x": x[:1438], "test_x": x[1438:], "train_y": y[:1438], "test_y": y[1438:]}
    np.savez(tmp_path / "d.npz", **parts)
    return tmp_path


def shares(x):
    """The mean log-probability of test rows under the frequency of each pixel in training rows."""
    train, test = x
    ink = (train.sum(0) + 0.5) / (len(train) + 1)
    return (test * np.log(ink) + (1 - test) * np.log1p(-ink)).sum(1).mean()


def counted(x):
    """The number of draws of each picture."""
    return np.bincount((x.reshape(-1, 12) @ PLACES).astype(int), minlength=len(STATES))


def test_all_pictures_have_probability_one_in_eight_orders(folder):
    """The density is a mean over orders, and each draw uses one of them."""
    run = trained("made", folder, (PLAIN, "train.epochs=20"), data_dir=folder)
    log_p = log_prob(run, x=STATES)
    assert abs(logsumexp(log_p)) < 1e-5
    assert follows(counted(draws(run, 8000)["x"]), np.exp(log_p))
    parts = rows(run, "train", "x"), rows(run, "test", "x")
    gain = bound(run, 1, estimator="exact").value - shares(parts)
    assert gain > 1.0, gain


@pytest.mark.parametrize(
    "link",
    [
        "{nade: 60, orders: 4}",
        pytest.param("{nade: 60}", marks=pytest.mark.slow),
        pytest.param("{transformer: 24, depth: 2, heads: 2}", marks=pytest.mark.slow),
    ],
)
def test_all_pictures_have_probability_one_under_other_links(link, folder):
    """Each is better than independent pixels, too, and its draws have its probabilities."""
    settings = (PLAIN, "train.epochs=15", "train.optimizer.adam.lr=0.01", f"links.nade={link}")
    run = trained("nade", folder, settings, data_dir=folder)
    log_p = log_prob(run, x=STATES)
    assert abs(logsumexp(log_p)) < 1e-5
    assert follows(counted(draws(run, 8000)["x"]), np.exp(log_p))
    parts = rows(run, "train", "x"), rows(run, "test", "x")
    gain = bound(run, 1, estimator="exact").value - shares(parts)
    assert gain > 0.5, gain


def test_all_pictures_of_each_class_have_probability_one(folder):
    settings = (PICTURES, "train.epochs=10")
    run = trained("pixelcnn", folder, settings, data_dir=folder)
    y = rows(run, "test", "y").argmax(1)
    states, drawn = STATES.reshape(-1, 1, 3, 4), draws(run, 8000)["x"]
    given = y[np.arange(len(drawn)) % len(y)]  # a draw takes its class from the rows in turn
    for label in range(10):
        log_p = log_prob(run, x=states, y=np.eye(10)[[label] * len(states)])
        assert abs(logsumexp(log_p)) < 1e-5
        assert follows(counted(drawn[given == label]), np.exp(log_p))
    parts = rows(run, "train", "x").reshape(-1, 12), rows(run, "test", "x").reshape(-1, 12)
    gain = bound(run, 1, estimator="exact").value - shares(parts)
    assert gain > 2.0, gain


CYCLE = "abcdefghij"


def test_a_transformer_of_text_copies_what_is_further_back_than_an_n_gram_sees(tmp_path):
    """A row repeats six random letters: 6 log 10 nats are in the first ones, none in the others.

    No character tells the next; a network that sees fewer than six steps back pays 18 log 10.
    """
    rng = np.random.default_rng(0)
    text = "".join("".join(rng.choice(list(CYCLE), 6)) * 3 for _ in range(2000))
    (tmp_path / "genesis.txt").write_text(text)
    settings = (
        "data.length=18",
        "data.stride=18",
        "data.split={test: 200}",
        "model.x.classes=10",
        "links.next={transformer: 32, depth: 2, heads: 2}",
        "train.epochs=12",
        "train.batch_size=50",
        "train.optimizer.adam.lr=0.01",
    )
    run = trained("transformer", tmp_path, settings, data_dir=tmp_path)
    found = -bound(run, 1, estimator="exact").value
    exact = 6 * np.log(10)
    assert exact - 0.2 < found < exact + 1.0, found
    drawn = draws(run, 100)["x"].astype(int)
    assert (drawn[:, 6:] == drawn[:, :-6]).mean() > 0.9


def regressions(x):
    """The maximum likelihood of all x_i ~ Bernoulli(sigmoid(b_i + sum_{j < i} w_ij x_j))."""
    total = 0.0
    for i in range(x.shape[1]):
        before = np.column_stack([np.ones(len(x)), x[:, :i]])

        def loss(w, before=before, own=x[:, i]):
            logits = before @ w
            slope = before.T @ (1 / (1 + np.exp(-logits)) - own) / len(own)
            return (np.logaddexp(0, logits) - own * logits).mean(), slope

        total -= minimize(loss, np.zeros(i + 1), jac=True, method="BFGS").fun
    return total


def test_a_fully_visible_belief_net_is_a_logistic_regression_of_each_pixel(folder):
    """The problem is convex (Frey 1998); the trained model is within 0.01 nats of the optimum."""
    linear = ("links.made={masked_mlp: []}", "train.epochs=100", "train.schedule={cosine: {}}")
    adam = "train.optimizer.adam.lr=0.02"
    run = trained("made", folder, (PLAIN, *linear, adam), data_dir=folder)
    best = regressions(rows(run, "train", "x"))
    found = bound(run, 1, part="train", estimator="exact").value
    assert best - 0.01 < found < best + 1e-4, (found, best)
