"""Bits a character of held-out text: a transformer, and n-grams of the same rows.

    python -m benchmarks.characters

Trains specs/transformer.yaml, or evaluates a finished run with `--run RUN`. The rows of the data
are windows of the text. An n-gram is fitted to the training rows, its smoothing is chosen by the
validation rows, and both models predict the test rows, a character from those before it in its
row. `--context` lets the n-gram see the characters before the row, too.

Interpolated Kneser-Ney smoothing with one discount d of each order (Kneser and Ney 1995; Chen and
Goodman 1999, equation 29), c the counts of the highest order, and below it the numbers of different
characters before:

    p(x | h) = max(c(h x) - d, 0) / c(h .) + d N(h .) / c(h .) p(x | h'),   h' without the first
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch

from specc.cli.main import main as specc
from specc.engine.storage.loaded_run import load_run
from specc.evaluate.estimate import estimate
from specc.evaluate.scoring import Request

SPEC = Path("specs/transformer.yaml")
DISCOUNTS = tuple(k / 20 for k in range(2, 20))
OVERLAP = 4
"""Rows of training and validation begin every 32 characters, and have 128."""

ALPHAS = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3)

Text = tuple[int, ...]


class NGrams:
    """Counts of an n-gram of `order` characters, by history, for all shorter histories, too."""

    def __init__(self, rows: Sequence[Text], order: int, classes: int) -> None:
        self.order, self.classes = order, classes
        counts: list[defaultdict[Text, Counter[int]]] = [defaultdict(Counter) for _ in range(order)]
        for row in rows:
            for place, character in enumerate(row):
                for length in range(min(place, order - 1) + 1):
                    counts[length][row[place - length : place]][character] += 1
        self.counts = counts
        # The numbers of different characters before, for the lower orders of Kneser-Ney.
        self.before: list[defaultdict[Text, Counter[int]]] = [
            defaultdict(Counter) for _ in range(order)
        ]
        for length in range(order - 1):
            for history, following in counts[length + 1].items():
                self.before[length][history[1:]].update(following.keys())

    def kneser_ney(self, history: Text, character: int, discount: float) -> float:
        """The interpolated probability; a history at the start of a row is as long as it is."""
        p = 1 / self.classes
        for length in range(len(history) + 1):
            of_length = self.counts if length == len(history) else self.before
            found = of_length[length].get(history[len(history) - length :])
            if not found:
                continue
            total = found.total()
            p = max(found[character] - discount, 0) / total + discount * len(found) / total * p
        return p

    def additive(self, history: Text, character: int, alpha: float) -> float:
        """(c + alpha) / (n + alpha K), of the whole history."""
        found = self.counts[len(history)].get(history, Counter())
        return (found[character] + alpha) / (found.total() + alpha * self.classes)

    def bits(self, rows: Sequence[tuple[Text, Text]], way: str, value: float) -> float:
        """Bits a character of rows, each with the characters before it that may be seen."""
        total, count = 0.0, 0
        for before, row in rows:
            whole = before + row
            for place in range(len(before), len(whole)):
                history = whole[max(0, place - self.order + 1) : place]
                total -= math.log2(getattr(self, way)(history, whole[place], value))
                count += 1
        return total / count


def parts(run: Path) -> dict[str, list[Text]]:
    """The rows of each part as class numbers, without those that overlap the row before."""
    data = load_run(run).data
    assert data is not None
    found = {}
    for name in ("train", "valid", "test"):
        raw = data.parts[name].fields["x"].raw
        assert isinstance(raw, torch.Tensor)
        every = 1 if name == "test" else OVERLAP
        found[name] = [tuple(int(each) for each in row) for row in raw[::every].tolist()]
    return found


def main() -> None:
    """Print the bits a character of the transformer and of n-grams."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", type=Path)
    parser.add_argument("--orders", type=int, nargs="*", default=[3, 4, 5, 6, 7])
    parser.add_argument("--context", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = chosen.run or Path(folder) / "run"
        if chosen.run is None:
            specc(["train", str(SPEC), "--out", str(run), "--threads", str(chosen.threads)])
        found = estimate(load_run(run), Request())
        rows = parts(run)
    characters = len(rows["test"][0])
    scale = characters * math.log(2)
    print(f"transformer: {-found.value / scale:.3f} +- {found.standard_error / scale:.3f}")
    classes = 1 + max(max(map(max, own)) for own in rows.values())
    seen = {name: with_context(own, chosen.context) for name, own in rows.items()}
    for order in chosen.orders:
        model = NGrams(rows["train"], order, classes)
        for way, values in (("kneser_ney", DISCOUNTS), ("additive", ALPHAS)):
            best = min(values, key=lambda v: model.bits(seen["valid"], way, v))
            bits = model.bits(seen["test"], way, best)
            print(f"{order}-gram, {way}: {bits:.3f}, with {best:g}", flush=True)


def with_context(rows: list[Text], context: bool) -> list[tuple[Text, Text]]:
    """Each row with the row before it, of which it may see the end, or with nothing."""
    if not context:
        return [((), row) for row in rows]
    return list(zip([(), *rows[:-1]], rows, strict=True))


if __name__ == "__main__":
    main()
