from __future__ import annotations

from specc.engine.loop.progress import (
    LINE_EVERY,
    NoProgress,
    ProgressBar,
    ResilientProgress,
    Steps,
    progress_bar,
    progress_of,
)


def line(epoch, loss):
    parts = {"loss": loss, "elbo": -loss, "KL": 1.5}
    return {"epoch": epoch, "step": 10 * epoch, "loss": loss, "parts": parts}


def test_lines_where_there_is_no_terminal(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with progress_of("vae", 4, 40) as shown:
        for epoch in range(1, 5):
            now[0] += LINE_EVERY / 4
            shown.step(10 * epoch)
            shown.epoch(line(epoch, 10.0 / epoch))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (  # the elbo is the loss once more
        "epoch 1/4  loss 10.000  KL 1.500  0:00:02, left 0:00:08\n"
        "epoch 4/4  loss 2.500  KL 1.500  0:00:10, left 0:00:00\n"
    )


def test_a_line_is_whole_however_long_and_has_the_speed_of_its_own_steps(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with progress_of("vae", 100, 1000, 900, "stage 2 of 2, second") as shown:  # resumed
        now[0] += 3700.0
        parts = {f"term {number}": float(number) for number in range(20)}
        shown.epoch({"epoch": 95, "step": 950, "loss": 1.0, "parts": parts, "memory": 412e6})
    (only,) = capsys.readouterr().err.splitlines()
    assert only.startswith("stage 2 of 2, second: epoch 95/100  term 0 0.000  term 1 1.000  ")
    assert only.endswith("  term 19 19.000  412 MB  1:01:40, left 1:01:40")


def test_the_time_left_is_not_known_before_the_first_step():
    assert Steps(10, 10).left(10) == Steps(10).left(0) == float("inf")


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
    assert capsys.readouterr() == ("", "")


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
    with progress_of("vae", 2, 20) as shown:
        assert isinstance(shown, ProgressBar)
        shown.epoch({**line(1, 3.0), "memory": 412e6})
        assert shown._parts == "loss 3.000  KL 1.500  412 MB"
    assert "loss 3.000  KL 1.500  412 MB" in capsys.readouterr().err


def test_numbers_that_are_not_finite(capsys):
    with progress_of("vae", 1, 10) as shown:
        shown.epoch({"epoch": 1, "step": 10, "loss": float("nan"), "parts": {"elbo": None}})
    assert "elbo not finite" in capsys.readouterr().err


def test_the_index_of_a_step_is_no_markup(capsys):
    name = "KL(q(z | z[t-1], x) || p(z | z[t-1]))"
    with progress_of("vae", 1, 10) as shown:
        shown.epoch({"epoch": 1, "step": 10, "loss": 1.0, "parts": {name: 1.5}})
    assert f"{name} 1.500  0:00" in capsys.readouterr().err
