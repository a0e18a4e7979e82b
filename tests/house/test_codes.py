"""Every code is told by something, and everything that is told has a code and a page."""

import re
from pathlib import Path

from specc.diagnostics.codes import CODES

SPECC = Path(__file__).parents[2] / "specc"


def test_every_code_is_told_somewhere():
    paths = (p for p in SPECC.rglob("*.py") if p.parent != SPECC / "diagnostics" / "codes")
    told = set(re.findall(r'"([EW]\d{4})"', "".join(p.read_text("utf-8") for p in paths)))
    assert told == set(CODES)


def test_every_code_has_a_page():
    assert {path.stem for path in (SPECC / "diagnostics" / "pages").glob("*.md")} == set(CODES)
