"""Every code is told by something, and everything that is told has a code."""

import re
from pathlib import Path

from specc.diagnostics.codes import CODES

SPECC = Path(__file__).parents[2] / "specc"


def test_every_code_is_told_somewhere():
    paths = (p for p in SPECC.rglob("*.py") if p.parent != SPECC / "diagnostics" / "codes")
    told = set(re.findall(r'"([EW]\d{4})"', "".join(p.read_text("utf-8") for p in paths)))
    assert told == set(CODES)
