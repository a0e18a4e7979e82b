"""The non-centred form that `explain` offers."""

from __future__ import annotations

import pytest

from specc.codegen.explain import explain
from specc.compiler import compile
from specc.diagnostics.source import Source

SPEC = """\
specc: 1
name: schools
data: {{source: csv, path: x.csv, fields: {{y: {{from: y}}, k: {{from: k}}}}}}
plates: {{schools: 8}}
model:
  k: {{given: k, plate_index: schools}}
  mu: {{latent: normal, loc: 0, scale: 5, global: true}}
  tau: {{latent: half_cauchy, scale: 5, global: true}}
  spread: {{let: "2 * tau"}}
  {node}
  y: {{observed: normal, loc: "theta[k]", scale: 1}}
{rest}
"""
NUTS = "sampler: nuts"
GUIDE = """\
guide:
  mu: {latent: normal, loc: 0, scale: 1, global: true}
  tau: {latent: log_normal, loc: 0, scale: 1, global: true}
  a: {parameter: real, plate: schools}
  theta: {latent: normal, loc: a, scale: 1, plate: schools}
objective: elbo"""


def explained(node: str, rest: str = NUTS) -> str:
    result, checked = compile(Source("model.yaml", SPEC.format(node=node, rest=rest)))
    assert result is not None, checked.diagnostics
    return explain(result.plan)


def offered(node: str, rest: str = NUTS) -> list[str]:
    """The lines after the head, without their indent."""
    _, found, after = explained(node, rest).partition("non-centred form of theta")
    return [line.strip() for line in after.split("\n")[1:3]] if found else []


CASES = [
    (
        "theta: {latent: normal, loc: mu, scale: tau, plate: schools}",
        "theta_raw: {latent: normal, loc: 0, scale: 1, plate: schools}",
        "theta: {let: mu + tau * theta_raw, plate: schools}",
    ),
    (
        "theta: {latent: student_t, df: 4, loc: 0, scale: spread, plate: schools}",
        "theta_raw: {latent: student_t, df: 4, loc: 0, scale: 1, plate: schools}",
        "theta: {let: spread * theta_raw, plate: schools}",
    ),
    (
        "theta: {latent: normal, loc: 2 * mu, scale: 1, shape: [8], global: true}",
        "theta_raw: {latent: normal, loc: 0, scale: 1, shape: [8], global: true}",
        "theta: {let: 2 * mu + theta_raw}",
    ),
    (
        'theta: {latent: normal, loc: "concat(mu, mu)[1]", scale: tau + 1, plate: schools}',
        "theta_raw: {latent: normal, loc: 0, scale: 1, plate: schools}",
        'theta: {let: "concat(mu, mu)[1] + (tau + 1) * theta_raw", plate: schools}',
    ),
]


@pytest.mark.parametrize(("node", "raw", "shifted"), CASES)
def test_the_form_compiles(node: str, raw: str, shifted: str) -> None:
    assert offered(node) == [raw, shifted]
    again = explained(f"{raw}\n  {shifted}")
    assert "non-centred" not in again


def test_a_guide_is_offered_it_too() -> None:
    assert offered(CASES[0][0], GUIDE) == list(CASES[0][1:])


@pytest.mark.parametrize(
    "node",
    [
        "theta: {latent: normal, loc: 1, scale: 2, plate: schools}",
        "theta: {latent: gamma, concentration: tau, rate: 1, plate: schools}",
    ],
)
def test_nothing_is_offered_otherwise(node: str) -> None:
    assert not offered(node)
