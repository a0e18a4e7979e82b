"""Topic models of news: held-out perplexity, coherence and diversity, beside scikit-learn.

    python -m benchmarks.topics --data-dir DATA --topics 50 --epochs 20 --documents 500

Trains `prodlda`, `lda` and `logistic_normal_topics` of the gallery with 50 topics on the training
part of 20 Newsgroups, and LatentDirichletAllocation of scikit-learn. Perplexity is
exp(-1/N sum_n log p(v_n) / D_n) over held-out documents v_n with D_n words in order, where log p
is bounded by one of two means over draws from the guide of a document, given the mean of the
topics: of log w (the bound of training, as published figures have it) and log of the mean of w.

Completion is the perplexity of one half of the words of a held-out document given the other, drawn
at random: exp(-sum_n log p(b_n | a_n) / sum_n D_n) over halves b_n with D_n words, log p(b | a) the
log of the mean of p(b | z) over draws z from the guide of a (Wallach et al. 2009, section 5).

Coherence is the mean normalized pointwise mutual information of pairs among the ten top words of a
topic, by their occurrence in training documents (Lau, Newman and Baldwin 2014); diversity is the
share of different words among the 25 top words of all topics (Dieng, Ruiz and Blei 2020).
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, logsumexp
from sklearn.decomposition import LatentDirichletAllocation
from torch import Tensor, nn

from benchmarks.documents import Counts, documents
from specc.cli.main import main as specc
from specc.engine.storage.loaded_run import load_run
from specc.runtime.noise import Noise
from specc.runtime.program import Program

FIELDS = """data:
  source: counts
  path: news20/news20_bydate.npz
  fields:
    words: {from: counts, shape: [2000]}
    length: {from: length}
  split: {test: is_test}
