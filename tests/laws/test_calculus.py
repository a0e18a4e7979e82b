"""Laws of symbolic derivatives, slopes and values at zero, against numpy on random expressions.

The reference of a derivative is the complex step: f(x + ih) / h has the derivative as its imaginary
part, exact up to rounding for polynomials and quotients.
"""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from specc.diagnostics.source import Source, Span
from specc.graph import calculus
from specc.graph.calculus import NotPolynomial
from specc.graph.passes.energy_shapes import EnergyShapes
from specc.graph.zeros import at_zero
from specc.language.expressions.parse import parse
from specc.language.expressions.print import print_expression
from tests.laws.energizing import evaluator

RNG = np.random.default_rng(4)
VALUES = {
    "a": RNG.normal(size=3),
    "b": RNG.normal(size=3),
    "w": RNG.normal(size=(3, 3)),
    "k": np.asarray(0.7),
    "p": RNG.uniform(0.5, 2.0, size=3),
}
UNKNOWN = {"x": RNG.normal(size=3), "y": np.asarray(1.3)}
STEP = 1e-200
CLOSE = 1e-10


def nested(value):
    return tuple(nested(v) for v in value) if value.ndim else float(value)


SHAPES = EnergyShapes({}, {}, {n: nested(v) for n, v in {**VALUES, **UNKNOWN}.items()})


def parsed(text):
    source = Source("given", text)
    return parse(text, lambda start, end: Span(source, start, end))


def value(text, **changed):
    return np.asarray(evaluator(text)({**VALUES, **UNKNOWN, **changed}))


def derivative(text, name):
    """The derivative by the complex step, in the shape of the variable."""
    at = UNKNOWN[name]
    found = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[place] += 1j * STEP
        found[place] = value(text, **{name: moved}).imag / STEP
    return found


NUMBERS = st.sampled_from(["0.5", "1", "2", "3", "-1", "0"])


def scalars(depth):
    leaves = st.one_of(st.just("k"), NUMBERS, st.just("y"))
    if not depth:
        return leaves
    inner, vector = scalars(depth - 1), vectors(depth - 1)
    return st.one_of(
        leaves,
        st.builds("sum({})".format, vector),
        st.builds("({}) @ ({})".format, vector, vector),
        st.builds("({}) @ w @ ({})".format, vector, vector),
        st.builds("({}) * ({})".format, inner, inner),
        st.builds("({}) + ({})".format, inner, inner),
        st.builds("({}) - ({})".format, inner, inner),
        st.builds("-({})".format, inner),
        st.builds("({}) / (2 * k)".format, inner),
        st.builds("({}) ** {}".format, inner, st.sampled_from([1, 2, 3])),
    )


def vectors(depth):
    leaves = st.sampled_from(["x", "x", "a", "b", "p", "[1, -2, 0.5]"])
    if not depth:
        return leaves
    inner, number = vectors(depth - 1), scalars(depth - 1)
    return st.one_of(
        leaves,
        st.builds("({}) * ({})".format, inner, inner),
        st.builds("({}) + ({})".format, inner, inner),
        st.builds("({}) - ({})".format, inner, number),
        st.builds("({}) * ({})".format, number, inner),
        st.builds("({}) / p".format, inner),
        st.builds("({}) / k".format, inner),
        st.builds("-({})".format, inner),
        st.builds("({}) ** {}".format, inner, st.sampled_from([1, 2, 3])),
        st.builds("w @ ({})".format, inner),
        st.builds("({}) @ w".format, inner),
    )


def scale(text):
    """The size of the terms of an expression, to which rounding is relative."""
    positive = {n: np.abs(v) for n, v in {**VALUES, **UNKNOWN}.items()}
    return float(np.max(np.abs(evaluator(text.replace("-", "+"))(positive)))) + 1.0


def again(expression):
    """The text of an expression, which the parser reads as the same expression."""
    text = print_expression(expression)
    assert print_expression(parsed(text)) == text
    return text


