"""What TensorBoard reads is what metrics.jsonl says."""

from __future__ import annotations

import sys

import pytest

from specc.engine.loop.tensorboard import FOLDER, TensorBoardLogger, writer
from specc.runtime.failure import RunFailure


def line(epoch, loss, valid=None):
    found = {"epoch": epoch, "step": 10 * epoch, "lr": 0.1, "parts": {"loss": loss, "KL(z)": 1.0}}
    return found if valid is None else {**found, "valid": {"loss": valid}}


def scalars(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(run / FOLDER))
    found.Reload()
    return {
        name: [(e.step, pytest.approx(e.value)) for e in found.Scalars(name)]
        for name in found.Tags()["scalars"]
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_number_of_a_line(tmp_path):
    board = TensorBoardLogger(tmp_path, [line(1, 5.0)])
    board.line(line(2, 4.0, valid=6.0))
    board.line(line(3, None))
    found = scalars(tmp_path)
    assert found["train/loss"] == [(10, 5.0), (20, 4.0)]
    assert found["train/KL(z)"] == [(10, 1.0), (20, 1.0), (30, 1.0)]
    assert found["valid/loss"] == [(20, 6.0)]
    assert len(found["learning rate"]) == 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_resumed_run_writes_anew(tmp_path):
    TensorBoardLogger(tmp_path, [line(1, 5.0), line(2, 9.0)])
    TensorBoardLogger(tmp_path, [line(1, 5.0)]).line(line(2, 4.0))
    assert scalars(tmp_path)["train/loss"] == [(10, 5.0), (20, 4.0)]


def test_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(RunFailure) as failure:
        writer()
    assert failure.value.code == "E0817"
    assert "pip install" in failure.value.hint
