"""What `explain` says of a spec, held against the spec."""

from pathlib import Path

import pytest

from specc.codegen.explain import explain, explain_json
from specc.compiler import front
from specc.diagnostics.source import Source

SPECS = sorted((Path(__file__).parents[3] / "specs").glob("*.yaml"))


def compiled(text, name="spec.yaml"):
    checked = front(Source(f"specs/{name}", text))
    assert checked.plan is not None
    return checked.plan


def plan_of(path):
    return compiled(path.read_text(encoding="utf-8"), path.name)


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_every_node_and_every_latents_draw_is_explained(path):
    plan = plan_of(path)
    text = explain(plan)
    assert max(map(len, text.splitlines())) <= 120
    for program in plan.graph.graph.programs.values():
        for node in map(program.nodes.get, program.declared):
            assert f"    {node.name} " in text
    evaluated = plan.objective.evaluated
    for name, draw in plan.objective.draws.items():
        assert name in text if name in evaluated else draw.reason in text, name
    found = explain_json(plan)
    drawn = {name for player in found["players"].values() for name in player["draws"]}
    assert drawn | set(found.get("evaluated", [])) == set(plan.objective.draws)


def test_the_closed_form_is_explained_with_its_reason():
    text = explain(plan_of(next(p for p in SPECS if p.stem == "hierarchical_vae")))
    assert "KL(z2)  closed form" in text
    assert "p(z1 | ...) depends on z2, which is drawn after z1" in text


def test_the_plates_of_which_an_update_leaves_out_elements_are_explained():
    text = next(p for p in SPECS if p.stem == "matrix_factorization").read_text(encoding="utf-8")
    assert "an update computes" not in explain(compiled(text))
    plan = compiled(text + "train: {subsample: [users, items]}\n")
    assert "only the elements of users and items that its batch names" in " ".join(
        explain(plan).split()
    )
    assert explain_json(plan)["subsampled"] == ["users", "items"]
