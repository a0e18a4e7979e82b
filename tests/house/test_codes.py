"""Every code is reported somewhere, and every reported code is declared and has a page."""

import re
from pathlib import Path

from specc.diagnostics.codes import CODES

SPECC = Path(__file__).parents[2] / "specc"


def test_every_code_is_reported_somewhere():
    paths = (p for p in SPECC.rglob("*.py") if p.parent != SPECC / "diagnostics" / "codes")
    reported = set(re.findall(r'"([EW]\d{4})"', "".join(p.read_text("utf-8") for p in paths)))
    assert reported == set(CODES)


def test_every_code_has_a_page():
    assert {path.stem for path in (SPECC / "diagnostics" / "pages").glob("*.md")} == set(CODES)
