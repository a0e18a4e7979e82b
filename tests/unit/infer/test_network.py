"""Exact answers: a textbook's numbers, and random networks against the full joint table."""

import math
import time

import numpy as np
import pytest

from specc.diagnostics.report import help_text, message
from specc.infer.network import LIMIT, Network
from specc.infer.question import read_question
from specc.infer.refusal import Refusal
from tests.unit.infer.networks import STUDENT, Made, conditional, network, typed, written


@pytest.mark.parametrize(
    "question, expected",
    [
        ("P(letter=1)", 0.502336),
        ("P(letter=1 | intelligence=0)", 0.3886),
        ("P(letter=1 | intelligence=0, difficulty=0)", 0.513),
        ("P(intelligence=1)", 0.3),
        ("P(intelligence=1 | grade=2)", 0.0789),
        ("P(difficulty=1 | grade=2)", 0.6293),
        ("P(intelligence=1 | letter=0)", 0.1400),
        ("P(intelligence=1 | grade=2, letter=0)", 0.0789),
        ("P(intelligence=1 | grade=2, sat=1)", 0.5783),
        ("P(difficulty=1 | grade=2, sat=1)", 0.7596),
        ("P(intelligence=1, difficulty=0, grade=1, sat=1, letter=0)", 0.004608),
    ],
)
def test_the_numbers_of_the_textbook(question, expected):
    """Koller and Friedman (2009), sections 3.2.1.1 and 3.2.1.2; its g1 to g3 are 0 to 2 here."""
    found = network(STUDENT).answer(read_question(question))
    assert found.variables == ()
    assert found.values.item() == pytest.approx(expected, abs=5e-5, rel=1e-9)


@pytest.mark.parametrize("seed", range(60))
def test_it_is_the_joint_summed_by_brute_force(seed):
    made = Made(seed, 3 + seed % 6, zeros=0.3 if seed % 3 == 0 else 0.0)
    net, joint = network(made.text), made.joint()
    for _ in range(4):
        queried, known = made.question()
        expected, total = conditional(joint, queried, known)
        question = read_question(written(made, queried, known))
        if expected is None:
            with pytest.raises(Refusal) as refused:
                net.answer(question)
            assert refused.value.diagnostic.code == "E1005"
            continue
        found = net.answer(question)
        assert found.variables == tuple(made.names[i] for i in queried)
        np.testing.assert_allclose(found.values, expected, atol=1e-10, rtol=1e-10)
        assert found.log_known == pytest.approx(math.log(total), abs=1e-10)


def test_arithmetic_and_let_nodes_are_read():
    text = """specc: 1
name: m
constants: {slope: [0.5, -1.5], base: 0.25}
model:
  a: {latent: bernoulli, logits: base}
  b: {latent: categorical, logits: 0, classes: 3}
  score: {let: "-slope[a] * (b - 1) ** 2 + [1, tanh(b), a][b]"}
  c: {latent: bernoulli, logits: score}
  d: {latent: categorical, probs: "softmax([[1, 2, 3], [0, b, a]])[c]"}
"""
    net = network(text)
    for a, b in [(0, 0), (1, 2), (0, 1)]:
        logit = -[0.5, -1.5][a] * (b - 1) ** 2 + [1, math.tanh(b), a][b]
        found = net.answer(read_question(f"P(c=1 | a={a}, b={b})")).values.item()
        assert found == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-12)
        weights = np.exp([0.0, b, a])
        found = net.answer(read_question(f"P(d | a={a}, b={b}, c=1)")).values
        np.testing.assert_allclose(found, weights / weights.sum(), atol=1e-12)


def chain(steps, states=2):
    """A hidden Markov chain, written out step by step."""
    lines = ["specc: 1", "name: chain", "constants: {A: [[0.9, 0.1], [0.3, 0.7]]}", "model:"]
    lines.append("  z0: {latent: categorical, probs: [0.5, 0.5]}")
    for t in range(1, steps):
        lines.append(f'  z{t}: {{latent: categorical, probs: "A[z{t - 1}]"}}')
    for t in range(steps):
        lines.append(f'  y{t}: {{latent: bernoulli, probs: "[0.2, 0.9][z{t}]"}}')
    return "\n".join(lines) + "\n"


def test_a_long_chain_neither_underflows_nor_takes_long():
    steps = 1500
    net = network(chain(steps))
    known = ", ".join(f"y{t}={t % 2}" for t in range(steps))
    start = time.perf_counter()
    found = net.answer(read_question(f"P(z{steps - 1} | {known})"))
    assert time.perf_counter() - start < 20
    message_, log_known = np.array([0.5, 0.5]), 0.0
    for t in range(steps):
        seen = np.array([0.2, 0.9]) if t % 2 else np.array([0.8, 0.1])
        message_ = (message_ @ [[0.9, 0.1], [0.3, 0.7]] if t else message_) * seen
        log_known += math.log(message_.sum())
        message_ = message_ / message_.sum()
    np.testing.assert_allclose(found.values, message_, atol=1e-10)
    assert found.log_known == pytest.approx(log_known, rel=1e-12)
    assert found.largest <= 8


