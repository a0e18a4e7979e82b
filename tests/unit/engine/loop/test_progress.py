from __future__ import annotations

from specc.engine.loop.progress import (
    LINE_EVERY,
    NoProgress,
    ProgressBar,
    ResilientProgress,
    progress_bar,
)


def line(epoch, loss):
    parts = {"loss": loss, "elbo": -loss, "KL": 1.5}
    return {"epoch": epoch, "step": 10 * epoch, "loss": loss, "parts": parts}


def test_lines_where_there_is_no_terminal(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with ProgressBar("vae", 4, 40) as shown:
        for epoch in range(1, 5):
            shown.step(10 * epoch)
            shown.epoch(line(epoch, 10.0 / epoch))
            now[0] += LINE_EVERY / 3
    said = capsys.readouterr()
    assert said.out == ""
    assert "epoch 1/4  loss 10.000  KL 1.500\n" in said.err  # the elbo is the loss once more
    assert "epoch 2/4  loss" not in said.err
    assert "epoch 4/4  loss 2.500  KL 1.500\n" in said.err


def test_quiet_says_nothing(capsys):
    with NoProgress() as quiet, progress_bar("test", quiet=True) as advance:
        quiet.step(1)
        quiet.epoch(line(1, 1.0))
        advance(0.5)
    assert capsys.readouterr() == ("", "")


def test_measuring_shows_its_share(capsys):
    with progress_bar("test: iwae") as advance:
        advance(0.25)
        advance(1.0)
    assert capsys.readouterr().out == ""


class Closed:
    """A terminal that is gone."""

    def __enter__(self):
        raise BrokenPipeError

    __exit__ = step = epoch = lambda self, *values: self.__enter__()


def test_a_run_outlives_its_terminal():
    with ResilientProgress(Closed()) as kept:
        kept.step(1)
        kept.epoch(line(1, 1.0))
    assert isinstance(kept.shown, NoProgress)


def test_the_parts_and_the_memory_stand_below_the_bar(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with ProgressBar("vae", 2, 20) as shown:
        shown.epoch({**line(1, 3.0), "memory": 412e6})
        assert shown._parts == "loss 3.000  KL 1.500  412 MB"
    assert "loss 3.000  KL 1.500  412 MB" in capsys.readouterr().err


def test_numbers_that_are_not_finite(capsys):
    with ProgressBar("vae", 1, 10) as shown:
        shown.epoch({"epoch": 1, "step": 10, "loss": float("nan"), "parts": {"elbo": None}})
    assert "elbo not finite" in capsys.readouterr().err


def test_the_index_of_a_step_is_no_markup(capsys):
    name = "KL(q(z | z[t-1], x) || p(z | z[t-1]))"
    with ProgressBar("vae", 1, 10) as shown:
        shown.epoch({"epoch": 1, "step": 10, "loss": 1.0, "parts": {name: 1.5}})
    assert f"{name} 1.500\n" in capsys.readouterr().err
