"""The unit tests of a module have the path and the name of the module."""

import pytest

from tests.house.files import ROOT

MIRRORED = ("comparison", "engine", "evaluate", "graph", "infer", "language", "report")
"""The packages with mirrored unit tests."""

UNIT = ROOT / "tests" / "unit"


@pytest.mark.parametrize("package", MIRRORED)
def test_each_file_of_tests_has_its_module(package):
    files = sorted((UNIT / package).rglob("test_*.py"))
    assert files
    for file in files:
        module = f"{file.name.removeprefix('test_').removesuffix('.py')}.py"
        expected = ROOT / "specc" / file.parent.relative_to(UNIT) / module
        assert expected.is_file(), f"{file.relative_to(ROOT)} is of no module"
