"""Where a run computes, and with how many threads; and the one call that comes before all others.

Arithmetic on denormal numbers (below 1e-38) takes a hundred times as long as on others, and dead
units fill Adam's averages with them. The processor flushes them to zero where a flag asks for it,
but the flag belongs to a thread, and a thread takes it from the one that made it: set after torch
has made its threads, the flag may miss them.

Torch is imported inside functions: what `prepare` sets is read when torch is loaded.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from specc.runtime.failure import USAGE, RunFailure

if TYPE_CHECKING:
    import torch

SMALL_STEP = 5e7
"""Operations in a step, about a millisecond's worth, below which a second thread only costs."""


SPINS = "2000"
"""Rounds for which a thread of GNU OpenMP waits for the others before it sleeps.

The usual number is without an end, and a step that shares its processors with another program takes
10 to 30 times as long: 550 ms instead of 21 ms for 1.3 million parameters on two cores, one of them
busy. On idle processors it makes no difference (8.4 and 8.6 ms).
"""


LARGEST_KEPT = 1 << 25
"""Bytes of a buffer, below which its memory stays with the process when it is given back.

A step that gives 8 MB of gradients back to the system gets them again page by page, which took 5 %
of it (1.3 million parameters, one thread).
"""


def _keep_memory() -> None:
    """Asks the C library to keep what is freed; where it is not GNU's, nothing happens."""
    trim_threshold, mmap_threshold = -1, -3
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(mmap_threshold, LARGEST_KEPT)
        libc.mallopt(trim_threshold, 16 * LARGEST_KEPT)
    except (OSError, AttributeError):
        return


def prepare() -> None:
    """Flushes denormals in this thread and in all that torch will make; call it before torch."""
    _keep_memory()
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = SPINS
    import torch

    torch.set_flush_denormal(True)


def peak_memory(device: torch.device) -> int:
    """Bytes at most so far: of tensors on a card, of the whole process on the processor."""
    import torch

    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def choose(name: str) -> torch.device:
    """The device `auto`, `cpu`, `cuda` or `cuda:1`.

    Raises RunFailure: E0807, where this machine does not have it.
    """
    import torch

    if name == "auto":
        own = int(os.environ.get("LOCAL_RANK", "0"))  # under torchrun a card for each process
        return torch.device("cuda", own) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        message = f"`{name}` is not the name of a device"
        raise RunFailure("E0807", message, hint="auto, cpu, cuda", exit_code=USAGE) from error
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type not in ("cpu", "cuda") or (device.index or 0) >= count:
        message = f"the device `{name}` does not exist on this machine"
        raise RunFailure("E0807", message, hint="try `--device auto`", exit_code=USAGE)
    return device


def threads_for(parameters: int, rows: int, particles: int = 1) -> int:
    """The threads of a step of about 6 operations for each parameter, row and particle.

    It follows from sizes alone, never from a clock, so that a run repeats bit for bit.
    """
    operations = 6.0 * parameters * rows * particles
    return 1 if operations < SMALL_STEP else available_threads()


def available_threads() -> int:
    """The processors that this process may use, or fewer where OMP_NUM_THREADS says so."""
    known = hasattr(os, "sched_getaffinity")
    available = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(wanted), available) if wanted.isdigit() and int(wanted) else available


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Within it, torch computes with so many threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
