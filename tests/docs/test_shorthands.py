"""The pages show the long forms of short names as `explain` prints them."""

import textwrap
from pathlib import Path

import pytest

from specc.codegen.explain import explain
from specc.compiler import front
from specc.diagnostics.source import Source

ROOT = Path(__file__).parents[2]
HEADING = "long form of the objective, for a spec\n"
SHOWN = {"adversarial": ("clc_gan", "gmmn"), "wake_sleep": ("helmholtz", "sbn_rws")}
SHOWN |= {"conditional_gans": (), "network_energies": ("score_2d",), "stages": ()}


def explained(name):
    path = ROOT / "specs" / f"{name}.yaml"
    return explain(front(Source(f"specs/{name}.yaml", path.read_text(encoding="utf-8"))).plan)


@pytest.mark.parametrize("page, name", [(p, n) for p, names in SHOWN.items() for n in names])
def test_a_long_form_is_that_of_its_spec(page, name):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    block = explained(name).partition(HEADING)[2].partition("\n\n")[0]
    assert f"```yaml\n{textwrap.dedent(block)}\n```" in text


def test_what_explain_prints_is_shown_as_it_is():
    text = (ROOT / "docs" / "adversarial.md").read_text(encoding="utf-8")
    assert f"$ specc explain specs/wgan_gp.yaml\n{explained('wgan_gp')}```" in text


def test_every_short_name_of_the_gallery_is_on_a_page():
    pages = [(ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in SHOWN]
    for path in (ROOT / "specs").glob("*.yaml"):
        if HEADING in explained(path.stem):
            assert any(f"specs/{path.name}" in page for page in pages), path.name