@settings(max_examples=100)
@given(scalars(3), st.sampled_from("xy"))
def test_derivatives_are_those_of_numpy(text, name):
    assume(name in text and np.isfinite(value(text)) and scale(text) < 1e6)
    try:
        found = calculus.derivative(parsed(text), name, SHAPES.rank, SHAPES.of)
    except NotPolynomial as problem:
        # of `sum(x @ w)`: no expression has the sums of the rows of a matrix
        assert "w" in text
        assert "weighted one by one" in problem.reason
        return
    got = np.broadcast_to(value(again(found)), UNKNOWN[name].shape)
    np.testing.assert_allclose(
        got, derivative(text, name), atol=CLOSE * 100 * scale(text), rtol=CLOSE
    )


def test_a_wrong_derivative_is_far():
    text = "sum(p * (x - a) ** 2) / 2 + x @ w @ x"
    wanted = derivative(text, "x")
    assert np.abs(value("p * (x - a) + w @ x + x @ w") - wanted).max() < CLOSE
    for wrong in (
        "2 * p * (x - a) + w @ x + x @ w",
        "p * (x - a) + w @ x",
        "p * (x + a) + w @ x + x @ w",
    ):
        assert np.abs(value(wrong) - wanted).max() > 1e-2


@settings(max_examples=100)
@given(scalars(3))
def test_values_at_zero_are_those_of_numpy(text):
    zero = np.zeros(3)
    assume("x" in text and scale(text) < 1e6)
    try:
        found = at_zero(parsed(text), {"x"}, SHAPES.rank, SHAPES.of)
    except NotPolynomial:
        assert "w" in text or "sum" in text or "@" in text
        return
    got = 0.0 if found is None else value(again(found))
    np.testing.assert_allclose(got, value(text, x=zero), atol=CLOSE * 100 * scale(text), rtol=CLOSE)


@st.composite
def affine(draw, depth=3):
    """Expressions that are affine in x, entry by entry."""
    if not depth or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(["x", "x", "a", "k"]))
    inner = draw(affine(depth=depth - 1))
    factor = draw(st.sampled_from(["a", "k", "2", "(w @ b)", "sum(p)", "(a - b)"]))
    forms = [
        f"({inner}) * {factor}",
        f"{factor} * ({inner})",
        f"({inner}) / p",
        f"-({inner})",
        f"({inner}) + ({draw(affine(depth=depth - 1))})",
        f"{factor} - ({inner})",
    ]
    return draw(st.sampled_from(forms))


@settings(max_examples=100)
@given(affine())
def test_slopes_are_differences(text):
    """An affine expression is its value at zero plus its slope times x, entry by entry."""
    slope = value(again(calculus.slope(parsed(text), "x")))
    zero = value(text, x=np.zeros(3))
    bound = CLOSE * scale(text) * 100
    np.testing.assert_allclose(zero + slope * UNKNOWN["x"], value(text) + np.zeros(3), atol=bound)
    rest = at_zero(parsed(text), {"x"}, lambda part: 0)
    got = 0.0 if rest is None else value(again(rest))
    np.testing.assert_allclose(got + np.zeros(3), zero + np.zeros(3), atol=bound)


@pytest.mark.parametrize(
    "text",
    [
        "exp(x) @ a",
        "a @ (b / x)",
        "sum(x ** 0.5)",
        "sum(2 ** x)",
        "sum(x ** -1)",
        "f(x)",
        "x[0]",
        "sum(x @ w)",
        "max(x)",
        "sum(x ** k)",
    ],
)
def test_what_is_no_polynomial_is_refused(text):
    with pytest.raises(NotPolynomial) as refused:
        calculus.derivative(parsed(text), "x", SHAPES.rank, SHAPES.of)
    assert refused.value.reason
    assert refused.value.part.span.text in text


@pytest.mark.parametrize("text", ["x * x", "x ** 2", "w @ x", "sum(x)", "a / x", "x @ a * a"])
def test_what_is_not_affine_entry_by_entry_has_no_slope(text):
    with pytest.raises(NotPolynomial):
        calculus.slope(parsed(text), "x")


@pytest.mark.parametrize("text", ["exp(x) @ a", "sum(a / x)", "sum(x ** 0)", "sum(2 ** x)"])
def test_what_has_no_plain_value_at_zero_is_refused(text):
    with pytest.raises(NotPolynomial):
        at_zero(parsed(text), {"x"}, SHAPES.rank, SHAPES.of)
