"""What `explain` says of an energy: its blocks, why they are blocks, and its sums."""

from pathlib import Path

import pytest

from specc.codegen.explain import explain, explain_json
from specc.compiler import front
from specc.diagnostics.source import Source

ROOT = Path(__file__).parents[3]
SPECS = ROOT / "specs"
SAID = {
    "rbm": (
        "h      v      the entries of h do not interact",
        "free_energy has h summed out in closed form",
        "log Z is a sum over 2^50 states of h, with v summed out in closed form: more than 2^20",
    ),
    "rbm_classifier": ("log Z is a sum over 10 states of y, with h summed out in closed form\n",),
    "ising": (
        "x      the rest of x  the entries of x interact: color after color, 2 colors",
        "log Z is a sum over 2^64 states of x: more than 2^20, so it is estimated",
    ),
    "ebm_2d": (
        "x      nothing  no closed form draws x: a transition of mala",
        "log Z is estimated: there are infinitely many states of x",
    ),
    "rbm_spins": ("g, h   v      g and h do not interact",),
}


def plan_of(text, name="made"):
    checked = front(Source(f"specs/{name}.yaml", text))
    assert checked.plan is not None, checked.diagnostics
    return checked.plan


def spec(name):
    return plan_of((SPECS / f"{name}.yaml").read_text(encoding="utf-8"), name)


@pytest.mark.parametrize("name", SAID)
def test_blocks_and_sums(name):
    plan = spec(name)
    text = explain(plan)
    assert all(line in text for line in SAID[name]), text
    found = explain_json(plan)["programs"]["model"]
    assert list(found["blocks"][0]) == ["block", "given", "because"] and found["sums"]


def test_hidden_units_that_interact_have_no_free_energy():
    shown = (ROOT / "docs/energies.md").read_text(encoding="utf-8")
    block = shown[shown.index("    block   given") :].partition("\n\n")[0]
    assert "there is no free energy in closed form: the hidden units h1, h2 and h3" in block
    assert block in explain(spec("deep_boltzmann_3"))


def test_a_directed_model_has_neither():
    plan = spec("vae")
    assert "    block  " not in explain(plan)
    assert "blocks" not in explain_json(plan)["programs"]["model"]
