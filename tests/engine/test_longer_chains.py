"""More draws of a finished run, for every sampler: those of a run that had them from the start.

`specc diff` says what `--resume` does.
"""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.catalog.registry import SAMPLERS
from specc.engine.train import train
from specc.runtime.failure import RunFailure
from tests.engine.test_samplers import REGRESSION, options, regression_rows
from tests.engine.test_written_players import made


def text(name, **more):
    """The regression under a sampler; chains by minibatches take 10 of its rows at a time."""
    own = {"chains": 2, "warmup": 10, "draws": 12, **more}
    settings = "compile: 'off', threads: 1"
    if SAMPLERS[name].minibatches:
        own["step_size"], settings = 0.001, f"{settings}, batch_size: 10"
    if "trajectory_length" in SAMPLERS[name].Options.model_fields:
        own["trajectory_length"] = 0.3
    listed = ", ".join(f"{key}: {value}" for key, value in own.items())
    return f"{REGRESSION}sampler: {{{name}: {{{listed}}}}}\ntrain: {{{settings}}}\n"


def written(run):
    """The bytes of all draws and of their statistics, which may be no numbers."""
    files = (run / "draws" / f"{name}.npy" for name in ("positions", "statistics"))
    return [np.load(file).tobytes() for file in files]


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_makes_more_draws_bit_for_bit(name, tmp_path):
    regression_rows(tmp_path)
    resume = options(tmp_path, resume=True)
    texts = {
        "less": text(name),
        "more": text(name, draws=20),
        "other": text(name, draws=20, chains=3),
    }
    less, more, other = (made(tmp_path / key, own) for key, own in texts.items())
    train(more, tmp_path / "whole", options(tmp_path))
    train(less, tmp_path / "run", options(tmp_path))
    assert written(tmp_path / "run") != written(tmp_path / "whole")
    train(more, tmp_path / "run", resume)
    assert written(tmp_path / "run") == written(tmp_path / "whole")
    with pytest.raises(RunFailure, match="has 20 draws, more than 12") as failure:
        train(less, tmp_path / "run", resume)
    assert failure.value.code == "E0801"
    with pytest.raises(RunFailure, match=r"sampler\.options\.chains differs"):
        train(other, tmp_path / "run", resume)
    for key, own in texts.items():
        (tmp_path / f"{key}.yaml").write_text(own)
    less, more, other = (specc.load(tmp_path / f"{key}.yaml") for key in texts)
    assert specc.diff(less, more).words == "checkpoint resumes"
    found = specc.diff(more, less)
    assert (found.words, found.verdict) == ("no run resumes: sampler.draws differs", "breaks")
    assert specc.diff(more, other).words == "no run resumes: sampler.options.chains differs"