"""
TRAINING = {"lda": "lr: 0.01", "logistic_normal_topics": "lr: 0.01", "prodlda": "lr: 0.002"}
"""The learning rates; that of `prodlda` is the published one."""


@dataclass(frozen=True)
class Fit:
    """What a trained model says of held-out rows, and its topics.

    Both are [draws, rows]: the log-weights, and log p(b | z) of halves for draws given the others.
    `concentrations` are those of Dirichlet topics.
    """

    log_weights: Counts
    completions: Counts
    topics: Counts
    seconds: float
    concentrations: Counts | None = None


def spec_of(name: str, chosen: argparse.Namespace) -> str:
    """The text of a gallery spec, with the data, the sizes and the training of the benchmark."""
    text = (Path("specs") / f"{name}.yaml").read_text(encoding="utf-8")
    head, rest = text.split("data:\n")
    rest = rest[rest.index("\nmodel:") :]
    rest = rest[: rest.index("train:")]
    head = head.replace("topics: 4", f"topics: {chosen.topics}").replace(": 24", ": 2000")
    betas = ", betas: [0.99, 0.999]" if name == "prodlda" else ""
    rest = rest.replace("linear: 50", "linear: 100").replace("mlp: [50]", "mlp: [100]")
    train = f"optimizer: {{adam: {{{TRAINING[name]}{betas}}}}}, batch_size: 200"
    return f"{head}{FIELDS}{rest}train: {{{train}, epochs: {chosen.epochs}}}\n"


def trained(name: str, chosen: argparse.Namespace, folder: Path) -> Program:
    """The program of a run of a spec."""
    path = folder / f"{name}.yaml"
    path.write_text(spec_of(name, chosen), encoding="utf-8")
    where = ["--data-dir", str(chosen.data_dir), "--out", str(folder / name), "--threads", "1"]
    specc(["train", str(path), "--quiet", *where])
    return load_run(folder / name).program


def shared_means(program: Program) -> dict[str, Tensor]:
    """The mean of the topics under the guide, where they are latents."""
    guide = program.guide
    if hasattr(guide, "counts"):
        return {"beta_": guide.counts / guide.counts.sum(-1, keepdim=True)}  # type: ignore[union-attr, operator]
    return {"beta_": guide.beta_loc} if hasattr(guide, "beta_loc") else {}  # type: ignore[dict-item]


def weight_of_words(program: Program) -> Counts:
    """The weight of each word in each topic: [topics, words]."""
    model = program.model
    if hasattr(model, "experts"):
        (linear,) = (each for each in model.experts if isinstance(each, nn.Linear))  # type: ignore[union-attr]
        found = linear.weight.T
    else:
        found = shared_means(program)["beta_"]
    return np.asarray(found.detach(), dtype=np.float64)


def fit_of(name: str, held_out: Counts, chosen: argparse.Namespace, folder: Path) -> Fit:
    """What a trained spec says of held-out documents, and its topics."""
    began = time.process_time()
    program = trained(name, chosen, folder)
    seconds = time.process_time() - began
    program.eval()
    topics = weight_of_words(program)
    with torch.no_grad():
        if hasattr(program.guide, "theta_concentration"):
            gammas = encoded(program, held_out), encoded(program, halves(held_out)[0])
            fit = fit_of_mixture(topics, gammas, held_out, chosen, seconds)
            counts = np.asarray(program.guide.counts.double(), dtype=np.float64)  # type: ignore[union-attr, operator]
            return replace(fit, concentrations=counts)
        weights = weights_of(program, held_out, chosen)
        completions = completions_of(program, *halves(held_out), chosen)
        return Fit(weights, completions, topics, seconds)


def weights_of(program: Program, held_out: Counts, chosen: argparse.Namespace) -> Counts:
    """Log p(v, z) - log q(z | v) of draws from the guide: [draws, rows]."""
    shared = shared_means(program)
    pieces = []
    for at in range(0, len(held_out), 20):
        words = torch.tensor(held_out[at : at + 20], dtype=torch.float32)
        noise = Noise.at(0, at)
        latents, log_q = program.guide.sample_and_log_prob(noise, chosen.draws, words=words)  # type: ignore[union-attr, operator]
        log_p = program.model.log_joint(**shared, **latents, words=words, length=words.sum(1))  # type: ignore[operator]
        pieces.append((log_p - log_q).double().numpy())
    found: Counts = np.concatenate(pieces, 1) - log_orders(held_out)
    return found


def completions_of(
    program: Program, known: Counts, wanted: Counts, chosen: argparse.Namespace
) -> Counts:
    """Log p(wanted | z) of draws from the guide of `known`: [draws, rows].

    No words have the probability 1, so that their joint density is the prior of the draws.
    """
    shared = shared_means(program)
    pieces = []
    for at in range(0, len(known), 20):
        given, words = (torch.tensor(part[at : at + 20]).float() for part in (known, wanted))
        noise = Noise.at(0, at)
        latents, _ = program.guide.sample_and_log_prob(noise, chosen.draws, words=given)  # type: ignore[union-attr, operator]
        joint, prior = (
            program.model.log_joint(**shared, **latents, words=w, length=w.sum(1))  # type: ignore[operator]
            for w in (words, torch.zeros_like(words))
        )
        pieces.append((joint - prior).double().numpy())
    found: Counts = np.concatenate(pieces, 1) - log_orders(wanted)
    return found


def halves(documents: Counts) -> tuple[Counts, Counts]:
    """Two halves of the words of each document, at random."""
    first = np.random.default_rng(1).binomial(documents.astype(int), 0.5).astype(float)
    return first, documents - first


def log_orders(counts: Counts) -> Counts:
    """The log of the number of orders of the words of each document."""
    found: Counts = gammaln(counts.sum(1) + 1) - gammaln(counts + 1).sum(1)
    return found


def peer(train: Counts, held_out: Counts, chosen: argparse.Namespace) -> Fit:
    """Latent Dirichlet allocation of scikit-learn, which has Dirichlet guides without a network."""
    began = time.process_time()
    model = LatentDirichletAllocation(
        chosen.topics,
        doc_topic_prior=1 / chosen.topics,
        topic_word_prior=0.1,
        learning_method="online",
        batch_size=200,
        max_iter=chosen.epochs,
        random_state=0,
    ).fit(train)
    seconds = time.process_time() - began
    topics = model.components_ / model.components_.sum(1, keepdims=True)
    gammas = of_steps(model, held_out), of_steps(model, halves(held_out)[0])
    return fit_of_mixture(topics, gammas, held_out, chosen, seconds)


def encoded(program: Program, documents: Counts) -> Counts:
    """The concentrations of the proportions of documents by the network of the guide."""
    found = program.guide.theta_concentration(torch.tensor(documents).float())  # type: ignore[union-attr, operator]
    return np.asarray(found.double(), dtype=np.float64)


def of_steps(model: LatentDirichletAllocation, documents: Counts) -> Counts:
    """The concentrations of the proportions of documents by steps that converge."""
    found: Counts = model._e_step(documents, cal_sstats=False, random_init=False)[0]
    return found


def by_steps(fit: Fit, concentrations: Counts, held_out: Counts, chosen: argparse.Namespace) -> Fit:
    """The fit of the same topics, with proportions by the steps of scikit-learn."""
    model = LatentDirichletAllocation(chosen.topics, doc_topic_prior=1 / chosen.topics)
    model._init_latent_vars(concentrations.shape[1], dtype=np.float64)
    model.components_ = concentrations
    expected = digamma(concentrations) - digamma(concentrations.sum(1, keepdims=True))
    model.exp_dirichlet_component_ = np.exp(expected)
    gammas = of_steps(model, held_out), of_steps(model, halves(held_out)[0])
    return fit_of_mixture(fit.topics, gammas, held_out, chosen, fit.seconds)


def fit_of_mixture(
    topics: Counts,
    gammas: tuple[Counts, Counts],
    held_out: Counts,
    chosen: argparse.Namespace,
    seconds: float,
) -> Fit:
    """What topics say of documents and of second halves.

    `gammas` are the concentrations of proportions given the documents and given first halves.

    Log-densities are computed from the logarithms of draws: a proportion of a small concentration
    is often below the range of its type.
    """
    rng, weights, completions = np.random.default_rng(0), [], []
    prior = np.full(len(topics), 1 / len(topics))
    for document, gamma in zip(held_out, gammas[0], strict=True):
        log_theta = proportions(gamma, rng, chosen.draws)
        log_p = log_of_words(log_theta, topics, document) + dirichlet(log_theta, prior)
        weights.append(log_p - dirichlet(log_theta, gamma))
    for half, gamma in zip(halves(held_out)[1], gammas[1], strict=True):
        completions.append(log_of_words(proportions(gamma, rng, chosen.draws), topics, half))
    return Fit(np.stack(weights, 1), np.stack(completions, 1), topics, seconds)


def proportions(gamma: Counts, rng: np.random.Generator, draws: int) -> Counts:
    """Logarithms of Dirichlet draws: [draws, topics]."""
    size = draws, len(gamma)
    log_g = np.log(rng.gamma(gamma + 1, size=size)) - rng.exponential(size=size) / gamma
    found: Counts = log_g - logsumexp(log_g, 1, keepdims=True)
    return found


def log_of_words(log_theta: Counts, topics: Counts, document: Counts) -> Counts:
    """The log-probability of the words of a document in order, for each draw."""
    used = document > 0
    found: Counts = np.log(np.exp(log_theta) @ topics[:, used]) @ document[used]
    return found


def dirichlet(log_theta: Counts, alpha: Counts) -> Counts:
    """The log-density of a Dirichlet distribution: [draws]."""
    found: Counts = gammaln(alpha.sum()) - gammaln(alpha).sum() + log_theta @ (alpha - 1)
    return found


def perplexities(fit: Fit, held_out: Counts) -> tuple[float, float]:
    """The perplexity by the mean of log w, and by the log of the mean of w."""
    lengths = held_out.sum(1)
    bounds = fit.log_weights.mean(0), logsumexp(fit.log_weights, 0) - math.log(len(fit.log_weights))
    first, second = (math.exp(-(bound / lengths).mean()) for bound in bounds)
    return first, second


def completion(fit: Fit, held_out: Counts) -> float:
    """The perplexity of one half of each document given the other."""
    log_p = logsumexp(fit.completions, 0) - math.log(len(fit.completions))
    return math.exp(-float(log_p.sum() / halves(held_out)[1].sum()))


def coherence(topics: Counts, train: Counts) -> float:
    """The mean normalized pointwise mutual information of the ten top words of each topic."""
    occurs: NDArray[np.float64] = (train > 0).astype(np.float64)
    found = []
    for topic in topics:
        words = np.argsort(-topic)[:10]
        part = occurs[:, words]
        alone, together = part.mean(0), part.T @ part / len(part)
        for i, j in combinations(range(10), 2):
            both = together[i, j]
            if both == 0:
                found.append(-1.0)
            else:
                found.append(math.log(both / alone[i] / alone[j]) / -math.log(both))
    return float(np.mean(found))


def diversity(topics: Counts) -> float:
    """The share of different words among the 25 top words of all topics."""
    top = np.argsort(-topics, 1)[:, :25]
    return len(set(top.ravel().tolist())) / top.size


def report(name: str, fit: Fit, train: Counts, held_out: Counts, words: list[str]) -> None:
    """Print the figures of a model, and the top words of some topics."""
    bound, tighter = perplexities(fit, held_out)
    figures = f"NPMI {coherence(fit.topics, train):.3f}, diversity {diversity(fit.topics):.2f}"
    draws = len(fit.log_weights)
    print(f"{name}: perplexity {bound:.0f}, {tighter:.0f} by {draws} draws, {figures}")
    print(f"  completion {completion(fit, held_out):.0f}")
    print(f"  {fit.seconds:.0f} s of processor time")
    for topic in fit.topics[:6]:
        print("  " + " ".join(words[i] for i in np.argsort(-topic)[:8]), flush=True)


def main() -> None:
    """Train the models, and print their figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--models", nargs="*", default=[*TRAINING, "sklearn"])
    parser.add_argument("--topics", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--draws", type=int, default=100)
    chosen = parser.parse_args()
    train, test = documents(chosen.data_dir)
    train = train[train.sum(1) > 0]
    long_enough = np.flatnonzero(test.sum(1) > 0)
    rng = np.random.default_rng(0)
    held_out = test[rng.choice(long_enough, chosen.documents, replace=False)]
    vocabulary = chosen.data_dir / "news20/vocabulary.txt"
    words = vocabulary.read_text(encoding="utf-8").split()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.models:
            if name == "sklearn":
                fit = peer(train, held_out, chosen)
            else:
                fit = fit_of(name, held_out, chosen, Path(folder))
            report(name, fit, train, held_out, words)
            if fit.concentrations is not None:
                stepped = by_steps(fit, fit.concentrations, held_out, chosen)
                report(f"{name}, proportions by steps", stepped, train, held_out, words)


if __name__ == "__main__":
    main()
