"""The committed code in `generated/` equals the compiled specs."""

import re
import sys

import pytest

from tests.house.files import ROOT, name, run

SPECS = sorted(name(path) for path in (ROOT / "specs").glob("*.yaml"))


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_gallery_is_compiled(seed):
    """The code is the same for any hash seed of Python."""
    command = [sys.executable, "-m", "specc", "compile", "--check", *SPECS]
    done = run(*command, PYTHONHASHSEED=seed)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_folder_of_generated_code_has_its_spec():
    generated = {path.parent.name for path in (ROOT / "generated").glob("*/manifest.json")}
    assert generated == {name.removeprefix("specs/").removesuffix(".yaml") for name in SPECS}


def test_the_readme_lists_every_spec():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    gallery = text.partition("## The gallery")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`(\w+)`", gallery))
    assert {path.stem for path in (ROOT / "specs").glob("*.yaml")} <= listed


APART = """\
specc: 1
name: apart
data: {source: npz, path: d.npz, fields: {x: {from: x}}}
model:
  a: {latent: categorical, logits: 0, classes: 2}
  b: {latent: categorical, logits: 0, classes: 2}
  c: {latent: categorical, logits: 0, classes: 2}
  m: {parameter: real, shape: [2]}
  x: {observed: normal, loc: 'm[a] + m[b]', scale: 1, shape: []}
objective: mle
"""


def test_independent_sums_are_in_the_order_of_the_spec(tmp_path):
    """The order is the same for any hash seed of Python, which changes the order of sets."""
    spec = tmp_path / "apart.yaml"
    spec.write_text(APART)
    command = [sys.executable, "-m", "specc", "compile", str(spec), "--emit", "objective"]
    texts = {run(*command, PYTHONHASHSEED=str(seed)).stdout for seed in range(8)}
    assert len(texts) == 1
    assert "summed out" in texts.pop()
