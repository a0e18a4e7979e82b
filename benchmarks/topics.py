"""Topic models of news: held-out perplexity, coherence and diversity, beside scikit-learn.

    python -m benchmarks.topics --data-dir DATA --topics 50 --epochs 20 --documents 500

Trains `prodlda`, `lda` and `logistic_normal_topics` of the gallery with 50 topics on the training
part of 20 Newsgroups, and LatentDirichletAllocation of scikit-learn. Perplexity is
exp(-1/N sum_n log p(v_n) / D_n) over held-out documents v_n with D_n words in order, where log p
is bounded by one of two means over draws from the guide of a document, given the mean of the
topics: of log w (the bound of training, as published figures have it) and log of the mean of w.

Coherence is the mean normalized pointwise mutual information of pairs among the ten top words of a
topic, by their occurrence in training documents (Lau, Newman and Baldwin 2014); diversity is the
share of different words among the 25 top words of all topics (Dieng, Ruiz and Blei 2020).
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp
from sklearn.decomposition import LatentDirichletAllocation
from torch import Tensor, nn

from benchmarks.documents import Counts, dirichlet, documents
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
    """What a trained model says: the log-weights of held-out rows [draws, rows], and its topics."""

    log_weights: Counts
    topics: Counts
    seconds: float


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
    """The log-weights of a trained spec on held-out documents, and its topics."""
    began = time.process_time()
    program = trained(name, chosen, folder)
    seconds = time.process_time() - began
    program.eval()
    with torch.no_grad():
        return Fit(weights_of(program, held_out, chosen), weight_of_words(program), seconds)


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


def log_orders(counts: Counts) -> Counts:
    """The log of the number of orders of the words of each document."""
    found: Counts = gammaln(counts.sum(1) + 1) - gammaln(counts + 1).sum(1)
    return found


def peer(train: Counts, held_out: Counts, chosen: argparse.Namespace) -> Fit:
    """Latent Dirichlet allocation of scikit-learn, whose guide is a Dirichlet distribution too."""
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
    gammas = model._e_step(held_out, cal_sstats=False, random_init=False)[0]
    rng, found = np.random.default_rng(0), []
    prior = np.full(chosen.topics, 1 / chosen.topics)
    for document, gamma in zip(held_out, gammas, strict=True):
        theta = np.maximum(rng.dirichlet(gamma, chosen.draws), 1e-300)
        used = document > 0
        log_p = np.log(theta @ topics[:, used]) @ document[used]
        found.append(log_p + dirichlet(theta, prior) - dirichlet(theta, gamma))
    return Fit(np.stack(found, 1), topics, seconds)


def perplexities(fit: Fit, held_out: Counts) -> tuple[float, float]:
    """The perplexity by the mean of log w, and by the log of the mean of w."""
    lengths = held_out.sum(1)
    bounds = fit.log_weights.mean(0), logsumexp(fit.log_weights, 0) - math.log(len(fit.log_weights))
    first, second = (math.exp(-(bound / lengths).mean()) for bound in bounds)
    return first, second


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


if __name__ == "__main__":
    main()
