"""Random specs as texts: names, order and layout do not change the mathematics.

Descriptions and drawings of a spec contain all its nodes.
"""

import random
import re

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specc.codegen.digests import digests
from specc.codegen.explain import explain, explain_json
from specc.codegen.tensors import parameters
from specc.compiler import front
from specc.diagnostics.source import Source
from specc.graph.draw import dot, mermaid, text
from specc.graph.draw.picture import picture
from specc.language.formatter import fmt
from tests.unit.random_specs import specs

CALM = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
EXAMPLES = settings(max_examples=80, suppress_health_check=CALM, derandomize=True)


def plan_of(written):
    """The plan of a valid spec; None for other specs."""
    return front(Source("made.yaml", written)).plan


def changed(one, other):
    first, second = (digests(plan, parameters(plan)) for plan in (one, other))
    return {key for key in first if first[key] != second[key]} - {"source"}


@EXAMPLES
@given(specs(steps=60))
def test_a_layout_changes_nothing(written):
    tidy = fmt(Source("made.yaml", written))
    assert fmt(Source("made.yaml", tidy)) == tidy
    assert yaml.safe_load(tidy) == yaml.safe_load(written)
    plan, again = plan_of(written), plan_of(tidy)
    assert (plan is None) == (again is None)
    assert plan is None or changed(plan, again) == set()


@EXAMPLES
@given(specs(steps=60), st.integers(0, 99))
def test_names_and_order_change_no_mathematics(written, seed):
    plan, other = plan_of(written), renamed(written, random.Random(seed))
    again = plan_of(other)
    assert (plan is None) == (again is None), other
    assert plan is None or changed(plan, again) <= {"parameters"}


def renamed(written, chance):
    """The spec with other names for nodes, links and plates, and its entries in another order."""
    spec = yaml.safe_load(written)
    tables = [spec.get(title, {}) for title in ("model", "guide", "links", "plates")]
    parts = [node["joint"] for node in spec["model"].values() if "joint" in node]
    names = sorted({name for table in (*tables, *parts) for name in table})
    numbers = chance.sample(range(10, 99), len(names))
    others = {name: f"other{number}" for name, number in zip(names, numbers, strict=True)}
    fields = {others.get(name, name): field for name, field in spec["data"]["fields"].items()}
    found = {key: _renamed(value, others) for key, value in spec.items() if key != "data"}
    found["data"] = {**spec["data"], "fields": fields}
    for title in ("model", "guide", "links", "plates"):
        if title in found:
            found[title] = mixed(found[title], chance)
    return yaml.safe_dump(mixed(found, chance), sort_keys=False)


def _renamed(value, others):
    """The value with all names replaced, in keys and in expressions."""
    if isinstance(value, dict):
        return {_renamed(key, others): _renamed(item, others) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, others) for item in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\b[a-z]+\d*\b", lambda found: others.get(found[0], found[0]), value)


def mixed(table, chance):
    entries = list(table.items())
    chance.shuffle(entries)
    return dict(entries)


@EXAMPLES
@given(specs(steps=60))
def test_every_node_is_explained_and_drawn(written):
    plan = plan_of(written)
    if plan is None:
        return
    told = explain(plan)
    for program in plan.graph.graph.programs.values():
        for name in program.declared:
            assert re.search(rf"^    {re.escape(name)} ", told, re.MULTILINE), name
    for draw in plan.objective.draws.values():
        assert draw.reason in told
    (player,) = explain_json(plan)["players"].values()
    assert set(player["draws"]) == set(plan.objective.draws)
    drawn = {dot.key for dot in picture(plan.graph).dots}
    assert all({a.start, a.end} <= drawn for a in picture(plan.graph).arrows)
    for form in (text, mermaid, dot):
        shown = form.draw(plan.graph)
        assert all(name in shown for name in plan.graph.graph.model.declared)


def test_the_law_of_names_can_fail():
    """Another number, another reference and another direction change the mathematics."""
    written = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x}}}
plates: {t: {scan: 3}}
model:
  z: {latent: normal, loc: "0.5 * z[t-1]", scale: 1.5, initial: 0, shape: [2], plate: t}
  x: {observed: normal, loc: "f(z, x[t-1])", scale: 1, initial: 1, shape: [2], plate: t}
guide:
  z: {latent: normal, loc: "g(x)", scale: 1}
links: {f: linear, g: linear}
objective: elbo
"""
    plan = plan_of(written)
    changes = [("1.5", "1.25"), ("f(z, x[t-1])", "f(x[t-1], z)"), ("initial: 0", "initial: 1")]
    for old, new in [*changes, ("0.5 * z[t-1]", "0.5 * x[t-1]"), ("scan: 3", "scan: 4")]:
        other = plan_of(renamed(written.replace(old, new), random.Random(0)))
        assert "math" in changed(plan, other), (old, new)
