"""The places in the source of the characters of values over several lines."""

import pytest
import yaml

from specc.language.offsets import source_offsets

RAW = {
    "plain": "one * two +\n    three",
    "single": "'one * two +\n    three'",
    "double": '"one * two +\r\n\n  three"',
    "folded": ">-\n  one * two +\n  three\n",
    "literal": "|  # a comment\n  one * two +\n    three",
}


@pytest.mark.parametrize("style", RAW)
def test_every_character_has_its_own_place(style):
    raw = RAW[style]
    value = yaml.safe_load(f"key: {raw}")["key"]
    offsets = source_offsets(raw, style, value)
    assert len(offsets) == len(value) + 1
    for place, char in zip(offsets, value, strict=False):
        assert char.isspace() or raw[place] == char
    for word in ("one", "two", "three"):
        start = value.index(word)
        assert raw[offsets[start] : offsets[start + len(word)]] == word


@pytest.mark.parametrize("raw", ['"one\\x41\n two"', "'it''s\n two'"])
def test_escapes_over_several_lines_have_no_places(raw):
    style = "double" if raw[0] == '"' else "single"
    assert source_offsets(raw, style, yaml.safe_load(raw)) is None
