"""The page on missing data runs and prints what it says."""

import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "missing.md"
BLOCK = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
SPEC = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


def test_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    for name, spec in zip(("m2", "imputation"), SPEC.findall(page), strict=True):
        (tmp_path / f"{name}.yaml").write_text(spec, encoding="utf-8")
    names = {}
    blocks = BLOCK.findall(page)
    assert len(blocks) == 6
    for code, expected in blocks:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, str(PAGE), "exec"), names)
        assert out.getvalue() == expected
