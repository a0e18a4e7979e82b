"""What docs/data.md shows is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from specc.catalog.registry import SOURCES, source_by_ending
from specc.cli.main import main
from specc.compiler import front
from specc.diagnostics.source import Source
from specc.language.schema.data import FieldSpec
from specc.language.schema.json_schema import json_schema
from tests.house.files import ROOT
from tests.unit.language.schema.test_json_schema import fits

TEXT = (Path(ROOT) / "docs" / "data.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
HEAD = "specc: 1\nname: m\nmodel: {z: {latent: normal, loc: 0, scale: 1}}\n"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_reads_and_fits_the_schema(example):
    found = front(Source("a.yaml", HEAD + example))
    assert [d.code for d in found.diagnostics if d.code[1:3] in ("00", "01", "05")] == []
    value = json.loads(json.dumps(yaml.safe_load(example)["data"]))
    assert fits(value, json_schema()["properties"]["data"])


def test_every_source_and_every_key_is_shown():
    shown = {yaml.safe_load(example)["data"]["source"] for example in EXAMPLES}
    by_ending = {source for name in shown for e, source in source_by_ending().items() if e in name}
    assert shown | by_ending >= set(SOURCES)
    for name in FieldSpec.model_fields:
        assert f"| `{'from' if name == 'column' else name}" in TEXT


def test_the_output_is_what_is_printed(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    printed = re.search(r"\$ specc data specs/vae.yaml\n(.*?)```", TEXT, re.DOTALL)
    assert main(["data", "specs/vae.yaml"]) == 0
    assert capsys.readouterr().out == printed[1]
