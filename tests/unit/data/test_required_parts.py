"""Which parts of the data a run reads beside its training rows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from specc.data.required_parts import required_parts

PLATEAU = {"plateau": {"patience": 5}}


@pytest.mark.parametrize(
    "train, parts",
    [
        ({}, []),
        ({"schedule": PLATEAU}, ["valid"]),
        ({"players": {"critic": {"schedule": PLATEAU}}}, ["valid"]),
        ({"players": {"critic": {"schedule": {"cosine": {}}}, "fit": {"steps": 2}}}, []),
    ],
)
def test_a_plateau_looks_at_held_out_rows(train, parts):
    found = required_parts(SimpleNamespace(train=train, evaluate={}))
    assert [each.part for each in found] == parts
