"""Progress of training: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

REDRAW = 0.1
LINE_EVERY = 10.0
OF_CHAINS = ("divergences", "r_hat")
"""Metrics of all draws so far, which are shown beside the means over an epoch."""


class Progress(Protocol):
    """A display of the progress of a run."""

    def __enter__(self) -> Self:
        """Starts the display."""

    def __exit__(self, *error: object) -> None:
        """Ends the display and restores the terminal."""

    def step(self, done: int) -> None:
        """Shows that `done` steps are finished since the start of the run."""

    def epoch(self, line: dict[str, Any]) -> None:
        """Shows the metrics of an epoch that ended."""


class NoProgress:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def step(self, done: int) -> None:
        """Does nothing."""

    def epoch(self, line: dict[str, Any]) -> None:
        """Does nothing."""


@contextmanager
def progress_bar(name: str, quiet: bool = False) -> Iterator[Callable[[float], None]]:
    """A bar for one computation, with a function that takes the fraction of the work done.

    Without a terminal nothing is shown.
    """
    if quiet:
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:  # a bar that is not redrawn would leave an empty line
        yield lambda share: None
        return
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), TaskProgressColumn())
    left = (TextColumn("left"), TimeRemainingColumn())
    with Bar(*columns, *left, console=console, transient=True) as bar:
        task = bar.add_task(name, total=1.0)
        yield lambda share: bar.update(task, completed=share)


class ResilientProgress:
    """A progress that stops its output when its terminal closes, so that the run continues."""

    def __init__(self, shown: Progress) -> None:
        self.shown: Progress = shown

    def __enter__(self) -> Self:
        with self._surviving():
            self.shown.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        with self._surviving():
            self.shown.__exit__(*error)

    def step(self, done: int) -> None:
        """Shows the step in the wrapped progress."""
        with self._surviving():
            self.shown.step(done)

    def epoch(self, line: dict[str, Any]) -> None:
        """Shows the epoch in the wrapped progress."""
        with self._surviving():
            self.shown.epoch(line)

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self.shown = NoProgress()


def progress_of(name: str, epochs: int, steps: int, done: int = 0, stage: str = "") -> Progress:
    """The display of a run with this name, which starts after `done` of its `steps`.

    `stage` is the stage of the run in words, `stage 2 of 3, second`, if there are several.
    """
    from rich.console import Console

    console = Console(stderr=True)
    prefix = f"{stage}: " if stage else ""
    if console.is_terminal:
        return ProgressBar(console, name, epochs, Steps(steps, done), prefix)
    return ProgressLines(epochs, Steps(steps, done), prefix)


@dataclass(slots=True)
class Steps:
    """The steps of a run, of which `done` had been made at the start of the display."""

    total: int
    done: int = 0
    start: float = 0.0

    def begin(self) -> None:
        """Starts the clock."""
        self.start = time.monotonic()

    def seconds(self) -> float:
        """The time since the start of the display."""
        return time.monotonic() - self.start

    def speed(self, done: int) -> float:
        """The steps per second since the start of the display."""
        return (done - self.done) / max(self.seconds(), 1e-9)

    def left(self, done: int) -> float:
        """The seconds that the rest takes at this speed; infinite before the first step."""
        rest, speed = self.total - done, self.speed(done)
        return rest / speed if speed > 0 else math.inf


class ProgressLines:
    """A line for an epoch every 10 seconds, and for the first and the last one, on stderr."""

    def __init__(self, epochs: int, steps: Steps, stage: str = "") -> None:
        self.epochs, self.steps, self.stage = epochs, steps, stage
        self._printed = -math.inf

    def __enter__(self) -> Self:
        self.steps.begin()
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def step(self, done: int) -> None:
        """Does nothing."""

    def epoch(self, line: dict[str, Any]) -> None:
        """Prints the metrics of an epoch, the time so far and the time left."""
        now = self.steps.seconds()
        is_last = line["epoch"] == self.epochs
        if not is_last and now - self._printed <= LINE_EVERY:
            return
        self._printed = now
        where = f"{self.stage}epoch {line['epoch']}/{self.epochs}"
        times = f"{_clock(now)}, left {_clock(self.steps.left(line['step']))}"
        sys.stderr.write(f"{where}  {_metrics(line)}  {times}\n")
        sys.stderr.flush()


class ProgressBar:
    """A bar with the epoch, the loss, steps per second and the time left, by rich."""

    def __init__(
        self, console: Console, name: str, epochs: int, steps: Steps, stage: str = ""
    ) -> None:
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
        from rich.text import Text

        self.epochs, self.steps = epochs, steps

        class WithParts(Bar):
            def get_renderables(bar) -> Iterator[RenderableType]:  # noqa: N805 - self is around it
                yield from super().get_renderables()
                if self._parts:
                    yield Text(f"  {self._parts}", style="dim", overflow="ellipsis", no_wrap=True)

        self._parts = ""
        self._bar = WithParts(
            TextColumn("[bold]{task.description}"),
            TextColumn(f"{stage}epoch " + "{task.fields[epoch]}/" + str(epochs)),
            BarColumn(),
            TextColumn("{task.fields[loss]}"),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._drawn = 0.0
        fields: dict[str, Any] = {
            "epoch": min(epochs, 1 + steps.done * epochs // max(steps.total, 1)),
            "loss": "",
            "speed": "",
        }
        self._task = self._bar.add_task(name, total=steps.total, completed=steps.done, **fields)

    def __enter__(self) -> Self:
        self.steps.begin()
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def step(self, done: int) -> None:
        """Redraws the bar, at most ten times a second."""
        now = time.monotonic()
        if now - self._drawn < REDRAW:
            return
        self._drawn = now
        speed = f"{self.steps.speed(done):,.0f} steps/s"
        self._bar.update(self._task, completed=done, speed=speed)

    def epoch(self, line: dict[str, Any]) -> None:
        """Shows the metrics of an epoch."""
        following = min(line["epoch"] + 1, self.epochs)
        self._bar.update(
            self._task, completed=line["step"], epoch=following, loss=f"loss {line['loss']:.2f}"
        )
        self._parts = _metrics(line)


def _metrics(line: Mapping[str, Any]) -> str:
    """`loss 1.580  KL 3.2  476 MB`: the metrics of an epoch, and its memory."""
    shown = {n: v for n, v in line["parts"].items() if not _is_minus(v, line["loss"])}
    parts = [f"{name} {_nats(value)}" for name, value in shown.items()]
    parts += [f"{name} {line[name]:.4g}" for name in OF_CHAINS if name in line]
    if "memory" in line:
        parts.append(f"{line['memory'] / 1e6:,.0f} MB")
    return "  ".join(parts)


def _clock(seconds: float) -> str:
    """`0:01:40`; `-:--:--` if the time is not known."""
    if not math.isfinite(seconds):
        return "-:--:--"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _is_minus(value: float | None, loss: float | None) -> bool:
    """Whether a metric is the negative of the loss, as a bound that is maximized is."""
    return value is not None and loss is not None and math.isclose(value, -loss, rel_tol=1e-5)


def _nats(value: float | None) -> str:
    """A metric; a small one, such as a step size, with three digits that are not 0."""
    if value is None:
        return "not finite"
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.01 else f"{value:.3g}"