def grid(width):
    """Nodes in a square, each with the one above and the one on the left as parents."""
    lines = ["specc: 1", "name: grid", "constants: {T: [[[0.9, 0.1], [0.4, 0.6]], [[0.5, 0.5], "]
    lines[-1] += "[0.2, 0.8]]]}"
    lines.append("model:")
    for i in range(width):
        for j in range(width):
            up, left = f"n{i - 1}_{j}", f"n{i}_{j - 1}"
            value = {(0, 0): "[0.5, 0.5]"}.get((i, j))
            if value is None and i and j:
                value = f'"T[{up}, {left}]"'
            value = value or f'"T[0, {up if i else left}]"'
            lines.append(f"  n{i}_{j}: {{latent: categorical, probs: {value}}}")
    return "\n".join(lines) + "\n"


def test_a_network_that_is_too_wide_is_refused_and_a_narrow_one_is_not():
    found = network(grid(8)).answer(read_question("P(n7_7 | n0_0=1)"))
    assert found.values.sum() == pytest.approx(1.0) and 2**8 <= found.largest <= 2**12
    with pytest.raises(Refusal) as refused:
        network(grid(28)).answer(read_question("P(n27_27)"))
    diagnostic = refused.value.diagnostic
    assert diagnostic.code == "E1008" and f"the limit is {LIMIT:,}" in message(diagnostic)


MIXED = """specc: 1
name: mixed
data: {source: csv, path: d.csv, fields: {w: {from: w}}}
plates: {users: 3}
model:
  w: {given: w}
  free: {parameter: simplex, shape: [2]}
  a: {latent: bernoulli, probs: 0.3}
  z: {latent: normal, loc: a, scale: 1}
  many: {latent: bernoulli, logits: 0, shape: [4]}
  each: {latent: bernoulli, logits: 0, plate: users}
  learnt: {latent: categorical, probs: free}
  linked: {latent: bernoulli, logits: f(a), shape: []}
  onreal: {latent: bernoulli, logits: z}
  ongiven: {latent: bernoulli, logits: "[0.5, -1][w]"}
  summed: {latent: bernoulli, logits: "sum([a, 1])"}
  fed: {latent: bernoulli, params: g(a), shape: []}
  whole: {joint: {left: latent, right: latent}, distribution: bernoulli, probs: 0.5,
          shapes: {left: [], right: []}}
  ofpart: {latent: bernoulli, logits: left}
links: {f: linear, g: linear}
objective: mle
"""


@pytest.mark.parametrize(
    "question, code, words",
    [
        ("P(z)", "E1006", "`z` does not have finitely many values"),
        ("P(onreal)", "E1006", "`z` does not have finitely many values"),
        ("P(many)", "E1006", "`many` holds 4 numbers"),
        ("P(each)", "E1006", "`each` has a value for each element of a plate"),
        ("P(learnt)", "E1007", "`free` is learnt"),
        ("P(linked)", "E1007", "the link `f`"),
        ("P(fed)", "E1007", "the link `g`"),
        ("P(summed)", "E1007", "the function `sum`"),
        ("P(ongiven)", "E1007", "given by the data"),
        ("P(w)", "E1007", "given by the data"),
        ("P(left)", "E1007", "a part of the draw `whole`"),
        ("P(ofpart)", "E1007", "a part of the draw `whole`"),
        ("P(whole)", "E1002", "not a random or given node"),
        ("P(free)", "E1002", "not a random or given node"),
        ("P(a | w=2)", "E1003", "the values 0 to 1, and 2"),
    ],
)
def test_what_has_no_answer_is_reported_with_the_node(question, code, words):
    with pytest.raises(Refusal) as refused:
        Network(typed(MIXED)).answer(read_question(question))
    assert refused.value.diagnostic.code == code
    assert words in message(refused.value.diagnostic)


def test_what_does_not_matter_does_not_hinder():
    net = Network(typed(MIXED))
    assert net.answer(read_question("P(a=1)")).values.item() == pytest.approx(0.3)
    found = net.answer(read_question("P(ongiven=1 | w=1)")).values.item()
    assert found == pytest.approx(1 / (1 + math.e))
    learnt = Network(typed(MIXED), {"free": np.array([0.25, 0.75])})
    assert learnt.answer(read_question("P(learnt=1)")).values.item() == pytest.approx(0.75)


@pytest.mark.parametrize(
    "text, code, marked",
    [
        ("", "E1001", ""),
        ("a", "E1001", "a"),
        ("P a", "E1001", "a"),
        ("P()", "E1001", ")"),
        ("P(a", "E1001", ""),
        ("P(a,)", "E1001", ")"),
        ("P(a|)", "E1001", ")"),
        ("P(a|b)", "E1001", ")"),
        ("P(a=x)", "E1001", "x"),
        ("P(a=-1)", "E1001", "-"),
        ("P(a) + 1", "E1001", "+"),
        ("P(a; b)", "E1001", ";"),
        ("P(a | a=1)", "E1004", "a=1"),
        ("P(a, a)", "E1004", "a"),
    ],
)
def test_what_is_no_question_is_marked(text, code, marked):
    with pytest.raises(Refusal) as refused:
        read_question(text)
    diagnostic = refused.value.diagnostic
    assert (diagnostic.code, diagnostic.span.text) == (code, marked)
    assert help_text(diagnostic)


def test_a_question_is_read_with_or_without_spaces():
    first, second = (
        read_question("P(a,b=1|c=0,d=12)"),
        read_question(" p( a , b = 1 | c=0, d=12 ) "),
    )

    terms = [[(t.name, t.value) for t in (*q.queried, *q.known)] for q in (first, second)]
    assert terms[0] == terms[1] == [("a", None), ("b", 1), ("c", 0), ("d", 12)]
