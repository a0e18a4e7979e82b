"""Names of a spec that occur in the compiler for other purposes, and names of its expressions."""

import pytest

from specc.codegen.names import Names, python_name, python_names, unique
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


def test_a_name_has_the_first_words_of_an_expression_and_the_last():
    assert python_name("norm(grad(d(model.x), model.x))") == "norm_grad_d_x"
    assert python_name("data.x") == "x"
    assert python_name("1 - data.x") == "value_1_x"


def test_values_that_differ_in_a_word_have_names_that_do():
    """The words `data` are left out; a trailing underscore is the last resort."""
    names = Names(["relu(1 - d(data.x))", "relu(1 + d(model.x))"])
    assert names["relu(1 - d(data.x))"] == "relu_1_d_x"
    assert names["relu(1 + d(model.x))"] == "relu_1_d_model_x"
    assert unique(python_names("d(x)"), {"d_x"}) == "d_x_"


def test_the_longest_name_has_all_words():
    assert python_names("f(a, b, c, d, e)") == ["f_a_b_e", "f_a_b_c_e", "f_a_b_c_d_e"]
