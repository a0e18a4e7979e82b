"""The section on latents that are summed out for all rows."""

from __future__ import annotations

import re

from specc.report.svg import columns
from specc.report.values import values_section


def test_a_column_for_each_value_that_is_probable():
    found = values_section({"switch": [0.0, 0.25, 0.7, 0.05, 0.0]})
    assert "<code>switch</code> given the training rows: 2 (0.7), 1 (0.25), 3 (0.05)" in found
    heights = [float(own) for own in re.findall(r'height="([\d.]+)"/>', found)]
    assert len(heights) == 3
    assert abs(heights[1] / heights[0] - 0.7 / 0.25) < 0.02
    assert re.findall(r'class="tick mid"[^>]*>([^<]+)<', found) == ["1", "2", "3"]
    assert "p(switch | training rows)" in found


def test_entries_of_a_plate_are_rows():
    """Of one and of two axes; the tables of many are cut."""
    found = values_section({"z": [[0.9, 0.1], [0.2, 0.8]], "w": [[[1.0, 0.0]] * 2] * 3})
    cells = re.findall(r"<td>([^<]+)</td><td>([^<]+)</td>", found)
    assert cells[:2] == [("z[0]", "0 (0.9), 1 (0.1)"), ("z[1]", "1 (0.8), 0 (0.2)")]
    assert cells[2:4] == [("w[0, 0]", "0 (1)"), ("w[0, 1]", "0 (1)")] and len(cells) == 8
    many = values_section({"z": [[0.5, 0.5]] * 999})
    assert many.count("<tr>") == 201 and "result.json has all of them" in many


def test_without_such_latents_there_is_no_section():
    assert values_section({}) == values_section({"z": []}) == columns({}, "", "") == ""


def test_a_name_with_a_sign_is_text():
    assert "a<b" not in values_section({"a<b": [0.5, 0.5], "c<d": [[0.5, 0.5]]})
