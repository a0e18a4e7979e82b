"""Broken specs, as people break them, each with the whole output that it must give.

A case is a heading, a ```yaml fence with the spec, and a ```text fence with what `specc check`
prints. `pytest tests/golden --update-golden` writes the second from the first: read it aloud before
committing it.
"""

import re
from pathlib import Path

import pytest

from specc.compiler import front
from specc.diagnostics.codes import CODES
from specc.diagnostics.render_text import render
from specc.diagnostics.source import Source

FOLDER = Path(__file__).parent / "diagnostics"
CASE = re.compile(
    r"^## (?P<title>[^\n]+)\n+```yaml(?P<set>[^\n]*)\n(?P<spec>.*?)```\n+```text\n(?P<text>.*?)```",
    re.MULTILINE | re.DOTALL,
)


def cases():
    for path in sorted(FOLDER.glob("*.md")):
        for found in CASE.finditer(path.read_text(encoding="utf-8")):
            yield pytest.param(path, found, id=f"{path.stem}: {found['title']}")


def printed(found):
    settings = found["set"].split()
    checked = front(Source("model.yaml", found["spec"]), settings)
    assert checked.plan is None or all(d.code.startswith("W") for d in checked.diagnostics)
    return render(checked.diagnostics) + "\n"


@pytest.mark.parametrize("path, found", list(cases()))
def test_the_output_is_as_written(path, found, request):
    shown = printed(found)
    if request.config.getoption("--update-golden"):
        text = path.read_text(encoding="utf-8")
        old = found[0]
        new = old[: old.index("```text\n")] + "```text\n" + shown + "```"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return
    assert shown == found["text"]


def test_there_are_many_and_no_title_twice():
    titles = [case.values[1]["title"] for case in cases()]
    assert len(titles) >= 100
    assert len(set(titles)) == len(titles)


def test_most_codes_of_the_compiler_are_shown():
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md"))
    shown = set(re.findall(r"\[([EW]\d{4})\]", text))
    assert shown <= set(CODES)
    meaning = {c for c in CODES if c[1:3] in ("02", "03", "04", "06")}
    assert len(shown & meaning) >= 0.6 * len(meaning), sorted(meaning - shown)
