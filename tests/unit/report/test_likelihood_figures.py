"""Likelihood metrics as text: the sign, the method, and log Z with what it is."""

import pytest

from specc.report.likelihood_figures import how_of, normalizer_in_words, relation_of

WAY = {"value": 451.284, "standard_error": 0.0514, "effective_sample_size": 61.3}
LOG_Z = {
    "kind": "bracket on average",
    "statement": "log Z is an estimate",
    "value": 451.284,
    "chains": 100,
    "temperatures": 10_000,
    "forward": WAY,
    "backward": {**WAY, "standard_error": None},
}
EXACT = {"estimator": "exact", "of": "log p(v)"}
BOUND = {"estimator": "iwae", "of": "log p(v)", "particles": 1000}
ANNEALED = {"estimator": "ais", "of": "log p(v)", "log_z": LOG_Z, "statement": "an estimate: so"}
SUMMED = {**EXACT, "log_z": {"kind": "exact", "statement": "log Z is exact", "value": 2.5}}


@pytest.mark.parametrize(
    "summary, sign, how",
    [
        (EXACT, "=", "exact"),
        (SUMMED, "=", "exact"),
        (BOUND, ">=", "iwae, 1000 particles"),
        (ANNEALED, "~", "ais, 100 chains, 10,000 temperatures"),
    ],
)
def test_the_sign_and_the_method(summary, sign, how):
    assert (relation_of(summary), how_of(summary)) == (sign, how)


def test_log_z_in_words():
    assert list(normalizer_in_words(BOUND)) == []
    assert list(normalizer_in_words(SUMMED)) == ["log Z 2.500", "log Z is exact"]
    lines = list(normalizer_in_words(ANNEALED))
    assert lines[0] == ("log Z 451.284 +- 0.051, forward, effective sample size 61.3 of 100 chains")
    assert "backward" in lines[1] and "no error" in lines[1]
    assert lines[2:] == ["log Z is an estimate", "log p(v) is an estimate: so"]
    by_row = {**ANNEALED, "log_z": {**LOG_Z, "given_values": 7}}
    expected = "mean of log Z 451.284 +- 0.051, forward, at least 61.3 of 100 chains effective"
    assert next(normalizer_in_words(by_row)) == expected
