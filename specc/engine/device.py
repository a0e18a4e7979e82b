"""The device and the threads of a run, and settings that precede the import of torch.

Arithmetic on denormal numbers (below 1e-38) is a hundred times slower than on others, and dead
units fill Adam's moments with them. A flag makes the processor flush them to zero. Each thread
inherits the flag from the thread that creates it, so it must be set before torch creates its
threads.

Torch is imported inside functions, because it reads what `prepare` sets when it is loaded.
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
"""Operations of a step, about one millisecond, below which a second thread saves no time."""


SPINS = "2000"
"""Rounds for which a thread of GNU OpenMP spins before it sleeps.

By default a thread spins without end, and a step that shares its cores with another program takes
10 to 30 times as long: 550 ms instead of 21 ms for 1.3 million parameters on two cores, one of them
busy. On idle cores it makes no difference (8.4 and 8.6 ms).
"""


MAX_CACHED_BUFFER = 1 << 25
"""Bytes of a buffer below which the process keeps its memory after it is freed.

Without this a step that frees 8 MB of gradients gets them again page by page, which took 5 % of its
time (1.3 million parameters, one thread).
"""


def _keep_memory() -> None:
    """Makes the GNU C library keep freed memory; has no effect with other C libraries."""
    trim_threshold, mmap_threshold = -1, -3
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(mmap_threshold, MAX_CACHED_BUFFER)
        libc.mallopt(trim_threshold, 16 * MAX_CACHED_BUFFER)
    except (OSError, AttributeError):
        return


def prepare() -> None:
    """Flushes denormals in this thread and in those of torch; call it before torch is imported."""
    _keep_memory()
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = SPINS
    import torch

    torch.set_flush_denormal(True)


def peak_memory(device: torch.device) -> int:
    """The peak memory in bytes: of tensors on a GPU, of the process on a CPU."""
    import torch

    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def choose(name: str) -> torch.device:
    """The device `auto`, `cpu`, `cuda` or `cuda:1`.

    Raises RunFailure: E0807, if this machine does not have it.
    """
    import torch

    if name == "auto":
        rank = int(os.environ.get("LOCAL_RANK", "0"))  # torchrun: one GPU for each process
        return torch.device("cuda", rank) if torch.cuda.is_available() else torch.device("cpu")
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

    The number depends on sizes alone and not on a clock, so a run repeats bit for bit.
    """
    operations = 6.0 * parameters * rows * particles
    return 1 if operations < SMALL_STEP else available_threads()


def available_threads() -> int:
    """The processors that this process may use, or OMP_NUM_THREADS if that is less."""
    known = hasattr(os, "sched_getaffinity")
    available = len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(limit), available) if limit.isdecimal() and int(limit) else available


@contextmanager
def threads(count: int) -> Iterator[None]:
    """A context in which torch computes with `count` threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
