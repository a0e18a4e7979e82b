"""Positive definite matrices, by the form of an expression, and functions that need them."""

import numpy as np
import pytest

from specc.catalog.supports import (
    CHOLESKY,
    POSITIVE,
    POSITIVE_DEFINITE,
    POSITIVE_DIAGONAL,
    POSITIVE_SEMIDEFINITE,
    REAL,
    contains,
)
from specc.compiler import front
from specc.diagnostics.source import Source

DEFINITE, SEMI, DIAGONAL = POSITIVE_DEFINITE, POSITIVE_SEMIDEFINITE, POSITIVE_DIAGONAL
HEAD = """specc: 1
name: small
constants: {S: [[2, 1], [1, 2]], W: [[1, 2], [2, 1]]}
data: {source: npz, path: a.npz, fields: {x: {from: x, shape: [3, 2]}, y: {from: y, shape: [2]}}}
model:
  x: {given: x}
  r: {parameter: real}
  a: {parameter: positive}
  v: {parameter: positive, shape: [3]}
  L: {parameter: cholesky, shape: [3, 3]}
  C: {parameter: corr_cholesky, shape: [3, 3]}
  P: {parameter: positive_definite, shape: [3, 3]}
  Q: {parameter: positive_definite, shape: [1, 1]}
  R: {parameter: cholesky, shape: [1, 1]}
  B: {parameter: real, shape: [3, 2]}
  K: {let: "rbf(x, x, a)"}
"""


def checked(nodes):
    return front(Source("model.yaml", f"{HEAD}  {nodes}\nobjective: mle\n"))


def errors(found):
    return [d.code for d in found.diagnostics if d.code.startswith("E")]


def support(expression):
    found = checked(f'e: {{let: "{expression}"}}\n  y: {{observed: normal, loc: r, scale: 1}}')
    assert not errors(found), found.diagnostics
    return found.typed.type("model", "e").support


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("K", SEMI),
        ("rbf(x, x, a) * matern32(x, x, 2)", SEMI),
        ("rbf(x, x, a) + periodic(x, x, a, 3)", SEMI),
        ("a * K", SEMI),
        ("K * a ** 2 + a * eye(3)", DEFINITE),
        ("K + diag(v)", DEFINITE),
        ("K + 1", SEMI),
        ("K + Q", SEMI),
        ("Q + K", SEMI),
        ("P + Q", DEFINITE),
        ("Q + Q", DEFINITE),
        ("L + R", REAL),
        ("R + R", CHOLESKY),
        ("Q * K + 2 * K", SEMI),
        ("r ** 2 * K + P", DEFINITE),
        ("K ** 2", SEMI),
        ("P * P", DEFINITE),
        ("P / a", DEFINITE),
        ("rbf(x, B, a)", None),
        ("r * P", None),
        ("v * P", None),
        ("P - K", None),
        ("K + r", None),
        ("K - eye(3)", None),
        ("B @ transpose(B)", SEMI),
        ("transpose(B) @ B", SEMI),
        ("L @ transpose(L)", DEFINITE),
        ("diag(v) @ C @ transpose(C)", None),
        ("(diag(v) @ C) @ transpose(diag(v) @ C)", DEFINITE),
        ("transpose(B) @ P @ B", SEMI),
        ("L @ P @ transpose(L)", DEFINITE),
        ("L @ P @ L", None),
        ("outer(v, v)", SEMI),
        ("transpose(P)", DEFINITE),
        ("diag(v)", DIAGONAL),
        ("diag(v) @ C", CHOLESKY),
        ("cholesky(P)", CHOLESKY),
        ("diagonal(P)", POSITIVE),
        ("solve(P, v)", REAL),
    ],
)
def test_matrices_calculate(expression, expected):
    found = support(expression)
    if expected is None:
        assert not contains(SEMI, found) and not contains(CHOLESKY, found)
    else:
        assert found == expected


NODE = "y: {observed: multivariate_normal, loc: r, %s: %s, shape: [2]}"


@pytest.mark.parametrize(
    ("key", "value", "codes"),
    [
        ("covariance_matrix", "S", []),
        ("covariance_matrix", "W", ["E0356"]),
        ("precision_matrix", "W", ["E0356"]),
        ("covariance_matrix", '"[[1, 0.5], [0.4, 1]]"', ["E0356"]),
        ("covariance_matrix", "2", ["E0356"]),
        ("covariance_matrix", '"transpose(B) @ B"', ["E0302"]),
        ("covariance_matrix", '"transpose(B) @ B + a * eye(2)"', []),
        ("covariance_matrix", '"transpose(B) @ B + r * eye(2)"', ["E0302"]),
        ("precision_matrix", '"transpose(B) @ P @ B + eye(2)"', []),
    ],
)
def test_a_covariance_is_positive_definite(key, value, codes):
    assert errors(checked(NODE % (key, value))) == codes


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("logdet(K)", ["E0355"]),
        ("logdet(K + eye(3))", []),
        ("sum(cholesky(B @ transpose(B)))", ["E0355"]),
        ("sum(solve_triangular(P, v))", ["E0355"]),
        ("sum(rbf(x, x, r))", ["E0355"]),
        ("sum(periodic(x, x, 1, -2))", ["E0355"]),
    ],
)
def test_functions_need_arguments_in_a_support(expression, codes):
    node = f'e: {{let: "{expression}"}}\n  y: {{observed: normal, loc: e, scale: 1}}'
    assert errors(checked(node)) == codes


def test_a_matrix_of_data_is_assumed_to_be_positive_definite(tmp_path):
    text = """specc: 1
name: small
data: {source: npz, path: a.npz, fields: {S: {from: S, shape: [2, 2]}, y: {from: y, shape: [2]}}}
model:
  S: {given: S}
  m: {parameter: real, shape: [2]}
  y: {observed: multivariate_normal, loc: m, covariance_matrix: S}
objective: mle
"""
    found = front(Source("model.yaml", text))
    assert not errors(found)
    assert found.typed.type("model", "S").support == DEFINITE


@pytest.mark.parametrize("seed", range(3))
def test_the_rules_hold_for_random_matrices(seed):
    """Schur products, sums with constants and congruences have no negative eigenvalue."""
    rng = np.random.default_rng(seed)
    x, wide = rng.normal(size=(2, 4, 3))
    k, m = x @ x.T, wide @ wide.T
    for found in (k * m, k**2, k + 1.5, wide.T @ k @ wide):
        assert np.linalg.eigvalsh(found).min() > -1e-9
