"""A recurrent value without a shape has that of its initial value, if no link is in it."""

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source

SPEC = """specc: 1
name: t
data:
  source: npz
  path: a.npz
  fields: {{y: {{from: y, shape: [5]}}, u: {{from: u, shape: [5, 2]}}}}
plates: {{t: {{scan: 5}}}}
model:
  u: {{given: u, plate: t}}
  start: {{parameter: real, shape: [2]}}
  a: {{parameter: real}}
  {line}
  y: {{observed: normal, loc: sum(s) + a, scale: 1, initial: 0, plate: t}}
links: {{net: linear}}
objective: mle
"""


def found_in(line):
    """What is found in a model with this node, on which its data depend."""
    return front(Source("t.yaml", SPEC.format(line=line)))


def shape_of(line):
    plan = found_in(line).plan
    assert plan is not None, found_in(line).diagnostics
    return plan.graph.type("model", "s").shape


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ('s: {let: "a * s[t-1] + y[t-1]", initial: 1.0, plate: t}', ()),
        ('s: {let: "a * s[t-1] + u", initial: start, plate: t}', (2,)),
        ('s: {let: "s[t-1] + [a, 1]", initial: "[1, a]", plate: t}', (2,)),
        ('s: {let: "s[t-1] + s[t-2]", initial: [0, 1], plate: t}', ()),
        ('s: {latent: normal, loc: "a * s[t-1]", scale: 1, initial: 0, plate: t}', ()),
        ('s: {latent: normal, loc: "a * s[t-1]", scale: 1, initial: start, plate: t}', (2,)),
    ],
)
def test_a_step_has_the_shape_of_the_value_before_the_first(line, shape):
    stated = line.replace("plate: t", f"shape: {list(shape)}, plate: t")
    assert shape_of(line) == shape_of(stated) == shape


@pytest.mark.parametrize(
    "line",
    [
        's: {let: "a * s[t-1] + u", initial: 1.0, plate: t}',
        's: {let: "net(s[t-1], u)", initial: 1.0, plate: t}',
        's: {let: "s[t-1] + a", initial: net(start), plate: t}',
        's: {latent: normal, loc: "net(s[t-1])", scale: 1, initial: 0, plate: t}',
        's: {latent: normal, params: "net(s[t-1])", initial: 0, plate: t}',
        's: {latent: normal, loc: "u + s[t-1]", scale: 1, initial: 0, plate: t}',
    ],
)
def test_other_shapes_have_to_be_stated(line):
    (found,) = [d for d in found_in(line).diagnostics if d.code.startswith("E")]
    assert found.code == "E0305"
    assert found.evidence == {"name": "s"}
