"""The draws of a run on disk, which are written as they come.

    draws/positions.npy    [chains, draws, size]        the unconstrained numbers of each draw
    draws/statistics.npy   [chains, warmup + draws]     what is known of each transition

The files have their final size from the start, for which the disk must have room, and are mapped
into memory; they grow if a run resumes with more draws. A checkpoint states how many transitions
each chain has ended. A run that resumes repeats those after the checkpoint, with the same random
numbers, and so writes the same values again.
"""

from __future__ import annotations

import importlib.util
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap

from specc.engine.samplers.dynamics import Array
from specc.engine.samplers.no_u_turn import Transition
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.sampler import Sampler

FOLDER = "draws"
POSITIONS = "positions.npy"
STATISTICS = "statistics.npy"

STATISTIC = np.dtype(
    [
        ("log_density", np.float64),
        ("energy", np.float64),
        ("acceptance", np.float64),
        ("step_size", np.float64),
        ("depth", np.int32),
        ("leapfrogs", np.int32),
        ("divergent", np.bool_),
    ]
)
"""What is known of a transition; a chain that has not made it has 0 leapfrog steps."""

FEWEST = 10
"""Draws in half of a chain below which R-hat says nothing."""

MOST = 1000
"""Coordinates of which R-hat is computed while chains run."""


def require_arviz() -> None:
    """Checks that the diagnostics of draws can be computed; raises RunFailure E0828 if not."""
    if importlib.util.find_spec("arviz") is None:
        message = "the diagnostics of draws need ArviZ, which is not installed"
        hint = 'install it, with `pip install "specc[bayes]"`'
        raise RunFailure("E0828", message, hint=hint, exit_code=USAGE)


class Draws:
    """The draws of all chains, and the statistics of their transitions."""

    def __init__(self, positions: Any, statistics: Any) -> None:  # noqa: ANN401 - memory maps
        self.positions, self.statistics = positions, statistics

    @classmethod
    def create(cls, run: Path, sampler: Sampler, size: int) -> Draws:
        """New files; those of a run that continues are opened as they are.

        Raises RunFailure: E0811, if they cannot be written; E0803, if the existing ones are not of
        this sampler.
        """
        folder = run / FOLDER
        chains, total = sampler.chains, sampler.warmup + sampler.draws
        shape = (chains, sampler.draws, size)
        if folder.is_symlink():
            raise RunFailure("E0811", f"{folder} is a link, and draws are not written through one")
        try:
            folder.mkdir(exist_ok=True)
            return cls(
                _mapped(folder / POSITIONS, np.dtype(np.float64), shape),
                _mapped(folder / STATISTICS, STATISTIC, (chains, total)),
            )
        except (OSError, OverflowError) as error:
            gigabytes = 8.0 * math.prod(shape) / 1e9
            message = f"{folder} cannot be written: {error}"
            hint = f"the draws take {gigabytes:.3g} GB; `draws:` and `chains:` make them fewer"
            raise RunFailure("E0811", message, hint=hint) from error

    @classmethod
    def read(cls, run: Path) -> Draws:
        """The draws of a run; raises RunFailure E0802 if it has none."""
        folder = run / FOLDER
        try:
            found = [np.load(folder / name, mmap_mode="r") for name in (POSITIONS, STATISTICS)]
        except (OSError, ValueError, EOFError) as error:
            message = f"the run in {run} has no draws: {error}"
            raise RunFailure("E0802", message, hint="sample again, with `specc train`") from error
        return cls(*found)

    @property
    def warmup(self) -> int:
        """The number of transitions before the first draw."""
        return int(self.statistics.shape[1] - self.positions.shape[1])

    @property
    def size(self) -> int:
        """The number of coordinates."""
        return int(self.positions.shape[2])

    @property
    def done(self) -> int:
        """The number of draws that every chain has made."""
        made = self.statistics["leapfrogs"][:, self.warmup :] > 0
        return int(made.sum(1).min()) if made.size else 0

    def r_hat(self) -> float | None:
        """The largest split R-hat of the first coordinates, of the draws so far; None if too few.

        sqrt(((n - 1) W + B) / (n W)), with W the mean variance within the halves of chains, of n
        draws each, and B / n the variance of their means (Gelman et al. 2013, section 11.4).
        """
        half = self.done // 2
        if half < FEWEST:
            return None
        found = np.asarray(self.positions[:, : 2 * half, :MOST])
        halves = found.reshape(2 * len(found), half, -1)
        within, between = halves.var(1, ddof=1).mean(0), halves.mean(1).var(0, ddof=1)
        moved = within > 0
        if not moved.all():
            return math.inf
        return float(np.sqrt((half - 1) / half + between / within).max())

    def record(self, chain: int, number: int, found: Transition, step: float) -> None:
        """Writes a transition of a chain, counted from 0 with those of the warm-up."""
        self.statistics[chain, number] = (
            found.point.log_density,
            found.energy,
            found.acceptance,
            step,
            found.depth,
            found.leapfrogs,
            found.is_divergent,
        )
        if number >= self.warmup:
            self.positions[chain, number - self.warmup] = found.point.position

    def record_all(self, number: int, positions: Array, **statistics: Array | float) -> None:
        """Writes a transition of all chains, with the positions [chains, size] after it."""
        for name in STATISTIC.names or ():
            self.statistics[name][:, number] = statistics.get(name, 0)
        if number >= self.warmup:
            self.positions[:, number - self.warmup] = positions

    def require(self, chain: int, count: int) -> None:
        """Checks that a chain has left its first transitions; raises RunFailure E0803 if not."""
        if (self.statistics["leapfrogs"][chain, :count] == 0).any():
            problem = f"draws of chain {chain + 1} before the checkpoint are not there"
            raise _damaged(Path(FOLDER), problem)

    def flush(self) -> None:
        """Writes everything to the disk; raises RunFailure E0811 if that fails."""
        try:
            self.positions.flush()
            self.statistics.flush()
        except OSError as error:
            raise RunFailure("E0811", f"the draws cannot be written: {error}") from error


def _mapped(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:  # noqa: ANN401
    """A file of this dtype and shape that is mapped into memory; the existing one, if there is."""
    if path.exists():
        found = _opened(path, dtype, shape)
        return found if found.shape == shape else _grown(path, found, shape)
    return _new(path, dtype, shape)


def _grown(path: Path, found: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401
    """A file of more columns in the place of one, which is there until the new one is complete."""
    beside = path.with_suffix(".grown")
    beside.unlink(missing_ok=True)
    grown = _new(beside, found.dtype, shape)
    grown[:, : found.shape[1]] = found
    grown.flush()
    beside.replace(path)
    return grown


def _new(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:  # noqa: ANN401
    found = open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    # A write to a mapped file on a full disk would kill the process, so its space is taken now.
    if hasattr(os, "posix_fallocate"):
        try:
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    return found


def _opened(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:  # noqa: ANN401
    """An existing file, which may have fewer columns.

    Raises RunFailure: E0803 if it has another shape or is damaged.
    """
    try:
        found = np.load(path, mmap_mode="r+")
    except (ValueError, EOFError) as error:
        raise _damaged(path, str(error)) from error
    is_part = found.ndim == len(shape) > 1 and found.shape[1] <= shape[1]
    rest = (shape[0], *shape[2:])
    if not is_part or (found.shape[0], *found.shape[2:]) != rest or found.dtype != dtype:
        raise _damaged(path, f"it has the shape {found.shape}, not {shape}")
    return found


def _damaged(path: Path, problem: str) -> RunFailure:
    return RunFailure("E0803", f"{path} is damaged: {problem}", hint="sample again, in a new run")
