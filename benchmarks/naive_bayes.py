"""Naive Bayes of 20 Newsgroups: the mode of the spec is scikit-learn's estimate.

    python -m benchmarks.naive_bayes --data-dir DATA

The log-posterior is concave in the logits of the shares and of the words of each group, so a point
at which its gradient is 0 is the mode. Puts the estimate of MultinomialNB into the model of the
spec, and prints the largest entry of the gradient for each document there, with another pseudocount
for comparison, and the largest difference of log p(y | words) of some test documents.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.naive_bayes import MultinomialNB
from torch import nn

from benchmarks.documents import documents
from specc.compiler import compile
from specc.diagnostics.source import Source

SPEC = """specc: 1
name: news_bayes
data:
  source: counts
  path: news20/news20_bydate.npz
  fields:
    y: {{from: label, base: 1}}
    words: {{from: counts, shape: [{words}]}}
    length: {{from: length}}
plates: {{groups: {groups}}}
model:
  shares: {{parameter: simplex, shape: [{groups}]}}
  use: {{latent: dirichlet, concentration: {concentration}, shape: [{words}], plate: groups}}
  y: {{observed: categorical, probs: shares}}
  length: {{given: length}}
  words:
    observed: multinomial
    total_count: length
    probs: use[y]
objective: map
"""
BATCH = 1000


def model_of(groups: int, words: int, alpha: float) -> nn.Module:
    """The generated model, in float64."""
    text = SPEC.format(groups=groups, words=words, concentration=1 + alpha)
    result, checked = compile(Source("news_bayes.yaml", text))
    assert result is not None, checked.diagnostics
    module = ModuleType("model")
    exec(result.files["model.py"], module.__dict__)
    made: nn.Module = module.Model().double()
    return made


def put(model: nn.Module, estimate: MultinomialNB) -> None:
    """Set the parameters to those of scikit-learn."""
    with torch.no_grad():
        model.shares_logits.copy_(torch.tensor(estimate.class_log_prior_))
        model.use_logits.copy_(torch.tensor(estimate.feature_log_prob_))


def slope(model: nn.Module, words: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """The largest entry of the gradient of the log-posterior, divided by the documents."""
    counts, labels = torch.tensor(words), torch.tensor(y)
    for start in range(0, len(counts), BATCH):
        rows = counts[start : start + BATCH]
        own = {"y": labels[start : start + BATCH], "words": rows, "length": rows.sum(1)}
        model.log_prob(**own).sum().backward()
    model.log_prior(use=model.use).sum().backward()
    found = max(float(p.grad.abs().max()) for p in model.parameters() if p.grad is not None)
    model.zero_grad()
    return found / len(counts)


@torch.no_grad()
def posterior(model: nn.Module, words: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """Log p(y | words) of each document and group."""
    found = []
    for rows in torch.tensor(words).split(BATCH):
        own = {"words": rows, "length": rows.sum(1)}
        every = [model.log_prob(y=torch.full((len(rows),), k), **own) for k in range(groups)]
        found.append(torch.stack(every, 1).log_softmax(1))
    result: NDArray[np.float64] = torch.cat(found).numpy()
    return result


def main() -> None:
    """Print the gradient at the estimate, and the difference of the predictions."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--documents", type=int, default=500, help="test documents to predict")
    chosen = parser.parse_args()
    file = np.load(chosen.data_dir / "news20/news20_bydate.npz")
    train, test = documents(chosen.data_dir)
    label = file["label"].astype(np.int64) - 1
    y, y_test = label[~file["is_test"]], label[file["is_test"]]
    some = np.random.default_rng(0).permutation(len(test))[: chosen.documents]
    test, y_test = test[some], y_test[some]
    groups = int(label.max()) + 1
    model = model_of(groups, train.shape[1], chosen.alpha)
    for name, alpha in (("the estimate", chosen.alpha), ("another", 1.1 * chosen.alpha)):
        estimate = MultinomialNB(alpha=alpha).fit(train, y)
        put(model, estimate)
        print(f"gradient at {name}, pseudocount {alpha:g}: {slope(model, train, y):.1e}")
    estimate = MultinomialNB(alpha=chosen.alpha).fit(train, y)
    put(model, estimate)
    ours, theirs = posterior(model, test, groups), estimate.predict_log_proba(test)
    right = (ours.argmax(1) == y_test).mean()
    print(f"log p(y | words) differs by at most {np.abs(ours - theirs).max():.1e}")
    print(f"accuracy {right:.4f}, of scikit-learn {estimate.score(test, y_test):.4f}")


if __name__ == "__main__":
    main()
