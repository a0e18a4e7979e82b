"""The content of a wheel: the package with its data files, and nothing else."""

from __future__ import annotations

import re
import tomllib
import zipfile
from email.parser import Parser

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from trove_classifiers import classifiers

from tests.house.files import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The files of the wheel by name."""
    folder = tmp_path_factory.mktemp("dist")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder))
    with zipfile.ZipFile(built) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_only_the_package(wheel):
    own = {name for name in wheel if name.startswith("specc/")}
    assert {name.partition("/")[0] for name in wheel} == {
        "specc",
        f"specc-{PROJECT['version']}.dist-info",
    }
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "specc").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert own == there
    assert {"specc/py.typed", "specc/diagnostics/pages/E0302.md"} <= own
    assert any(name.startswith("specc/cli/templates/") for name in own)


def test_the_description_for_the_index_has_no_relative_links(wheel):
    (name,) = [name for name in wheel if name.endswith(".dist-info/METADATA")]
    described = Parser().parsestr(wheel[name].decode())
    text = described.get_payload()
    assert text == (ROOT / PROJECT["readme"]).read_text(encoding="utf-8")
    assert re.findall(r"\]\((?!https?://)|<img|src=", text) == []
    assert described["License-Expression"] == "MIT"
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def test_every_classifier_is_valid():
    assert set(PROJECT["classifiers"]) <= classifiers
    assert "urls" not in PROJECT  # the repository has no address yet


def test_the_source_distribution_has_the_documentation(tmp_path):
    builder = SdistBuilder(str(ROOT))
    names = {file.distribution_path for file in builder.recurse_included_files()}
    assert {"docs/README.md", "docs/reference/spec.md", "specs/vae.yaml", "README.md"} <= names
    assert {"generated/vae/model.py", "tests/conftest.py"} <= names
    assert not any(name.startswith((".venv", "runs/")) for name in names)
