"""In which set values lie, and what of them is enough for their uses."""

import pytest

from specc.catalog.supports import (
    CHOLESKY,
    NONNEGATIVE,
    OPEN_UNIT_INTERVAL,
    ORDERED,
    POSITIVE,
    POSITIVE_DIAGONAL,
    REAL,
    SIMPLEX,
    UNIT_INTERVAL,
    Integers,
    Interval,
    Ordered,
    meet,
)
from specc.compiler import front
from specc.diagnostics.source import Source

HEAD = "specc: 1\nname: small\nconstants: {K: [[0.2, 0.8], [0.5, 0.5]], S: [[2, 1], [1, 2]]}\n"
DATA = "data: {source: npz, path: a.npz, fields: {%s}}\n"
NODES = """
  r: {parameter: real, shape: []}
  a: {parameter: positive, shape: []}
  p: {parameter: unit_interval, shape: []}
  v: {parameter: positive, shape: [2]}
  theta: {parameter: simplex, shape: [2]}
  beta: {parameter: simplex, shape: [2, 3]}
  L: {parameter: cholesky, shape: [2, 2]}
  c: {parameter: ordered, shape: [2]}
"""


def checked(nodes, fields="x: {from: x, shape: []}", objective="mle"):
    text = f"{HEAD}{DATA % fields}model:{NODES}  {nodes}\nobjective: {objective}\n"
    return front(Source("model.yaml", text))


def errors(found):
    codes = [d.code for d in found.diagnostics if d.code.startswith("E")]
    return [code for code in codes if code != "E0423"]  # that nothing is learnt is no matter here


def support(expression):
    found = checked(f'e: {{let: "{expression}"}}\n  x: {{observed: normal, loc: r, scale: 1}}')
    assert not errors(found), found.diagnostics
    return found.typed.type("model", "e").support


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("a * a", POSITIVE),
        ("a / a + a", POSITIVE),
        ("sqrt(a) * exp(r) * square(a)", POSITIVE),
        ("square(r)", NONNEGATIVE),
        ("1 - p", OPEN_UNIT_INTERVAL),
        ("p * (1 - p)", OPEN_UNIT_INTERVAL),
        ("1 - theta", UNIT_INTERVAL),
        ("r * a", REAL),
        ("sigmoid(v)", Interval(0.5, 1.0, low_open=True, high_open=True)),
        ("[p, 1 - p]", SIMPLEX),
        ("[p / 2, (1 - p) / 2, 0.5]", SIMPLEX),
        ("[p, p]", OPEN_UNIT_INTERVAL),
        ("v / sum(v)", SIMPLEX),
        ("theta @ beta", SIMPLEX),
        ("theta @ K", SIMPLEX),
        ("theta @ S", Interval(1.0, 2.0)),
        ("theta @ v", POSITIVE),
        ("L @ theta", REAL),
        ("p * theta + (1 - p) * softmax(v)", SIMPLEX),
        ("0.9 * theta + 0.1 * theta", SIMPLEX),
        ("p * theta + p * theta", Interval(0.0, 2.0, high_open=True)),
        ("(v / (v + 1)) * theta + (1 - v / (v + 1)) * theta", None),
        ("[[p, 1 - p], [0.5, 0.5]]", SIMPLEX),
        ("[[a, 0], [r, a]]", CHOLESKY),
        ("[[a, r], [0, a]]", REAL),
        ("[[a, 0], [r, r]]", REAL),
        ("a * L", CHOLESKY),
        ("eye(2) * v", POSITIVE_DIAGONAL),
        ("L / a + eye(2)", CHOLESKY),
        ("L @ L", CHOLESKY),
        ("r * L", REAL),
        ("L @ v", REAL),
        ("argmax(theta)", Integers(0, 1)),
        ("argmin(beta)", Integers(0, 5)),
        ("v[argmax(theta)]", POSITIVE),
        ("(theta + softmax(v)) / 2", SIMPLEX),
        ("0.25 * (theta + 3 * theta)", SIMPLEX),
        ("(p * theta + (1 - p) * theta) @ beta", SIMPLEX),
        ("theta + theta", None),
        ("r * r", NONNEGATIVE),
        ("v @ v", POSITIVE),
        ("(L @ v) @ (L @ v)", NONNEGATIVE),
        ("[p, a]", POSITIVE),
        ("c", ORDERED),
        ("exp(c)", Ordered(POSITIVE)),
        ("r - c / a", Ordered(falling=True)),
        ("-2 * c + r", Ordered(falling=True)),
        ("r * c", REAL),
        ("c + v", REAL),
        ("c + sigmoid(c)", ORDERED),
        ("c[1] - c[0]", POSITIVE),
        ("c[0] - c[1]", Interval(high=0.0, high_open=True)),
        ("c[-1] - c[0]", REAL),
        ("sort(v)[1] - sort(v)[0]", NONNEGATIVE),
        ("sigmoid(r - c[0]) - sigmoid(r - c[1])", Interval(-1.0, 1.0, True, True)),
        ("sigmoid(c - r)[1] - sigmoid(c - r)[0]", POSITIVE),
        ("diff(c)", POSITIVE),
        ("diff(-c)", Interval(high=0.0, high_open=True)),
        ("cumsum(v)", Ordered(POSITIVE)),
        ("cumprod(1 - sigmoid(c))", Ordered(OPEN_UNIT_INTERVAL, falling=True)),
        ("concat(0, sigmoid(c - r), 1)", Ordered(UNIT_INTERVAL, ends=True)),
        ("diff(concat(0, sigmoid(c - r), 1))", SIMPLEX),
        ("diff(concat(0, 1 - cumprod(1 - sigmoid(v)), 1))", SIMPLEX),
        ("diff(concat(0, sigmoid(c - r), 2))", Interval(0.0, 2.0, low_open=True)),
        ("diff(concat(0, c, 1))", REAL),
        ("diff(concat(0, sigmoid(v), 1))", Interval(-1.0, 1.0)),
    ],
)
def test_supports_calculate(expression, expected):
    found = support(expression)
    assert found != SIMPLEX if expected is None else found == expected


