"""The gallery trains unchanged, or its specs and the error name the files that they need."""

from __future__ import annotations

import pytest

import specc
from specc.catalog.registry import SOURCES
from specc.data.read import tables_of
from specc.runtime.failure import RunFailure
from tests.house.files import ROOT
from tests.unit.data.test_limits import data_of_model

SPECS = sorted((ROOT / "specs").glob("*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_data_of_the_gallery(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    model = specc.load(path)
    data = data_of_model(model)
    if data.source not in SOURCES or not SOURCES[data.source].needs_folder:
        return
    try:
        tables_of(data, model.data_dir())
    except RunFailure as failure:
        assert failure.code == "E0504"
        assert "`--data-dir`" in str(failure)
        assert "--data-dir" in data.doc
        assert data.doc in str(failure)
