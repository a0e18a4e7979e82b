"""The source map, whose damage does not hide the failure that it should explain."""

from __future__ import annotations

import json
import traceback

import pytest

from specc.runtime.source_map import NAME, find


def frames(folder):
    return [traceback.FrameSummary(str(folder / "model.py"), 7, "sample")]


@pytest.mark.parametrize("span", ["7", "6-7", "7-7", "1-9"])
def test_a_line_has_its_place(tmp_path, span):
    found = {"nodes": {"model.x": "vae.yaml:3:1"}, "lines": {"model.py": {span: "model.x"}}}
    (tmp_path / NAME).write_text(json.dumps(found), encoding="utf-8")
    found = find(frames(tmp_path), tmp_path)
    assert found is not None and found.place is not None
    assert (found.line, found.place.node, found.place.at) == (
        "model.py:7",
        "model.x",
        "vae.yaml:3:1",
    )


DAMAGED = [
    "",
    "[]",
    '{"model.py": 1}',
    "[" * 100_000,
    '{"nodes": {}, "lines": {"model.py": {"7": "model.x"}}}',
    '{"nodes": {"x": "a:1:1"}, "lines": {"model.py": {"7-x": "x"}}}',
    '{"nodes": {"x": "a:1:1"}, "lines": {"model.py": {"1-99999999999": "x"}}}',
]


@pytest.mark.parametrize("text", DAMAGED, ids=len)
def test_a_damaged_map_has_no_places(tmp_path, text):
    (tmp_path / NAME).write_text(text, encoding="utf-8")
    found = find(frames(tmp_path), tmp_path)
    assert found is not None
    assert (found.line, found.place) == ("model.py:7", None)
