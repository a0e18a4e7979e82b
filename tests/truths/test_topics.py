"""Topic models against enumeration, quadrature and scikit-learn.

Means over draws are accepted within 5 standard errors: a false alarm in 2 million for each.
"""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
import torch
from scipy.special import gammaln, logsumexp
from sklearn.decomposition import LatentDirichletAllocation

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import settle
from tests.losses import computed
from tests.truths.gallery import SPECS, trained, trained_text

COUNTS = np.array([[2, 1, 0], [0, 1, 3]])
WORDS = torch.tensor(COUNTS, dtype=torch.float64)
BATCH = {"words": WORDS, "length": WORDS.sum(1)}
BLOCK = 6
"""The words of the corpus are four blocks of six, one of each of its topics."""


@pytest.fixture(autouse=True)
def _double():
    with precision(torch.float64):
        yield


def small(name, folder, topics=2):
    """A gallery spec for two topics and three words, in float64."""
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    text = text.replace("topics: 4", f"topics: {topics}").replace(": 24", ": 3")
    made = program(text.replace("[24]", "[3]"), folder)
    settle(made, seed=1)
    for parameter in made.guide.parameters():
        parameter.data.mul_(0.1)
    return made.eval()


def log_orders(counts):
    return gammaln(counts.sum(-1) + 1) - gammaln(counts + 1).sum(-1)


def log_polya(counts, concentration):
    """Log p of a sequence with these counts, its probabilities drawn from a Dirichlet."""
    total = concentration * counts.shape[-1]
    rest = gammaln(concentration + counts) - gammaln(concentration)
    return gammaln(total) - gammaln(total + counts.sum(-1)) + rest.sum(-1)


def log_evidence_of_lda(counts, topics, of_theta, of_beta):
    """Log p(words): the sum over the topics of all words, with theta and beta integrated out."""
    tokens = [(d, v) for d, row in enumerate(counts) for v, n in enumerate(row) for _ in range(n)]
    terms = []
    for chosen in itertools.product(range(topics), repeat=len(tokens)):
        of_rows, of_topics = np.zeros((len(counts), topics)), np.zeros((topics, counts.shape[1]))
        for (d, v), k in zip(tokens, chosen, strict=True):
            of_rows[d, k] += 1
            of_topics[k, v] += 1
        terms.append(log_polya(of_rows, of_theta).sum() + log_polya(of_topics, of_beta).sum())
    return logsumexp(terms) + log_orders(counts).sum()


def log_weights(made, draws, seed=0):
    """Log p(words, theta, beta) - log q(theta, beta) of all rows together: [draws]."""
    noise = Noise.at(seed, dtype=torch.float64)
    with torch.no_grad():
        shared, log_q = made.guide.sample_global_and_log_prob(noise, draws)
        own, log_q_own = made.guide.sample_and_log_prob(noise, draws, words=WORDS)
        log_p = made.model.log_joint(**shared, **own, **BATCH)
        total = made.model.log_prior(**shared).reshape(-1) - log_q.reshape(-1)
        return (total + (log_p - log_q_own).sum(1)).numpy()


def log_likelihoods(made, draws):
    """Log p(words | theta, beta) of each row for draws from the prior: [draws, rows]."""
    rng = np.random.default_rng(0)
    theta = torch.tensor(rng.dirichlet([0.5, 0.5], (draws, len(COUNTS))).clip(1e-300))
    beta = torch.tensor(rng.dirichlet([0.1] * 3, (draws, 1, 2)).clip(1e-300))
    prior = torch.distributions.Dirichlet(torch.full((2,), 0.5, dtype=torch.float64))
    prior._validate_args = False
    with torch.no_grad():
        log_p = made.model.log_joint(beta_=beta, theta=theta, **BATCH)
        return (log_p - prior.log_prob(theta)).numpy()


def log_mean(values):
    """The log of the mean of exp(values), and its standard error."""
    weights = np.exp(values - values.max())
    error = weights.std(ddof=1) / weights.mean() / math.sqrt(len(values))
    return values.max() + math.log(weights.mean()), error


def test_bounds_of_lda_are_below_the_evidence_in_order(tmp_path):
    """ELBO < a bound of 10 draws < of 100 < log p(words), the mean of p over draws of the prior."""
    made = small("lda", tmp_path)
    fitted = torch.optim.Adam(made.parameters(), lr=0.05)
    for step in range(100):
        loss = computed(made, BATCH, Noise.at(1, step, dtype=torch.float64), len(COUNTS))[0]
        fitted.zero_grad()
        loss.backward()
        fitted.step()
    exact = log_evidence_of_lda(COUNTS, 2, 0.5, 0.1)
    weights = log_weights(made, 20_000)
    bounds = [
        (logsumexp(part, axis=1) - math.log(part.shape[1])).mean()
        for part in (weights.reshape(-1, count) for count in (1, 10, 100))
    ]
    assert exact - 5.0 < bounds[0] < bounds[1] < bounds[2] < exact
    likelihoods = log_likelihoods(made, 100_000)
    found, error = log_mean(likelihoods.sum(1))
    assert abs(found - exact) < 5 * error < 0.2
    alone = sum(log_mean(row)[0] for row in likelihoods.T)  # each row with topics of its own
    assert abs(alone - exact) > 0.2


