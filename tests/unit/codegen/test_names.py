"""Names of a spec that occur in the compiler for other purposes."""

import pytest

from specc.compiler import compile
from specc.diagnostics.source import Source

COIN = """\
specc: 1
name: coin
model:
  p: {parameter: unit_interval, shape: []}
  NAME: {observed: bernoulli, probs: p, shape: []}
objective: mle
"""


@pytest.mark.parametrize("name", ["name", "base", "function", "arguments", "keywords", "scope"])
def test_a_node_may_have_the_name_of_an_argument_inside_the_compiler(name):
    result, checked = compile(Source("coin.yaml", COIN.replace("NAME", name)))
    assert result is not None, checked.diagnostics
    assert f"model.log_prob({name}={name})" in result.files["objective.py"]
