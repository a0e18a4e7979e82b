"""Structure that follows from equal subexpressions: not of those that draw random numbers."""

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source

SPEC = """
specc: 1
name: equal
data:
  source: npz
  path: d.npz
  fields: {x: {from: x, shape: [4]}, y: {from: y, shape: []}, n: {from: n, shape: [4]}}
model:
  x: {given: x}
  LET
  y: {observed: categorical, probs: "PROBS", classes: 2}
  n: {observed: poisson, rate: "RATE"}
links: {f: {layers: [dropout: 0.5, linear]}, g: {layers: [dropout: 0.5, linear]}}
objective: mle
"""
LET = "p: {let: sigmoid(f(x)), shape: []}"
SUM = "w: {let: softplus(f(x)), shape: [2]}"


def codes(probs="[0.5, 0.5]", rate="softplus(g(x))", let="", *, dropout=True):
    text = SPEC.replace("PROBS", probs).replace("RATE", rate).replace("LET", let)
    text = text if dropout else text.replace("dropout: 0.5, ", "")
    found = front(Source("a.yaml", text)).diagnostics
    return {each.code for each in found if each.code.startswith("E")}


@pytest.mark.parametrize(
    ("probs", "let"),
    [
        ("[p, 1 - p]", LET),
        ("[p, 1 - q]", LET + "\n  q: {let: sigmoid(f(x)), shape: []}"),
        ("w / sum(w)", SUM),
    ],
    ids=["one value", "two values", "quotient"],
)
def test_two_calls_with_dropout_are_two_values(probs, let):
    assert codes(probs, let=let, dropout=False) == set()
    assert ("E0302" in codes(probs, let=let)) == ("q" in probs)


@pytest.mark.parametrize("rate", ["g(x) * g(x)", "g(x)  *  g( x )"])
def test_a_square_of_two_calls(rate):
    assert codes(rate=rate, dropout=False) == set()
    assert "E0302" in codes(rate=rate)
    assert codes(rate="g(x) ** 2") == set()


@pytest.mark.parametrize(
    ("mean", "holds"),
    [
        ("w * p + (1 - w) * q", True),
        ("p * w + q * (1 - w)", True),
        ("0.2 * p + 0.5 * q + 0.3 * w", True),
        ("w * p + (0.9 - w) * q", False),
        ("w * p + w * q", False),
        ("2 * p + (1 - 2) * q", False),
        ("w * p + (1 - w) * 2 * q", False),
    ],
)
def test_a_mean_of_probabilities_is_one(mean, holds):
    """Weights are not negative and sum to one."""
    let = "\n  ".join(f"{name}: {{parameter: unit_interval}}" for name in "wpq")
    assert ("E0302" not in codes(f"[{mean}, 1 - ({mean})]", let=let)) == holds
