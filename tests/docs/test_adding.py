"""The files that docs/adding.md shows are the files in the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import fields

from specc.catalog.entry import Distribution
from specc.catalog.registry import DISTRIBUTIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")

SHOWN = re.findall(r"^`([\w/]+\.py)`\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_block_of_python_is_attributed() -> None:
    assert len(SHOWN) == PAGE.count("```python") == 7


@pytest.mark.parametrize(("path", "text"), SHOWN, ids=[path for path, _ in SHOWN])
def test_what_is_shown_is_in_the_tree(path: str, text: str) -> None:
    whole = (ROOT / path).read_text(encoding="utf-8")
    if path.startswith("specc/"):
        assert text == whole
    else:
        assert text in whole


def test_every_name_on_the_page_exists() -> None:
    """Files, distributions and traits in backticks are what they seem."""
    for path in re.findall(r"`((?:specc|tests)/[\w/.]+)`", PAGE):
        assert (ROOT / path).exists(), path
    for name in ("gumbel", "binomial", "categorical", "log_normal", "gamma", "dirichlet"):
        assert f"`{name}`" in PAGE and name in DISTRIBUTIONS
    table = re.findall(r"^\| `(\w+)(?![\w/])", PAGE, re.MULTILINE)
    assert len(table) == 7 and set(table) <= set(Distribution.__struct_fields__)


def test_the_traits_that_are_on_by_default_are_so_called() -> None:
    traits = ("mean", "continuous", "finite", "reparameterized", "entropy")
    defaults = {field.name: field.default for field in fields(Distribution)}
    assert [name for name in traits if defaults[name] is True] == ["mean", "continuous"]
