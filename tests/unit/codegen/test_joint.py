"""One draw of several parts, in what comes after its density: digests, files, changes, runs."""

import json
import random
import re
from traceback import FrameSummary

import numpy as np
import pytest

import specc
from specc.codegen.digests import digests
from specc.codegen.explain import explain
from specc.codegen.tensors import parameters
from specc.comparison.compare import compare
from specc.compiler import compile, front
from specc.diagnostics.source import Source
from specc.graph.draw import dot, mermaid, text
from specc.language.formatter import fmt
from specc.runtime.source_map import NAME, Place, find

SPEC = """\
specc: 1
name: pair
data: {source: npz, path: d.npz, split: {test: 0.2}, fields: {x: {from: x, shape: [2]}}}
model:
  xu:
    joint: {x: observed, u: latent}
    distribution: normal
    loc: 0
    scale: 1
    through: f
    shapes: {u: [1, 3]}
guide:
  u: {latent: normal, params: encoder(x)}
links:
  f: {realnvp: {layers: 2, hidden: [8]}}
  encoder: {mlp: [8]}
objective: elbo
train: {epochs: 2, batch_size: 20}
evaluate:
  test: {estimator: iwae, particles: 5, data: test}
"""


def plan(text):
    checked = front(Source("pair.yaml", text))
    assert checked.plan is not None, checked.diagnostics
    return checked.plan


def digests_of(text):
    found = plan(text)
    return digests(found, parameters(found))


def renamed(spec):
    """Other names for the whole and its parts, and for the link; the data's field goes along."""
    words = {"xu": "whole", "x": "seen", "u": "aside", "f": "flow", "encoder": "net"}
    found = re.sub(r"\b(xu|x|u|f|encoder)\b", lambda m: words[m[0]], spec)
    return found.replace("{from: seen", "{from: x")


def test_names_change_no_mathematics_and_the_order_of_parts_does():
    own, other = digests_of(SPEC), digests_of(renamed(SPEC))
    assert own["math"] == other["math"]
    turned = SPEC.replace("{x: observed, u: latent}", "{u: latent, x: observed}")
    assert digests_of(turned)["math"] != own["math"]
    assert digests_of(SPEC.replace("[1, 3]", "[3]"))["math"] != own["math"]


def test_renamed_parts_are_found_again():
    found = compare(plan(SPEC), plan(renamed(SPEC)))
    assert found.verdict == "checkpoint-resumes"
    told = {c.what for c in found.changes}
    assert {"u is now called aside", "xu is now called whole", "x is now called seen"} <= told


ALONE = SPEC.replace("joint: {x: observed, u: latent}", "observed: normal")
ALONE = ALONE.replace("    distribution: normal\n", "").replace("    shapes: {u: [1, 3]}\n", "")
ALONE = ALONE.replace("  xu:", "  x:").replace("objective: elbo", "objective: mle")
ALONE = re.sub(r"guide:\n.*\n", "", ALONE).replace("  encoder: {mlp: [8]}\n", "")
ALONE = ALONE.replace("estimator: iwae, particles: 5", "estimator: exact")


@pytest.mark.parametrize(
    "old, new, told",
    [
        (SPEC, SPEC.replace("[1, 3]", "[4]"), "u now has the shape [4], not [1, 3]"),
        (
            SPEC,
            SPEC.replace("{x: observed, u: latent}", "{u: latent, x: observed}"),
            "xu is one draw of u, x now; it was of x, u",
        ),
        (ALONE, SPEC, "x is now a part of xu; it was x ~ Normal(0, 1) through f"),
        (SPEC, ALONE, "x is now x ~ Normal(0, 1) through f; it was a part of xu"),
        (ALONE, SPEC, "xu is new in the model: xu = (x, u) ~ Normal(0, 1) through f"),
        (SPEC, SPEC.replace("scale: 1", "scale: 2"), "the scale of p(x, u): 1 -> 2"),
    ],
)
def test_a_change_is_listed(old, new, told):
    assert told in {c.what for c in compare(plan(old), plan(new)).changes}


