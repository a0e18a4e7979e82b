"""The tree of generated code: what a function reads, and what it takes."""

import pytest

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Name
from specc.codegen.code.statements import (
    Assign,
    Class,
    Define,
    Evaluate,
    For,
    Function,
    If,
    Parameter,
    Return,
    free,
)
from specc.codegen.lower.build import Generated
from specc.codegen.lower.verify import verify_generated, violations

X, Y = Name("x"), Name("y")


def function(*body, taken=("x",)):
    parameters = tuple(Parameter(name, "Tensor") for name in taken)
    return Function("loss", parameters, (), "Tensor", "", body, is_method=False)


def test_a_name_is_free_until_it_is_made():
    assert free(function(Assign(("y",), X), Return(Y))) == {"x"}
    assert free(function(Return(Y))) == {"y"}
    assert free(function(Assign(("y",), Y), Return(Y))) == {"y"}


def test_loops_conditions_and_inner_functions_are_looked_into():
    body = (Assign(("a",), code.method(Name("x_t"), "exp")),)
    assert free(function(For(("x_t",), X, body))) == {"x"}
    assert free(function(If(Name("test"), (Evaluate(Y),)))) == {"test", "y"}
    inner = Function("draw", (Parameter("y", "Tensor"),), (), "Tensor", "", (Return(Y),))
    assert free(function(Define(inner), Return(code.call(Name("draw"), X)))) == {"x"}


@pytest.mark.parametrize(
    "wrong, words",
    [
        (function(Return(Y)), "objective.loss reads y, which it does not take"),
        (function(Assign(("y",), X)), "objective.loss does not return at its end"),
        (function(), "objective.loss does not return at its end"),
        (function(Return(X), taken=("x", "x")), "objective.loss takes x 2 times"),
    ],
)
def test_a_breach_is_noticed(wrong, words):
    generated = Generated({}, {"loss": wrong})
    assert violations(generated) == [words]
    with pytest.raises(AssertionError, match=words):
        verify_generated(generated)


def test_two_methods_of_one_name_are_noticed():
    written = Class("Model", "", (), (function(Return(X)), function(Return(X))))
    assert violations(Generated({"model": written}, {})) == ["Model has two methods loss"]


def test_a_sound_function_passes():
    assert violations(Generated({}, {"loss": function(Return(X))})) == []
    assert violations(Generated({}, {"loss": function(Assign(("y",), X), Return(Y))})) == []


def test_two_nodes_of_one_field_are_both_in_the_manifest(tmp_path):
    from specc.compiler import compile
    from specc.diagnostics.source import Source
    from specc.runtime.program import load

    text = """\
specc: 1
name: twice
data: {source: npz, path: d.npz, fields: {a: {from: a, shape: []}, x: {from: x, shape: []}}}
model:
  a: {given: a}
  b: {given: a}
  w: {parameter: real, shape: []}
  x: {observed: normal, loc: w * a + b, scale: 1}
objective: mle
"""
    result, _ = compile(Source("twice.yaml", text))
    for name, content in result.files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    fields = load(tmp_path).manifest.data.fields
    assert {name: field.origin for name, field in fields.items()}.keys() == {"a", "b", "x"}
