"""JSON for files: laid out as the standard library does, and every line printable."""

import json

import pytest

from specc.diagnostics.printable import json_text

VALUES = [
    {},
    [],
    {"a": {}, "b": [], "c": [1, 2.5, -1e300, None, True, "x"], "d": {"e": [[1], [2, {"f": "é"}]]}},
    [{"shape": (2, 3)}, "名", 'a "quoted" text', ""],
    {7: "a", 2.5: "b", None: "c", True: "d"},
    "alone",
    3,
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("indent", [None, 1, 2])
def test_json_is_that_of_the_standard_library(value, indent):
    assert json_text(value, indent) == json.dumps(value, indent=indent, ensure_ascii=False)


def test_what_cannot_be_printed_is_escaped():
    assert json_text({"a": "\u202e\x7f"}) == '{\n  "a": "\\u202e\\u007f"\n}'
