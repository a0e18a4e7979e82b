"""`threads: auto` times the step with each number of threads, and changes nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from specc.engine import device
from specc.engine.step import thread_choice
from specc.engine.storage import run_folder
from specc.engine.train import Options, train
from tests.engine.test_train import RESUME, weights_hash
from tests.programs import making

TWO = Options(quiet=True, threads=2)


def fake(monkeypatch, fastest):
    """A clock by which `fastest` threads are the fastest of four, and what it was asked."""
    asked = []

    def seconds(step):
        asked.append(torch.get_num_threads())
        step(0, 0, torch.arange(70))
        return 1.0 if torch.get_num_threads() == fastest else 2.0

    monkeypatch.setattr(device, "available_threads", lambda: 4)
    monkeypatch.setattr(thread_choice, "seconds", seconds)
    return asked


def test_the_fastest_number_of_threads_is_used_and_recorded(tmp_path, monkeypatch):
    asked, said = fake(monkeypatch, 2), []
    code = making.copy("shallow", tmp_path, epochs=2, threads="auto")
    options = Options(quiet=True, say=said.append)
    train(code, tmp_path / "run", options)
    facts, _ = run_folder.facts_of(tmp_path / "run")
    assert asked == [1, 2, 4]
    assert (facts["threads"], facts["auto_threads"]) == (2, False)
    assert said == ["2 threads: 1e+03 ms a step, against 2e+03 ms by 1, 2e+03 ms by 4"]
    train(making.copy("shallow", tmp_path / "two", epochs=2), tmp_path / "same", TWO)
    assert weights_hash(tmp_path / "run") == weights_hash(tmp_path / "same")


def test_a_resumed_run_keeps_its_number_and_times_nothing(tmp_path, monkeypatch):
    asked = fake(monkeypatch, 2)
    code = making.copy("shallow", tmp_path, epochs=1, threads="auto")
    train(code, tmp_path / "run", Options(quiet=True))
    del asked[:]
    longer = making.copy("shallow", tmp_path / "longer", epochs=2, threads="auto")
    train(longer, tmp_path / "run", RESUME)
    train(making.copy("shallow", tmp_path / "two", epochs=2), tmp_path / "same", TWO)
    assert asked == []
    assert weights_hash(tmp_path / "run") == weights_hash(tmp_path / "same")


def test_a_number_on_the_command_line_times_nothing(tmp_path, monkeypatch):
    asked = fake(monkeypatch, 2)
    train(making.copy("shallow", tmp_path, epochs=1, threads="auto"), tmp_path / "run", TWO)
    assert asked == []
    assert "auto_threads" not in run_folder.facts_of(tmp_path / "run")[0]


def test_a_number_on_the_command_line_of_a_resumed_run_times_nothing(tmp_path, monkeypatch):
    """The run was stopped before its number was chosen."""
    asked = fake(monkeypatch, 4)
    train(making.copy("shallow", tmp_path, epochs=1, threads="auto"), tmp_path / "run", TWO)
    run_folder.add_facts(tmp_path / "run", auto_threads=True)
    longer = making.copy("shallow", tmp_path / "longer", epochs=2, threads="auto")
    train(longer, tmp_path / "run", replace(TWO, resume=True))
    assert asked == []
    facts, _ = run_folder.facts_of(tmp_path / "run")
    assert (facts["threads"], facts["auto_threads"]) == (2, False)


@pytest.mark.parametrize(
    ("times", "chosen"),
    [({1: 2.0, 2: 1.0, 4: 0.99}, 2), ({1: 1.0, 2: 0.99}, 1), ({1: 3.0, 2: 2.0, 3: 1.0}, 3)],
)
def test_more_threads_have_to_save_three_percent(times, chosen):
    assert thread_choice.fastest(times) == chosen


def test_the_numbers_that_are_tried():
    tried = {n: thread_choice.candidates(n) for n in (1, 2, 3, 4, 6, 16)}
    assert tried == {1: (1,), 2: (1, 2), 3: (1, 2, 3), 4: (1, 2, 4), 6: (1, 2, 4, 6)} | {
        16: (1, 2, 4, 8, 16)
    }
