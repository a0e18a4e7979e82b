"""Ratios of the step times of a restricted Boltzmann machine: specc, PyTorch by hand, others.

    python -m benchmarks.boltzmann --rounds 15 --threads 1

A step is one of persistent contrastive divergence: 784 visible and 500 hidden units, a batch of 100
rows, 100 chains, one sweep. `by hand` differentiates the free energy by autograd, as PyTorch code
does; `explicit` writes the gradient out, products of the two phases, without autograd. Both use
Adam. scikit-learn's step is a plain gradient step. learnergy, timed if it is installed (`pip
install --no-deps learnergy`), has no persistent chains: its `fit` is CD-1 with plain gradient
steps, over rows that a loader of PyTorch collects one by one, and computes a pseudolikelihood of
each batch. Each round times a few steps of all contenders in turn. Printed are the ratios of
processor times within a round, of each to `by hand` and of specc's compiled step to each: median,
minimum and maximum. Processor time hardly depends on what else the machine does; use one thread.
"""

from __future__ import annotations

import argparse
import importlib.util
import time

from benchmarks.adversarial import ROWS, Contender, in_specc
from benchmarks.step import ratio

import torch  # isort: skip - after the import that prepares the device
from torch import Tensor, nn  # isort: skip
from torch.nn import functional  # isort: skip

VISIBLE, HIDDEN, BATCH = 784, 500, 100

RBM = """
specc: 1
name: machine
data: {source: mnist, fields: {v: {from: image, shape: [784], binarize: threshold}}}
model:
  w: {parameter: real, shape: [784, 500], init: {normal: 0.01}}
  a: {parameter: real, shape: [784], init: zeros}
  b: {parameter: real, shape: [500], init: zeros}
  v: {observed: bernoulli}
  h: {latent: bernoulli, shape: [500]}
  energy: "-(v @ w @ h) - a @ v - b @ h"
objective: {cd: {steps: 1, persistent: true, chains: 100}}
train: {optimizer: {adam: {lr: 0.001}}, batch_size: 100, epochs: 1}
"""


def weights() -> tuple[nn.Parameter, nn.Parameter, nn.Parameter]:
    """The matrix and the biases of the visible and of the hidden units."""
    w = nn.Parameter(0.01 * torch.randn(VISIBLE, HIDDEN))
    return w, nn.Parameter(torch.zeros(VISIBLE)), nn.Parameter(torch.zeros(HIDDEN))


def by_hand(x: Tensor) -> Contender:
    """Autograd of the free energies of data and chains."""
    w, a, b = weights()
    optimizer = torch.optim.Adam((w, a, b), lr=1e-3)
    chain = torch.zeros(BATCH, VISIBLE)

    def free_energy(v: Tensor) -> Tensor:
        return -(v @ a) - functional.softplus(v @ w + b).sum(-1)

    def run(indices: list[Tensor]) -> None:
        nonlocal chain
        v = x[indices[0]]
        with torch.no_grad():
            h = torch.bernoulli(torch.sigmoid(chain @ w + b))
            chain = torch.bernoulli(torch.sigmoid(h @ w.T + a))
        loss = free_energy(v).mean() - free_energy(chain).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return run


def explicit(x: Tensor) -> Contender:
    """The gradient written out, E_data[v h'] - E_chain[v h']."""
    w, a, b = weights()
    optimizer = torch.optim.Adam((w, a, b), lr=1e-3)
    chain = torch.zeros(BATCH, VISIBLE)

    @torch.no_grad()
    def run(indices: list[Tensor]) -> None:
        nonlocal chain
        v = x[indices[0]]
        h = torch.bernoulli(torch.sigmoid(chain @ w + b))
        chain = torch.bernoulli(torch.sigmoid(h @ w.T + a))
        high, low = torch.sigmoid(v @ w + b), torch.sigmoid(chain @ w + b)
        w.grad = (chain.T @ low - v.T @ high) / BATCH
        a.grad, b.grad = chain.mean(0) - v.mean(0), low.mean(0) - high.mean(0)
        optimizer.step()

    return run


def scikit_learn(x: Tensor) -> Contender:
    """BernoulliRBM of scikit-learn, a step of `partial_fit`."""
    from sklearn.neural_network import BernoulliRBM

    machine = BernoulliRBM(n_components=HIDDEN, batch_size=BATCH, random_state=0)
    data = x.numpy()

    def run(indices: list[Tensor]) -> None:
        machine.partial_fit(data[indices[0].numpy()])

    return run


def learnergy(x: Tensor) -> Contender:
    """The machine of learnergy, an epoch of `fit` over one batch."""
    import logging

    from learnergy.models import bernoulli
    from torch.utils.data import TensorDataset

    logging.disable(logging.INFO)  # it writes a line for each epoch
    machine = bernoulli.RBM(n_visible=VISIBLE, n_hidden=HIDDEN, learning_rate=0.01)

    def run(indices: list[Tensor]) -> None:
        rows = x[indices[0]]
        machine.fit(TensorDataset(rows, torch.zeros(len(rows))), batch_size=BATCH, epochs=1)

    return run


def measure(rounds: int, steps: int) -> dict[str, list[float]]:
    """The seconds per step of each contender, one number for each round."""
    x = torch.bernoulli(torch.rand(ROWS, VISIBLE))
    made = {
        "by hand": by_hand(x),
        "explicit": explicit(x),
        "specc": in_specc(RBM, x, compiled=False, name="v"),
        "specc compiled": in_specc(RBM, x, compiled=True, name="v"),
        "scikit-learn": scikit_learn(x),
    }
    if importlib.util.find_spec("learnergy"):
        made["learnergy"] = learnergy(x)
    found: dict[str, list[float]] = {name: [] for name in made}
    for number in range(rounds + 2):
        for name, run in made.items():
            began = time.process_time()
            for _ in range(steps):
                run([torch.randint(ROWS, (BATCH,))])
            if number > 1:  # the first rounds compile
                found[name].append((time.process_time() - began) / steps)
    return found


def main() -> None:
    """Print the ratios of each contender."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    found = measure(options.rounds, options.steps)
    for name, seconds in found.items():
        middle, least, most = ratio(found, name, "by hand")
        shown = f"{middle:.3f} ({least:.3f} to {most:.3f}) of by hand"
        middle, least, most = ratio(found, "specc compiled", name)
        compiled = f"specc compiled is {middle:.3f} ({least:.3f} to {most:.3f}) of it"
        print(f"{name:16} {shown}, {1e3 * min(seconds):.2f} ms at least; {compiled}", flush=True)


if __name__ == "__main__":
    main()
