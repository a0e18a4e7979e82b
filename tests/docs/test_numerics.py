"""The page of numerics has a row for every function that is compared with mpmath."""

import re
from pathlib import Path

import pytest

from specc.catalog.registry import DISTRIBUTIONS
from tests.oracles.divergences import DIVERGENCES
from tests.oracles.exact import DENSITIES, ENTROPIES

PAGE = Path(__file__).parents[2] / "docs" / "numerics.md"
TABLES = {
    "Log-densities": DENSITIES,
    "Entropies": ENTROPIES,
    "Divergences from another member of the family": DIVERGENCES,
}


def rows_of(text, title):
    """The functions in the table with this title."""
    table = text.split(f"### {title}\n")[1].split("\n### ")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


@pytest.mark.parametrize("title", TABLES)
def test_each_function_has_a_row(title):
    assert rows_of(PAGE.read_text(encoding="utf-8"), title) == list(TABLES[title])


def test_each_distribution_is_compared_with_mpmath():
    """Its density, and its entropy if it has one; the constant of an improper one is unknown."""
    entries = {name: DISTRIBUTIONS[name] for name in DISTRIBUTIONS}
    assert {n for n, entry in entries.items() if not entry.improper} == set(DENSITIES)
    assert {n for n, entry in entries.items() if entry.entropy} == set(ENTROPIES)


def test_a_missing_row_is_seen():
    text = PAGE.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("| `gumbel` |"))
    assert "gumbel" not in rows_of(text.replace(line, "", 1), "Log-densities")
