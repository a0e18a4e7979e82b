"""Names: a program cannot have that of something that generated code has beside it."""

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.language.reserved import OF_GENERATED_CODE

SPEC = """\
specc: 1
name: gan
data: {source: digits, fields: {x: {from: image}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [8]}
  x: {let: generator(z), shape: [64]}
programs:
  NAME:
    t: {latent: uniform, low: 0, high: 1}
    v: {let: "t * data.x + (1 - t) * model.x"}
links: {generator: linear, d: linear}
objective:
  players:
    critic: {minimize: d(model.x) - d(NAME.v), links: [d]}
    generator: {minimize: -d(model.x), links: [generator]}
"""


def codes(name):
    return [d.code for d in front(Source("gan.yaml", SPEC.replace("NAME", name))).diagnostics]


@pytest.mark.parametrize("name", [*sorted(OF_GENERATED_CODE), "train", "forward", "data"])
def test_a_name_of_generated_code_is_refused(name):
    assert codes(name) == ["E0109"]


def test_another_name_is_not():
    assert codes("between") == []
