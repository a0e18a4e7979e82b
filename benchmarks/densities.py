"""The worst error of every density, entropy and divergence, and of their gradients.

    python -m benchmarks.densities --out docs/numerics.md

Every function is compared with mpmath at a few hundred points, most of them extreme, in float32 and
float64; the page has the largest error of each. It takes about four minutes on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import torch

from tests.oracles.divergences import DIVERGENCES
from tests.oracles.exact import DENSITIES, ENTROPIES, Exact
from tests.oracles.precision import Truth, worst

TYPES = (torch.float32, torch.float64)

PAGE = """# Numerics

How exact the densities, entropies and divergences are, and their gradients. This page is written by

    python -m benchmarks.densities --out docs/numerics.md

which compares every function with [mpmath](https://mpmath.org) at 75 digits, at points from the
middle of a distribution to its extremes: values and parameters from 1e-30 to 1e30, counts and
concentrations up to 1e8, logits up to 1e6. The points are those of `tests/oracles/exact.py`,
rounded to float32 before anything is computed; `pytest tests/laws/test_precision.py` holds the
errors within bounds.

The error of a value f is |found - f| / max(1, |f|, sum_j |x_j df/dx_j|). The last term is what
rounding the inputs x_j alone changes: where it is large no formula can be exact. The error of a
gradient g in an input of unit u is u |found - g| / max(1, |u g|, u sum_j |x_j dg/dx_j|); the unit
is the size of a positive input, the scale of the distribution for a location, and 1 for logits.
One unit in the last place of 1 is {single:.1e} in float32 and {double:.1e} in float64.

What makes it so:

- Differences of logarithms of gamma functions are written as a deviance and Binet's function
  (`specc/runtime/log_gamma.py`), so counts and concentrations of 1e6 cost no digits in float32.
- Squares that overflow are logarithms of a ratio before they do (Cauchy, half-Cauchy, Student's t).
- Divergences are 0, and not a rounding of large terms, where both distributions are the same.
- Draws that are too small or too large for their type are the smallest normal number or the
  largest, so their log-density is finite. A gamma number of concentration 0.001 is below 1e-38 in
  more than 90 of 100 draws; figures of such a latent are those of draws that end there.

What stays: a density whose logarithm is beyond 3.4e38 is `-inf` in float32, such as that of a
normal number 1e20 deviations from its mean, and so is a slope.

## {title}

{tables}"""

SECTIONS = (
    ("Log-densities", DENSITIES, "log_prob"),
    ("Entropies", ENTROPIES, "entropy"),
    ("Divergences from another member of the family", DIVERGENCES, "kl_{}"),
)

HEAD = (
    "| distribution | points | value, float32 | gradient, float32 | value, float64 "
    "| gradient, float64 |\n| --- | --- | --- | --- | --- | --- |\n"
)


def main() -> None:
    """Write the page, or print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the page; without it the table is printed")
    wanted = parser.parse_args().out
    torch.set_num_threads(1)
    text = page()
    if wanted is None:
        print(text)
    else:
        wanted.write_text(text, encoding="utf-8")


def page() -> str:
    """The page as it is in the docs."""
    single, double = (torch.finfo(kind).eps for kind in TYPES)
    tables = "\n\n".join(
        f"### {title}\n\n{HEAD}" + "\n".join(rows(table, attribute))
        for title, table, attribute in SECTIONS
    )
    title = "The worst relative error"
    return PAGE.format(single=single, double=double, title=title, tables=tables + "\n")


def rows(table: dict[str, Exact], attribute: str) -> Iterator[str]:
    """A line for each function: its worst errors."""
    for name, exact in table.items():
        module = import_module(f"specc.runtime.distributions.{name}")
        call = getattr(module, attribute.format(name))
        known: dict[str, Truth] = {}
        cells = []
        for kind in TYPES:
            found = worst(call, exact, kind, known)
            eps = torch.finfo(kind).eps
            cells += [f"{found.value * eps:.1e}", f"{found.gradient * eps:.1e}"]
        yield f"| `{name}` | {len(known)} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
