"""The pages in docs/reference equal those generated from the catalog and the schema."""

from specc.reference.__main__ import files
from tests.house.files import ROOT

FOLDER = ROOT / "docs" / "reference"


def test_the_reference_is_not_stale():
    """To update them: `python -m specc.reference docs/reference`."""
    made = files()
    assert {path.name for path in FOLDER.iterdir()} == set(made)
    stale = [n for n, text in made.items() if (FOLDER / n).read_text(encoding="utf-8") != text]
    assert stale == [], "run `python -m specc.reference docs/reference`"
