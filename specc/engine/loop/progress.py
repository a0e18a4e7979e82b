"""Progress of training: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, Self

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
    """A bar for one computation, with a function that takes the fraction of the work done."""
    if quiet:
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("[bold]{task.description}"), BarColumn(), TaskProgressColumn())
    left = (TextColumn("left"), TimeRemainingColumn())
    with Bar(*columns, *left, console=Console(stderr=True), transient=True) as bar:
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


class ProgressBar:
    """A bar with the epoch, the loss, steps per second and the time left, by rich.

    `stage` is the stage of the run in words, `stage 2 of 3, second`, if there are several.
    """

    def __init__(self, name: str, epochs: int, steps: int, done: int = 0, stage: str = "") -> None:
        from rich.console import Console, RenderableType
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
        from rich.text import Text

        self.console = Console(stderr=True)
        self.epochs = epochs
        self.stage = f"{stage}: " if stage else ""

        class WithParts(Bar):
            def get_renderables(bar) -> Iterator[RenderableType]:  # noqa: N805 - self is around it
                yield from super().get_renderables()
                if self._parts:
                    yield Text(f"  {self._parts}", style="dim", overflow="ellipsis", no_wrap=True)

        self._parts = ""
        self._bar = WithParts(
            TextColumn("[bold]{task.description}"),
            TextColumn(f"{self.stage}epoch " + "{task.fields[epoch]}/" + str(epochs)),
            BarColumn(),
            TextColumn("{task.fields[loss]}"),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self._start, self._first = time.monotonic(), done
        self._drawn = self._printed = 0.0
        fields: dict[str, Any] = {
            "epoch": min(epochs, 1 + done * epochs // max(steps, 1)),
            "loss": "",
            "speed": "",
        }
        self._task = self._bar.add_task(name, total=steps, completed=done, **fields)

    def __enter__(self) -> Self:
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
        speed = (done - self._first) / max(now - self._start, 1e-9)
        self._bar.update(self._task, completed=done, speed=f"{speed:,.0f} steps/s")

    def epoch(self, line: dict[str, Any]) -> None:
        """Shows the metrics of an epoch; without a terminal, as a line every 10 seconds."""
        following = min(line["epoch"] + 1, self.epochs)
        self._bar.update(
            self._task, completed=line["step"], epoch=following, loss=f"loss {line['loss']:.2f}"
        )
        shown = {n: v for n, v in line["parts"].items() if not _is_minus(v, line["loss"])}
        parts = "  ".join(f"{name} {_nats(value)}" for name, value in shown.items())
        parts += "".join(f"  {name} {line[name]:.4g}" for name in OF_CHAINS if name in line)
        memory = f"{line['memory'] / 1e6:,.0f} MB" if "memory" in line else ""
        self._parts = f"{parts}  {memory}".rstrip()
        now = time.monotonic()
        last = line["epoch"] == self.epochs
        if self.console.is_terminal or not (last or now - self._printed > LINE_EVERY):
            return
        self._printed = now
        text = f"{self.stage}epoch {line['epoch']}/{self.epochs}  {self._parts}"
        # Markup would take the index of `z[t-1]` for a style.
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _is_minus(value: float | None, loss: float | None) -> bool:
    """Whether a metric is the negative of the loss, as a bound that is maximized is."""
    return value is not None and loss is not None and math.isclose(value, -loss, rel_tol=1e-5)


def _nats(value: float | None) -> str:
    """A metric; a small one, such as a step size, with three digits that are not 0."""
    if value is None:
        return "not finite"
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.01 else f"{value:.3g}"
