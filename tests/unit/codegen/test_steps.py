"""What the manifest says of sequences: how many steps rows have, and what loops over them."""

from pathlib import Path

import pytest

from specc.codegen.steps import loop, sequence
from specc.compiler import front
from specc.diagnostics.source import Source

SPECS = Path(__file__).parents[3] / "specs"
ALIKE = '  h: {let: "rnn(h[t+1], x)", initial: 0, shape: [128], plate: t, reverse: true}\n'


def plan_of(name, *changes):
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return front(Source(f"{name}.yaml", text)).plan


@pytest.mark.parametrize(
    ("name", "steps", "count"),
    [
        ("dmm", {"steps": {"count": 160, "lengths": "n"}}, {"loop": 160}),
        ("hmm", {"steps": {"count": 8, "lengths": None}}, {"loop": 8}),
        ("state_space", {"steps": {"count": 8, "lengths": None}}, {"loop": 8}),
        ("vrnn", {"steps": {"count": 8, "lengths": None}}, {"loop": 8}),
        ("vae", {}, {}),
    ],
)
def test_the_gallery(name, steps, count):
    plan = plan_of(name)
    assert (sequence(plan), loop(plan)) == (steps, count)


def test_a_guide_that_draws_all_steps_at_once_has_no_loop():
    plan = plan_of("dmm", (ALIKE, ""), ('"combiner(z[t-1], h)"', "combiner(x)"))
    assert loop(plan) == {}
    assert sequence(plan) == {"steps": {"count": 160, "lengths": "n"}}
