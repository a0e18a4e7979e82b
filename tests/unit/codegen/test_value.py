"""Values of generated code: the axes before an event, in one order, and its dtype."""

from specc.codegen.code.text import text
from specc.codegen.layout import Layout
from specc.codegen.lower.scope import Scope
from specc.codegen.lower.value import PARTICLE, Axis, value_of
from specc.codegen.plan import Mask
from specc.compiler import front
from specc.diagnostics.source import Source

SPEC = """\
specc: 1
name: made
data:
  source: npz
  path: d.npz
  fields: {x: {from: x, shape: [4, 2]}, y: {from: y, shape: [3], missing: -1}}
plates: {t: {scan: 4}, k: 5}
model:
  s: {latent: categorical, logits: 0, classes: 3}
  c: {latent: normal, loc: 0, scale: 1, plate: k}
  z: {latent: normal, plate: t, loc: "z[t-1]", scale: 1, initial: 0, shape: [2]}
  x: {observed: normal, plate: t, loc: z, scale: 1}
  y: {observed: normal, loc: "c[s]", scale: 1, missing: integrate}
guide:
  s: {latent: categorical, logits: 0}
  c: {latent: normal, loc: 0, scale: 1}
  z: {latent: normal, params: f(x)}
links: {f: {mlp: [8]}}
objective: {elbo: {particles: 2}}
"""


def plan():
    checked = front(Source("made.yaml", SPEC))
    assert checked.plan is not None, checked.diagnostics
    return checked.plan


def scope(made):
    layout = Layout(2, ("s",))
    return Scope(made, made.objective.draws, {}, layout)


def test_axes_before_the_event_follow_from_the_plates_of_a_node():
    made = plan()
    assert value_of(made, "model", "x").axes == (Axis("rows"), Axis("step", "t"))
    assert value_of(made, "model", "c").axes == (Axis("plate", "k"),)
    assert value_of(made, "model", "x", at_step=True).axes == (Axis("rows"),)
    assert [value_of(made, "model", n).rank for n in ("x", "c", "s")] == [1, 0, 0]


def test_class_numbers_are_integers_and_a_mask_has_an_entry_for_each_that_may_be_missing():
    made = plan()
    assert [value_of(made, "model", n).is_integer for n in ("s", "x")] == [True, False]
    mask = value_of(made, "model", Mask("y"))
    assert (mask.name, mask.shape, mask.dtype, mask.support) == ("y_known", (3,), "bool", None)


def test_particles_stand_left_of_enumerated_nodes_and_both_left_of_rows():
    here = scope(plan())
    here.define("model", "z", frozenset({Axis("enumerated", "s"), PARTICLE}))
    axes = (PARTICLE, Axis("enumerated", "s"), Axis("rows"), Axis("step", "t"))
    assert here.value("model", "z").axes == axes
    assert here.enumerated_of(["z"]) == {"s"}
    assert here.enumerated_of(["x"]) == frozenset()
    here.inherit("model", "y", ["x", "z"])
    assert here.value("model", "y").axes == (*axes[:2], Axis("rows"))


def test_a_value_without_steps_gets_their_axis_where_it_meets_one_that_has_them():
    made = plan()
    here, on_steps = scope(made), made.graph.types["model", "x"]
    assert text(here.given("model", on_steps, "y")) == "y.unsqueeze(-2)"
    assert text(here.given("model", on_steps, "x")) == "x"
    assert text(here.given("model", on_steps, "c")) == "c"
    here.define("model", "c", frozenset({PARTICLE}))
    assert text(here.given("model", on_steps, "c")) == "c.unsqueeze(-2)"