def test_explain_says_what_is_drawn_together():
    shown = explain(plan(SPEC))
    assert "model    p(x, u)\n" in shown and "guide    q(u | x)\n" in shown
    assert "joint (x, u) ~ Normal(0, 1) through f" in shown
    assert "elbo = E_q[log p(x, u) - log q(u | x)]" in shown
    assert "u is a part of xu, whose density is one" in shown


def test_the_manifest_knows_the_parts_and_the_whole():
    result, _ = compile(Source("pair.yaml", SPEC))
    manifest = json.loads(result.files["manifest.json"])
    roles = {name: node["role"] for name, node in manifest["nodes"]["model"].items()}
    assert roles == {"xu": "joint", "x": "observed", "u": "latent"}
    assert manifest["nodes"]["model"]["xu"]["shape"] == [5]
    assert manifest["data"]["fields"]["x"]["distribution"] == "normal"
    assert manifest["capabilities"]["model.log_joint"] == ["x", "u"]
    assert manifest["losses"][0]["inputs"] == ["x"]


def test_the_source_map_leads_from_the_density_to_the_joint_node(tmp_path):
    result, _ = compile(Source("pair.yaml", SPEC))
    lines = result.files["objective.py"].split("\n")
    (tmp_path / NAME).write_text(result.files[NAME], encoding="utf-8")
    number = next(n for n, line in enumerate(lines, 1) if "xu = concat(" in line)
    frame = FrameSummary(str(tmp_path / "objective.py"), number, "loss")
    found = find([frame], tmp_path)
    assert found is not None
    assert found.place == Place("model.xu", "pair.yaml:5:3")


def test_the_value_is_made_once_however_often_it_is_used():
    spec = SPEC.replace("guide:", "  y: {observed: normal, loc: 'net(xu, u)', scale: 1}\nguide:")
    spec = spec.replace("[2]}}}", "[2]}, y: {from: x, shape: [2]}}}")
    spec = spec.replace("links:", "links:\n  net: {mlp: [4]}")
    result, checked = compile(Source("pair.yaml", spec))
    assert result is not None, checked.diagnostics
    loss = result.files["objective.py"].partition("def loss")[2]
    assert loss.count("concat(") == 1
    assert "model.y_loc(xu, u)" in loss


def test_the_graph_is_drawn_with_the_whole_before_its_parts():
    typed = plan(SPEC).graph
    assert "  (=) xu\n  (#) x <- xu\n  ( ) u <- xu\n" in text.draw(typed)
    assert '"model_xu" -> "model_u"' in dot.draw(typed)
    assert "model_xu --> model_x" in mermaid.draw(typed)


def test_the_canonical_style_keeps_it():
    found = fmt(Source("pair.yaml", SPEC.replace("{x: observed, u", "{ x: observed,u")))
    assert "joint: {x: observed, u: latent}" in found
    assert digests_of(found)["math"] == digests_of(SPEC)["math"]


def test_it_trains_is_measured_and_sampled(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=rng.standard_normal((200, 2)).astype("float32"))
    (tmp_path / "pair.yaml").write_text(SPEC, encoding="utf-8")
    model = specc.load(tmp_path / "pair.yaml")
    run = model.train(tmp_path / "run", data_dir=tmp_path)
    assert run.result["evaluate"]["test"]["value"] < 0
    rows = run.sample(7)
    assert {n: tuple(v.shape) for n, v in rows.items()} == {"x": (7, 2), "u": (7, 1, 3)}
    bound = run.log_prob(rows["x"], particles=50)
    assert bound.shape == (7,) and bool(bound.isfinite().all())


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_nodes_changes_nothing(seed):
    """Whatever stands first in the file, the draw comes before those that use its parts."""
    nodes = ["  z: {latent: normal, loc: net(u), scale: 1, shape: [2]}\n", SPEC.split("guide:")[0]]
    head, _, body = nodes[1].partition("model:\n")
    parts = [nodes[0], body]
    random.Random(seed).shuffle(parts)
    rest = SPEC.partition("guide:")[2].replace(
        "links:", "  z: {latent: normal, params: e2(x)}\nlinks:"
    )
    spec = (
        head
        + "model:\n"
        + "".join(parts)
        + "guide:"
        + rest.replace("links:", "links:\n  net: linear\n  e2: linear")
    )
    found = plan(spec)
    assert found.programs["model"].order == ("xu", "x", "u", "z")
