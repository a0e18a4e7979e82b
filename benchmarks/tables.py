"""The time of a step that touches a few elements of a large table.

    python -m benchmarks.tables [--sizes 1000,1000000] [--rounds 5]

Ratings are sums of products of factors of users and items, with a normal prior, trained by `map` in
batches of 128 rows. The contenders, for each number of users, in turn in each round:

    dense          every update computes and changes all elements
    subsample      `train: {subsample: [users, items]}`
    compiled       the same, with a compiled step
    torch sparse   by hand: `nn.Embedding(sparse=True)` under `SparseAdam`, without a prior

Processor time of one thread, the least of the rounds, in milliseconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from specc.engine import device

device.prepare()

import numpy as np  # noqa: E402 - after prepare(), which must come first
import torch  # noqa: E402
from torch import nn  # noqa: E402

from benchmarks.growth import step_of_text  # noqa: E402
from specc.engine.compile.compile_step import compile_step  # noqa: E402

ROWS, BATCH, FACTORS = 20_000, 128, 8
SPEC = """
specc: 1
name: tables
data:
  source: npz
  path: rows.npz
  fields: {{rating: {{}}, user: {{}}, item: {{}}}}
plates: {{users: {size}, items: {size}}}
model:
  user: {{given: user, plate_index: users}}
  item: {{given: item, plate_index: items}}
  u: {{latent: normal, loc: 0, scale: 1, shape: [{factors}], plate: users}}
  v: {{latent: normal, loc: 0, scale: 1, shape: [{factors}], plate: items}}
  rating: {{observed: normal, loc: "sum(u[user] * v[item])", scale: 0.5}}
objective: map
train: {{batch_size: {batch}, epochs: 1, optimizer: {{adam: {{lr: 0.01}}}}{subsample}}}
"""
Run = Callable[[int], object]


def data(size: int, folder: Path) -> dict[str, np.ndarray]:
    """Rows of users and items at random."""
    random = np.random.default_rng(0)
    found = {
        "rating": random.standard_normal(ROWS).astype(np.float32),
        "user": random.integers(size, size=ROWS),
        "item": random.integers(size, size=ROWS),
    }
    np.savez(folder / "rows.npz", **found)
    return found


def engine_step(size: int, folder: Path, *, sparse: bool, compiled: bool = False) -> Run:
    """The step of the engine."""
    chosen = ", subsample: [users, items]" if sparse else ""
    text = SPEC.format(size=size, factors=FACTORS, batch=BATCH, subsample=chosen)
    step = step_of_text(text, folder)
    if compiled:
        compile_step(step)
    return lambda number: step(0, number, torch.arange(BATCH) + number * BATCH % (ROWS - BATCH))


def by_hand(size: int, rows: dict[str, np.ndarray]) -> Run:
    """Embeddings with sparse gradients."""
    users, items = (nn.Embedding(size, FACTORS, sparse=True) for _ in range(2))
    optimizer = torch.optim.SparseAdam([*users.parameters(), *items.parameters()], lr=0.01)
    user, item = (torch.from_numpy(rows[name]) for name in ("user", "item"))
    rating = torch.from_numpy(rows["rating"])

    def step(number: int) -> object:
        index = torch.arange(BATCH) + number * BATCH % (ROWS - BATCH)
        loc = (users(user[index]) * items(item[index])).sum(-1)
        loss = -torch.distributions.Normal(loc, 0.5).log_prob(rating[index]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for size in map(int, chosen.sizes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            rows = data(size, folder)
            runs = {
                "dense": engine_step(size, folder, sparse=False),
                "subsample": engine_step(size, folder, sparse=True),
                "compiled": engine_step(size, folder, sparse=True, compiled=True),
                "torch sparse": by_hand(size, rows),
            }
            best = {name: float("inf") for name in runs}
            for number in range(chosen.rounds + 1):
                for name, run in runs.items():
                    began = time.process_time()
                    for at in range(chosen.steps):
                        run(at)
                    spent = (time.process_time() - began) / chosen.steps * 1e3
                    best[name] = min(best[name], spent) if number else best[name]
        shown = "  ".join(f"{name} {value:.2f}" for name, value in best.items())
        print(f"{size:9,} elements: {shown}", flush=True)


if __name__ == "__main__":
    main()
