"""The traits of draws: one way for a value to come about, and a gradient for what is sampled."""

import ast
from pathlib import Path

import pytest

import specc
from specc.catalog.registry import DRAWS

ENTRIES = list(DRAWS.values())
SCORE = Path(specc.__file__).parent / "runtime" / "draws" / "score.py"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_a_value_comes_about_in_one_way(entry):
    assert entry.sampled + entry.enumerated + entry.integrated + entry.point == 1


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_what_is_sampled_alone_has_an_estimator_of_its_gradient_or_none(entry):
    assert (
        entry.pathwise + entry.relaxed + entry.score_function + entry.stops_gradient
        == entry.sampled
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
@pytest.mark.parametrize("particles", [1, 2, 50])
def test_the_compiler_has_a_variant_for_any_number_of_particles(entry, particles):
    chosen = entry.automatic(particles)
    assert chosen.needs_particles <= particles
    assert not chosen.high_variance


def test_more_particles_make_a_better_baseline():
    score = DRAWS.first(lambda draw: draw.score_function)
    assert [score.automatic(k).name for k in (1, 2)] == ["mean", "leave_one_out"]


def test_each_function_that_a_variant_names_is_in_the_run_time():
    tree = ast.parse(SCORE.read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    variants = [variant for entry in ENTRIES for variant in entry.variants]
    named = {
        name
        for v in variants
        for name in (v.baseline, v.of_log_weights, v.running, v.scale)
        if name
    }
    assert named and named <= defined


def test_a_trait_that_no_draw_has_is_noticed():
    with pytest.raises(StopIteration):
        DRAWS.first(lambda draw: draw.sampled and draw.enumerated)