@pytest.mark.parametrize("name", ["prodlda", "logistic_normal_topics"])
def test_bounds_of_a_row_are_below_its_density_in_order(name, tmp_path):
    """Log p of a row given topics, by quadrature over the two normal latents of the row."""
    made, noise = small(name, tmp_path), Noise.at(3, dtype=torch.float64)
    latent = "z" if name == "prodlda" else "eta"
    shared = {} if name == "prodlda" else made.guide.sample_global(noise)
    side = torch.linspace(-24, 24, 481, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side).unsqueeze(1)
    with torch.no_grad():
        exact = made.model.log_joint(**shared, **{latent: grid}, **BATCH).logsumexp(0)
        exact += 2 * math.log(side[1] - side[0])
        own, log_q = made.guide.sample_and_log_prob(noise, 20_000, words=WORDS)
        weights = (made.model.log_joint(**shared, **own, **BATCH) - log_q).numpy()
    for row in range(len(COUNTS)):
        single, ten, thousand = (
            (logsumexp(part, axis=1) - math.log(part.shape[1])).mean()
            for part in (weights[:, row].reshape(-1, count) for count in (1, 10, 1000))
        )
        _, error = log_mean(weights[:, row])
        assert single < ten < thousand < exact[row] + 5 * error
        assert thousand > exact[row] - 0.1


def corpus():
    lines = (SPECS / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    return np.array([json.loads(line)["words"] for line in lines], dtype=float)


def test_lda_finds_the_topics_and_scores_as_scikit_learn(tmp_path):
    """Of held-out documents, by the same estimate, with the mean of the topics."""
    faster = ("train.epochs=40", "train.optimizer.adam.lr=0.04")
    run = trained("lda", tmp_path, faster, data_dir=SPECS).loaded
    guide, rows = run.program.guide, run.rows("test")
    held_out = rows.batch(slice(0, len(rows)), Noise.at(0))["words"].double().numpy()
    train = run.rows("train")
    fitted = train.batch(slice(0, len(train)), Noise.at(0))["words"].double().numpy()
    assert len(fitted) + len(held_out) == len(corpus())
    peer = LatentDirichletAllocation(
        4, doc_topic_prior=0.25, topic_word_prior=0.1, max_iter=60, random_state=0
    ).fit(fitted)
    topics = guide.counts.detach().double().numpy()
    blocks = np.argsort(-topics, 1)[:, :3] // BLOCK
    assert sorted(blocks[:, 0]) == [0, 1, 2, 3] and (blocks == blocks[:, :1]).all()
    ours, theirs = (perplexity(t, held_out, peer) for t in (topics, peer.components_))
    assert abs(ours / theirs - 1) < 0.03


def test_monte_carlo_em_finds_the_topics(tmp_path):
    """Chains draw the proportions, and a guide the topics: no encoder of documents is needed."""
    text = (SPECS / "logistic_normal_topics.yaml").read_text(encoding="utf-8").split("evaluate:")[0]
    text = text.replace("  eta: {latent: normal, params: encoder(log1p(words))}\n", "")
    text = text.replace("links:\n  encoder: {mlp: [50], activation: softplus}\n", "")
    text += "sampler: {hmc: {step_size: 0.2, leapfrog: 5}}\n"
    faster = ("train.epochs=40", "train.optimizer.adam.lr=0.05")
    run = trained_text(text, tmp_path, faster, data_dir=SPECS).loaded
    topics = run.program.guide.beta_loc.detach().numpy()
    blocks = np.argsort(-topics, 1)[:, :3] // BLOCK
    assert sorted(blocks[:, 0]) == [0, 1, 2, 3] and (blocks == blocks[:, :1]).all()


def perplexity(topics, held_out, peer):
    """That of documents, by 500 draws of theta from its posterior under scikit-learn."""
    rng, found = np.random.default_rng(0), []
    topics = topics / topics.sum(1, keepdims=True)
    peer.components_ = topics
    peer.exp_dirichlet_component_ = topics
    for document, gamma in zip(held_out, peer.transform(held_out), strict=True):
        shape = 0.25 + gamma * document.sum()
        theta = np.maximum(rng.dirichlet(shape, 500), 1e-300)
        weights = np.log(theta @ topics) @ document
        for sign, own in ((1, np.full(4, 0.25)), (-1, shape)):
            weights += sign * (np.log(theta) @ (own - 1) + gammaln(own.sum()) - gammaln(own).sum())
        found.append((logsumexp(weights) - math.log(500)) / document.sum())
    return math.exp(-np.mean(found))
