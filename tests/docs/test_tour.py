"""The tour's blocks run in order and print what the page says."""

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tour.md"
BLOCK = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


def test_the_tour(request):
    text = PAGE.read_text(encoding="utf-8")
    spec = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]
    names = {"SPEC": spec}
    update = request.config.getoption("--update-golden")
    shown = text
    for code, expected in BLOCK.findall(text):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, str(PAGE), "exec"), names)
        if update:
            old = f"```python\n{code}```\n\n```text\n{expected}```"
            new = f"```python\n{code}```\n\n```text\n{out.getvalue()}```"
            shown = shown.replace(old, new, 1)
        else:
            assert out.getvalue() == expected
    if update:
        PAGE.write_text(shown, encoding="utf-8")
    assert len(BLOCK.findall(text)) == 9
