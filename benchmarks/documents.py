"""Perplexity of held-out documents: the replicated softmax and latent Dirichlet allocation.

    python -m benchmarks.documents --data-dir DATA --units 50 128 --epochs 10

The perplexity of documents v_n with D_n words is exp(-1/N sum_n log p(v_n) / D_n), of their words
in order (Salakhutdinov and Hinton 2009, section 4). Log Z of the replicated softmax depends on D.
It is estimated for each length by annealed importance sampling; an estimate that is too low makes
the perplexity too low.

Log p(v) of latent Dirichlet allocation, with the fitted topics, is an importance-weighted estimate
with the variational posterior of the document as proposal, whose mean is at most log p(v).
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp
from sklearn.decomposition import LatentDirichletAllocation

from specc.cli.main import main as specc
from specc.engine.storage.loaded_run import LoadedRun, load_run
from specc.evaluate.energies.conditional import ConditionalLogZ
from specc.evaluate.energies.log_z import Annealing
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import base_of

SPEC = Path("specs/rbm_counts.yaml")
Counts = NDArray[np.float64]


def documents(folder: Path) -> tuple[Counts, Counts]:
    """The counts of training and test documents."""
    file = np.load(folder / "news20/news20_bydate.npz")
    rows, words = file["shape"]
    counts = np.zeros((rows, words))
    row = np.repeat(np.arange(rows), np.diff(file["indptr"]))
    counts[row, file["indices"]] = file["counts"]
    return counts[~file["is_test"]], counts[file["is_test"]]


def trained(units: int, chosen: argparse.Namespace, folder: Path) -> LoadedRun:
    """A run of the spec with other sizes."""
    text = SPEC.read_text(encoding="utf-8").replace("[2000, 50]", f"[2000, {units}]")
    text = text.replace("shape: [50]", f"shape: [{units}]").replace(
        "epochs: 10", f"epochs: {chosen.epochs}"
    )
    path = folder / f"units{units}.yaml"
    path.write_text(text, encoding="utf-8")
    run = folder / f"run{units}"
    arguments = ["--data-dir", str(chosen.data_dir), "--out", str(run), "--threads", "1"]
    specc(["train", str(path), *arguments])
    return load_run(run)


def softmax_log_probs(
    run: LoadedRun, train: Counts, held_out: Counts, options: Annealing
) -> list[float]:
    """Log p of the words of each held-out document, with log Z of its length."""
    declared = run.manifest.energy
    assert declared is not None
    model = EnergyModel.of(run.program.model, declared)
    base = base_of(model, {"v": torch.tensor(train)})
    log_z = ConditionalLogZ(model, base, options)
    found = []
    for number, document in enumerate(held_out):
        v = torch.tensor(document[None], dtype=torch.float32)
        rows = {"v": v, "length": v.sum(1)}
        with torch.no_grad():
            # The density of the words in order lacks the base measure of counts.
            free = model.free_energy(rows)
        found.append((-free - log_z.of(rows, number)).item())
    print(f"  {log_z.summary().statement()}")
    summary = log_z.summary()
    for name, way in (("forward", summary.forward), ("backward", summary.backward)):
        if way is not None:
            shown = f"{way.value:.2f} +- {way.standard_error:.2f}, effective chains at least"
            print(f"  mean of log Z, {name}: {shown} {way.effective:.1f}", flush=True)
    return found


def allocation_log_probs(
    model: LatentDirichletAllocation, held_out: Counts, draws: int, seed: int
) -> list[float]:
    """Log p of the words of each document, by draws from its variational posterior."""
    topics = model.components_ / model.components_.sum(1, keepdims=True)
    prior = np.full(len(topics), model.doc_topic_prior_)
    gammas = model._e_step(held_out, cal_sstats=False, random_init=False)[0]
    rng, found = np.random.default_rng(seed), []
    for document, gamma in zip(held_out, gammas, strict=True):
        theta = np.maximum(rng.dirichlet(gamma, draws), 1e-300)
        used = document > 0
        likelihood = np.log(theta @ topics[:, used]) @ document[used]
        weights = likelihood + dirichlet(theta, prior) - dirichlet(theta, gamma)
        found.append(float(logsumexp(weights) - math.log(draws)))
    return found


def dirichlet(theta: Counts, alpha: Counts) -> Counts:
    """The log-density of a Dirichlet distribution: [draws]."""
    normalizer = gammaln(alpha.sum()) - gammaln(alpha).sum()
    found: Counts = normalizer + np.log(theta) @ (alpha - 1)
    return found


def perplexity(log_probs: list[float], held_out: Counts) -> tuple[float, float]:
    """The perplexity for each word, and its standard error over documents."""
    each = -np.array(log_probs) / held_out.sum(1)
    value = math.exp(each.mean())
    return value, value * float(each.std(ddof=1)) / math.sqrt(len(each))


def main() -> None:
    """Train the models, and print their perplexities."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--units", type=int, nargs="*", default=[50, 128])
    parser.add_argument("--topics", type=int, default=50)
    parser.add_argument("--passes", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--documents", type=int, default=50)
    parser.add_argument("--chains", type=int, default=50)
    parser.add_argument("--temperatures", type=int, default=1000)
    chosen = parser.parse_args()
    train, test = documents(chosen.data_dir)
    rng = np.random.default_rng(0)
    long_enough = np.flatnonzero(test.sum(1) > 0)
    held_out = test[rng.choice(long_enough, chosen.documents, replace=False)]
    frequencies = np.log((train.sum(0) + 1) / (train.sum() + train.shape[1]))
    report("frequencies of words", list(held_out @ frequencies), held_out, time.monotonic())
    began = time.monotonic()
    allocation = LatentDirichletAllocation(
        chosen.topics,
        learning_method="online",
        batch_size=256,
        max_iter=chosen.passes,
        random_state=0,
    ).fit(train)
    found = allocation_log_probs(allocation, held_out, 10_000, seed=0)
    report(f"latent Dirichlet allocation, {chosen.topics} topics", found, held_out, began)
    options = Annealing(chosen.chains, chosen.temperatures, "both", sweeps=chosen.temperatures // 4)
    with tempfile.TemporaryDirectory() as folder:
        for units in chosen.units:
            began = time.monotonic()
            run = trained(units, chosen, Path(folder))
            found = softmax_log_probs(run, train, held_out, options)
            report(f"replicated softmax, {units} units", found, held_out, began)


def report(name: str, log_probs: list[float], held_out: Counts, began: float) -> None:
    """Print the perplexity of a model, and the time it took."""
    value, error = perplexity(log_probs, held_out)
    print(f"{name}: {value:.0f} +- {error:.0f}, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
