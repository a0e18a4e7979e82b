"""Every stage of the compiler, printed, for specs that use different parts of the language."""

from pathlib import Path

import pytest

from specc.cli.compile import STAGES as NAMES
from specc.compiler import front
from specc.diagnostics.source import Source
from specc.stages import STAGES

FOLDER = Path(__file__).parent / "stages"
SPECS = Path(__file__).parents[2] / "specs"
CASES = ("vae", "sbn", "gaussian_mixture", "logistic_regression", "unigram", "ratings")
# The files themselves are compared by the test that finds drift in generated/.
PRINTED = tuple(stage for stage in STAGES if stage != "files")


def text_of(case):
    own = FOLDER / case / "spec.yaml"
    path = own if own.exists() else SPECS / f"{case}.yaml"
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("stage", PRINTED)
@pytest.mark.parametrize("case", CASES)
def test_the_stage_prints_as_written(case, stage, request):
    checked = front(Source(f"{case}.yaml", text_of(case)))
    assert checked.ok, checked.diagnostics
    printed = STAGES[stage](checked)
    path = FOLDER / case / f"{stage}.txt"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(printed, encoding="utf-8")
    assert printed == path.read_text(encoding="utf-8")


def test_the_command_offers_every_stage():
    assert tuple(STAGES) == NAMES


def test_a_stage_behind_an_error_is_not_printed():
    broken = text_of("vae").replace("decoder(z)", "decode(z)")
    checked = front(Source("vae.yaml", broken))
    reached = [stage for stage in STAGES if STAGES[stage](checked) is not None]
    assert reached == ["located", "spec", "graph"]
