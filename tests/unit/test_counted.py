"""Numbers of things in words."""

from __future__ import annotations

import pytest

from specc.cli import impute
from specc.cli.run_summary import lines
from specc.compiler import front
from specc.counted import counted, noun, size_of
from specc.diagnostics.source import Source
from specc.evaluate.scoring import Request


def test_one_is_singular():
    assert [counted(n, "row") for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
    assert noun(1, "epoch") == "epoch" and noun(2, "epoch") == "epochs"


@pytest.mark.parametrize(
    ("count", "words"), [(3, "1 kB"), (96_830, "97 kB"), (1_234_567, "1.2 MB")]
)
def test_a_size_is_never_zero(count, words):
    assert size_of(count) == words


def test_a_request_of_one():
    assert Request(particles=1).counted() == "1 particle"
    one = Request(estimator="ais", chains=1, temperatures=1)
    assert one.counted() == "1 chain, 1 temperature"
    assert Request(particles=1000).counted() == "1000 particles"


SPEC = """\
specc: 1
name: lines
data: {source: digits, fields: {x: {from: image}}}
model:
  m: {parameter: real, shape: []}
  x: {observed: normal, loc: m, scale: 1}
objective: mle
"""


@pytest.mark.parametrize(
    ("train", "words"),
    [("epochs: 1", "1 epoch,"), ("steps: 1", "1 step,"), ("epochs: 2", "2 epochs,")],
)
def test_the_summary_of_a_run(train, words):
    plan = front(Source("spec.yaml", f"{SPEC}train: {{{train}}}\n")).plan
    found = lines(plan)
    assert found[0] == "model:    lines, 1 parameter"
    assert found[2].startswith(f"training: {words}")


STAGES = """\
  stages:
    - {name: first, minimize: -log_prob(model.x), epochs: FIRST}
    - {name: second, minimize: -log_prob(model.x), epochs: SECOND}
"""


@pytest.mark.parametrize(("first", "second"), [(1, 5), (5, 1), (1, 1)])
def test_stages_of_one_epoch_and_more(first, second):
    stages = STAGES.replace("FIRST", str(first)).replace("SECOND", str(second))
    plan = front(Source("spec.yaml", SPEC.replace(" mle\n", f"\n{stages}"))).plan
    assert f"{first} + {second} epochs in 2 stages" in lines(plan)[2]


def test_what_imputation_found():
    found = {"rows": 359, "missing": 0.0}
    assert impute._line("x", found) == "x: nothing was missing in 359 rows"
    found |= {"missing": 0.25, "effective": 1600.4}
    words = "x: 25 % of 359 rows were missing, filled by 1,600 effective draws"
    assert impute._line("x", found) == words