@pytest.mark.parametrize(
    "left, right, both",
    [
        (POSITIVE, UNIT_INTERVAL, Interval(0.0, 1.0, low_open=True)),
        (REAL, SIMPLEX, SIMPLEX),
        (POSITIVE, CHOLESKY, None),
        (Integers(0), Interval(high=4.0), Integers(0, 4)),
        (Interval(low=1.0), Interval(high=0.0), None),
    ],
)
def test_the_meet_of_two_supports(left, right, both):
    assert meet(left, right) == meet(right, left) == both


SERIES = """specc: 1
name: series
constants: {K: [[0.2, 0.8], [0.5, 0.5]]}
data: {source: npz, path: a.npz, fields: {y: {from: y, shape: [9]}}}
plates: {t: {scan: 9}}
model:
  theta: {parameter: simplex, shape: [2]}
  A: {parameter: %s, shape: [2, 2]}
  w: {let: "w[t-1] @ A", initial: theta, shape: [2], plate: t}
  y: {observed: categorical, probs: w, classes: 2, plate: t}
objective: mle
"""


def test_a_recurrent_vector_stays_on_the_simplex():
    assert not errors(front(Source("model.yaml", SERIES % "simplex")))
    assert errors(front(Source("model.yaml", SERIES % "unit_interval"))) == ["E0302"]


POISSON = "e: {given: e}\n  x: {observed: poisson, rate: %s}"
FIELDS = "x: {from: x, shape: []}, e: {from: e, shape: []%s}"


@pytest.mark.parametrize(
    "rate, needed",
    [
        ("a * e", NONNEGATIVE),
        ("a / e", POSITIVE),
        ("e", NONNEGATIVE),
        ("exp(r * e)", REAL),
        ("exp(r + log(e))", POSITIVE),
        ("a * e + log1p(e)", NONNEGATIVE),
        ("a * sqrt(e)", NONNEGATIVE),
        ("a * (1 - e)", UNIT_INTERVAL),
    ],
)
def test_the_least_is_supposed_of_data(rate, needed):
    found = checked(POISSON % rate, FIELDS % "")
    assert not errors(found)
    assert found.typed.type("model", "e").support == needed


def test_what_one_use_needs_of_data_another_does_not_forget():
    nodes = POISSON % "a * t" + "\n  t: {let: e + e}\n  y: {observed: normal, loc: e, scale: 1}"
    found = checked(nodes, (FIELDS % "") + ", y: {from: y, shape: []}")
    assert not errors(found)
    assert found.typed.type("model", "e").support == NONNEGATIVE


