"""The supports of recurrent nodes, by induction over the steps."""

import pytest

from specc.catalog.supports import OPEN_UNIT_INTERVAL, POSITIVE, REAL, UNIT_INTERVAL
from specc.compiler import front
from specc.diagnostics.source import Source

SPEC = """\
specc: 1
name: series
data: {{source: npz, path: a.npz, fields: {{y: {{from: y, shape: [9]}}}}}}
plates: {{t: {{scan: 9}}}}
model:
  a: {{parameter: positive, shape: []}}
  p: {{parameter: unit_interval, shape: []}}
  v: {{let: "{value}", initial: {initial}, shape: [], plate: t}}
  y: {{observed: normal, loc: v, scale: a + p, plate: t}}
objective: mle
"""


@pytest.mark.parametrize(
    ("value", "initial", "expected"),
    [
        ("a + p * v[t-1]", "1", POSITIVE),
        ("a + p * v[t-1]", "0", POSITIVE),
        ("p * v[t-1]", "1", OPEN_UNIT_INTERVAL),
        ("square(v[t-1])", "0", UNIT_INTERVAL),
        ("square(v[t-1])", "2", POSITIVE),
        ("a + p * v[t-1]", "-1", REAL),
        ("p * v[t-1] - a", "1", REAL),
    ],
)
def test_a_recurrent_node_stays_where_it_starts(value, initial, expected):
    found = front(Source("model.yaml", SPEC.format(value=value, initial=initial)))
    assert found.typed is not None, found.diagnostics
    assert found.typed.types["model", "v"].support == expected


AHEAD = """\
specc: 1
name: series
data: {{source: npz, path: a.npz, fields: {{y: {{from: y, shape: [9]}}}}}}
plates: {{t: {{scan: 9}}}}
model:
  a: {{parameter: positive, shape: []}}
  v: {{let: "a + square(y) + 0.5 * v[t-1]", initial: {initial}, shape: [], plate: t}}
  y: {{observed: normal, loc: 0, scale: "v[t-1]", plate: t}}
objective: mle
"""


@pytest.mark.parametrize(("initial", "codes"), [("0.5", []), ("0", ["E0302"])])
def test_a_previous_value_may_be_used_before_its_node_is_drawn(initial, codes):
    found = front(Source("model.yaml", AHEAD.format(initial=initial)))
    assert [each.code for each in found.diagnostics] == codes
