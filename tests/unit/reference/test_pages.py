"""The reference has everything that a spec may name, and states all of it."""

from __future__ import annotations

import re

import pytest

from specc.catalog.links.blocks.activation import ACTIVATIONS, FORMULAS
from specc.catalog.links.blocks.initialization import STARTS
from specc.catalog.registry import (
    DISTRIBUTIONS,
    DRAWS,
    FUNCTIONS,
    KINDS,
    OBJECTIVES,
    SHORTHANDS,
    SOURCES,
)
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.schedules import SCHEDULES
from specc.reference.__main__ import files, main
from specc.reference.kinds.spec import ROLES
from specc.reference.pages import find, guess, named, pages
from specc.reference.text import WIDTH, render

ENTRIES = tuple(named())
NEEDS_NO_FORMULA = {"source", "key"}


def test_everything_that_a_spec_may_name_is_there():
    there = {(entry.kind, entry.name) for entry in ENTRIES}
    wanted = {
        *(("distribution", name) for name in DISTRIBUTIONS),
        *(("function", name) for name in FUNCTIONS),
        *(("draw", name) for name in DRAWS),
        *(("objective", name) for name in OBJECTIVES),
        *(("objective", name) for name in SHORTHANDS),
        *(("source", name) for name in SOURCES),
        *(("optimizer", name) for name in OPTIMIZERS),
        *(("schedule", name) for name in SCHEDULES),
        *(("initializer", name) for name in STARTS),
        *(("activation", name) for name in ACTIVATIONS),
    }
    assert wanted <= there
    assert {name for kind, name in there if "link" in kind or kind == "bijection"} == set(KINDS)
    assert {key for kind, key in there if kind == "key"} >= {f"model.NODE.{role}" for role in ROLES}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: f"{e.kind}-{e.name}")
def test_an_entry_states_all_of_its_parts(entry):
    assert entry.summary
    assert entry.formula or entry.kind in NEEDS_NO_FORMULA
    for table in entry.tables:
        assert table.rows
        for row in table.rows:
            assert len(row) == len(table.head) and row[0] and row[-1]
    text = render(entry)
    assert max(map(len, text.splitlines())) <= WIDTH or entry.kind == "source"
    assert "None" not in text and "FieldInfo" not in text


def test_distributions_links_and_objectives_have_a_source():
    bare = {"linear", "exp", "sigmoid", "softplus", "tanh"}  # no paper introduced these
    kinds_with = {"distribution", "link", "causal link", "bijection", "draw", "objective", "source"}
    without = {e.name for e in ENTRIES if e.kind in kinds_with and not e.sources}
    assert without == bare


def test_every_activation_has_a_formula():
    assert set(FORMULAS) == set(ACTIVATIONS)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("normal", [("distribution", "normal")]),
        ("exp", [("function", "exp"), ("bijection", "exp")]),
        ("linear", [("link", "linear"), ("schedule", "linear"), ("kernel", "linear")]),
        ("train.epochs", [("key", "train.epochs")]),
        (
            "epochs",
            [("key", "objective.stages.STAGE.epochs"), ("key", "train.epochs")],
        ),
        ("data.fields.age.standardize", [("key", "data.fields.FIELD.standardize")]),
        ("model.z.plate", [("key", "model.NODE.plate")]),
        ("model.plate", [("key", "model.NODE.plate")]),
        ("links", [("key", "links")]),
        ("OPTION", []),
        ("norml", []),
    ],
)
def test_a_word_leads_to_its_entries(word, found):
    assert [(entry.kind, entry.name) for entry in find(word)] == found


@pytest.mark.parametrize(
    ("word", "nearest"),
    [("normall", "normal"), ("gaussian", "normal"), ("train.epoch", "train.epochs"), ("zz", None)],
)
def test_a_wrong_word_leads_to_the_nearest(word, nearest):
    assert guess(word) == nearest


def test_the_links_of_a_page_lead_somewhere():
    for page in pages():
        text = files()[f"{page.name}.md"]
        anchors = {line.lstrip("# ").lower().replace(".", "") for line in _headings(text)}
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
        for target in re.findall(r"\]\(([a-z]+\.md)\)", text):
            assert target in files()


def _headings(text):
    return [line for line in text.splitlines() if line.startswith("#")]


def test_the_command_writes_the_pages(tmp_path):
    main(str(tmp_path / "new"))
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "new").iterdir()}
    assert written == files()