def test_only_the_data_that_matter_are_narrowed():
    nodes = POISSON % "a * e * exp(t)" + "\n  t: {given: t}"
    found = checked(nodes, (FIELDS % "") + ", t: {from: t, shape: []}")
    assert found.typed.type("model", "t").support == REAL


def test_what_a_field_states_is_used_and_not_guessed():
    assert not errors(checked(POISSON % "a * e", FIELDS % ", constrain: positive"))
    assert errors(checked(POISSON % "a * e", FIELDS % ", constrain: real")) == ["E0302"]
    assert errors(checked(POISSON % "r * e", FIELDS % ", constrain: positive")) == ["E0302"]


def test_an_index_has_as_many_values_as_its_axis():
    node = 'e: {let: "v[argmax(%s)]"}\n  x: {observed: normal, loc: e, scale: 1}'
    assert not errors(checked(node % "theta"))
    assert errors(checked(node % "beta")) == ["E0341"]


CLASSES = "x: {observed: categorical, probs: %s, classes: 2}"


@pytest.mark.parametrize(
    "probs, codes",
    [
        ('"[p, 1 - p]"', []),
        ("0.5", []),
        ('"K[1]"', []),
        ("theta", []),
        ("0.3", ["E0343"]),
        ('"S[0]"', ["E0302"]),
        ("sigmoid(net(r))", ["E0302"]),
        ("theta * theta", ["E0302"]),
        ('"[p, p]"', ["E0302"]),
    ],
)
def test_numbers_between_0_and_1_are_no_simplex(probs, codes):
    found = checked((CLASSES % probs) + "\nlinks: {net: linear}")
    assert errors(found) == codes


VECTOR = "x: {observed: multivariate_normal, loc: 0, scale_tril: %s, shape: [2]}"


@pytest.mark.parametrize(
    "factor, codes",
    [
        ("L", []),
        ("a * L", []),
        ('"[[1, 0], [0.5, 2]]"', []),
        ('"[[a, 0], [r, a]]"', []),
        ("S", ["E0344"]),
        ('"[[1, 0], [0.5, -2]]"', ["E0344"]),
        ('"[[1, 0], [0.5, 0]]"', ["E0344"]),
        ("2", ["E0344"]),
        ("L * r", ["E0302"]),
        ("net(r)", ["E0302"]),
        ("K @ L", ["E0302"]),
    ],
)
def test_a_matrix_of_numbers_is_no_cholesky_factor(factor, codes):
    found = checked((VECTOR % factor) + "\nlinks: {net: linear}", "x: {from: x, shape: [2]}")
    assert errors(found) == codes


def test_a_probability_where_a_logit_is_wanted_is_warned_of():
    def warned(node):
        return [d.evidence for d in checked(node).diagnostics if d.code == "W0333"]

    (found,) = warned("x: {observed: bernoulli, logits: sigmoid(r)}")
    assert found["other"] == "probs" and found["expression"] == "sigmoid(r)"
    assert warned("x: {observed: categorical, logits: softmax(v), classes: 2}")
    for sound in ("0.4", "r", "tanh(r)", "logit(p)", "2 * p"):
        assert not warned(f"x: {{observed: bernoulli, logits: {sound}}}")


@pytest.mark.parametrize(
    "prior, guide, code",
    [
        ("normal, loc: 0, scale: 1", "gamma, concentration: 1, rate: 1", "W0332"),
        ("normal, loc: 0, scale: 1", "normal, loc: 0, scale: 1", None),
        ("uniform, low: 0, high: 1", "beta, concentration1: 1, concentration0: 1", None),
        ("gamma, concentration: 1, rate: 1", "beta, concentration1: 1, concentration0: 1", "W0332"),
        ("gamma, concentration: 1, rate: 1", "normal, loc: 0, scale: 1", "E0309"),
        ("exponential, rate: 1", "gamma, concentration: 1, rate: 1", None),
        ("poisson, rate: 1", "bernoulli, logits: 0", "W0332"),
    ],
)
def test_a_guide_that_reaches_less_than_the_model_is_warned_of(prior, guide, code):
    nodes = f"""z: {{latent: {prior}, shape: []}}
  x: {{observed: normal, loc: r + z, scale: 1}}
guide:
  z: {{latent: {guide}}}"""
    codes = [d.code for d in checked(nodes, objective="elbo").diagnostics]
    assert [c for c in codes if c[0] == "E" or c == "W0332"] == ([code] if code else [])
