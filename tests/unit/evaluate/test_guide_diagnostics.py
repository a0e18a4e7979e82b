"""Discrete latents of a guide: probabilities of values, against those of the guide.

A fraction is accepted within 5 standard errors: a false alarm in 2 million.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

import specc
from specc.evaluate.guide_diagnostics import diagnose_guide
from specc.report.guide import guide_lines, guide_section

KINDS = """\
specc: 1
name: kinds
data: {source: csv, path: d.csv, fields: {x: {from: x}}}
model:
  k: {latent: categorical, probs: [0.2, 0.3, 0.5], global: true}
  b: {latent: bernoulli, probs: 0.5, shape: [2], global: true}
  mu: {latent: normal, loc: 0, scale: 1, global: true}
  x: {observed: normal, loc: "mu + k + b[0] - b[1]", scale: 1}
guide:
  logits: {parameter: real, shape: [3]}
  odds: {parameter: real, shape: [2]}
  place: {parameter: real}
  k: {latent: categorical, logits: logits, global: true, draw: score}
  b: {latent: bernoulli, logits: odds, shape: [2], global: true, draw: score}
  mu: {latent: normal, loc: place, scale: 0.5, global: true}
objective: elbo
train: {epochs: 1, batch_size: 6}
"""
WITHOUT_MU = "\n".join(
    line for line in KINDS.replace("mu + k", "k").splitlines() if "mu:" not in line
)
K, B = (0.1, 0.7, 0.2), (0.9, 0.25)
DRAWS = 4000


def diagnosed(folder, text):
    (folder / "d.csv").write_text("x\n0.5\n1.5\n-0.2\n0.9\n2.0\n0.1\n")
    (folder / "kinds.yaml").write_text(text)
    loaded = specc.load(folder / "kinds.yaml").train(folder / "run", threads=1).loaded
    with torch.no_grad():
        loaded.program.guide.logits.copy_(torch.tensor(K).log())
        loaded.program.guide.odds.copy_(torch.tensor(B).logit())
    return diagnose_guide(loaded, DRAWS)


@pytest.mark.parametrize("text", [KINDS, WITHOUT_MU], ids=["beside_a_number", "alone"])
def test_values_have_the_probabilities_of_the_guide(tmp_path, text):
    found = diagnosed(tmp_path, text)
    assert [row.name for row in found.rows] == (["mu"] if text is KINDS else [])
    far = replace(found.weights, pareto_k=2.0).warnings()
    advice = (
        "`sampler: nuts`" if text is KINDS else "probabilities are usually too close to 0 and 1"
    )
    assert advice in "".join(far)  # chains do not draw classes
    wanted = {"k": K, "b[0]": (1 - B[0], B[0]), "b[1]": (1 - B[1], B[1])}
    assert list(found.values) == list(wanted)
    for name, probs in wanted.items():
        seen = np.array([found.values[name][str(value)] for value in range(len(probs))])
        error = np.sqrt(np.array(probs) * (1 - np.array(probs)) / DRAWS)
        assert (abs(seen - probs) < 5 * error).all()
        assert (abs(seen - seen[::-1]) > 10 * error).any()  # another order is not accepted
        assert sum(found.values[name].values()) == pytest.approx(1)
    figures = found.as_json()
    lines = list(guide_lines(figures, 30))
    assert any(line.startswith("k under the guide: 1 (0.") for line in lines)
    assert not any(line.split()[0] == "k" and "guide" not in line for line in lines)
    assert sum("under the guide" in line for line in guide_lines(figures, 2)) == 2
    html = guide_section(figures, "")
    assert "<p>k under the guide: 1 (0." in html and ("<table" in html) == (text is KINDS)
