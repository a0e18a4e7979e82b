"""The committed code is what the specs of the gallery compile to."""

import sys

import pytest

from tests.house.files import ROOT, name, run

SPECS = sorted(name(path) for path in (ROOT / "specs").glob("*.yaml"))


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_gallery_is_compiled(seed):
    """Whatever the seed of Python's hashes."""
    command = [sys.executable, "-m", "specc", "compile", "--check", *SPECS]
    done = run(*command, PYTHONHASHSEED=seed)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_folder_of_generated_code_has_its_spec():
    generated = {path.parent.name for path in (ROOT / "generated").glob("*/manifest.json")}
    assert generated == {name.removeprefix("specs/").removesuffix(".yaml") for name in SPECS}
