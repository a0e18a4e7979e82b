"""Suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 64


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that differs from `name` by a few typing errors, or None.

    An error is an insertion, deletion, substitution, or exchange of two neighbours (Damerau, 1964).
    Names of up to 4 letters may have one error, and longer ones one more for every 3 letters. Case
    is ignored, and so is the difference of `_` and `-`. Of equally near candidates the result is
    the first in alphabetical order.
    """
    sought = _plain(name)
    candidates = sorted(candidates)
    last = _plain(name.rpartition(".")[2])
    if "." in name and last in map(_plain, candidates):  # torch.nn.ReLU for relu
        return next(c for c in candidates if _plain(c) == last)
    limit = 0 if len(sought) < 2 else 1 if len(sought) <= 4 else 1 + (len(sought) - 2) // 3
    best: tuple[int, str] | None = None
    for candidate in candidates:
        if candidate == name:
            continue
        found = distance(sought, _plain(candidate), limit)
        if found < max(len(sought), 1) and found <= limit:
            best = min(best or (found, candidate), (found, candidate))
    return best[1] if best else None


def _plain(name: str) -> str:
    return name.strip().casefold().replace("-", "_")[:_LONGEST]


def distance(a: str, b: str, limit: int) -> int:
    """The edit distance between two words, or `limit + 1` if there are more than `limit`.

    This is the restricted distance: an exchanged pair of letters is not edited again.
    """
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i in range(1, len(a) + 1):
        new = [i]
        for j in range(1, len(b) + 1):
            cost = min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        if min(new) > limit:
            return limit + 1
        before, row = row, new
    return row[-1]
