"""Several processes on one run, under `torchrun`: each computes some pieces of every batch.

A batch of a run on n processes comes in n pieces (or in `accumulate` of them, if that is more), and
piece i is computed by process i modulo n. Gradients and losses are summed over the processes, so a
run on n processes makes the steps of a run on one with `accumulate: n`. What is not the sum of
gradients every process does by itself, and comes to the same; the first one alone writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from specc.runtime.failure import RunFailure


@dataclass(frozen=True, slots=True)
class World:
    """The processes of a run: how many there are, and which this one is."""

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes the run folder and speaks."""
        return self.rank == 0

    def owns(self, piece: int) -> bool:
        """Whether this process computes that piece of a batch."""
        return piece % self.size == self.rank


def world() -> World:
    """What `torchrun` says of this process; one of one without it."""
    if "MASTER_ADDR" not in os.environ:
        return World()
    return World(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


@contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Within it, the processes of the run can talk to each other.

    Raises RunFailure: E0815 where another process of the run has ended.
    """
    here = world()
    if here.size == 1 or dist.is_initialized():
        yield here
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield here
    except (dist.DistError, RuntimeError) as error:
        if isinstance(error, RunFailure) or not _is_of_the_group(error):
            raise
        message = f"process {here.rank} of {here.size} lost another one of the run"
        hint = "start all of them again, with `--resume`"
        raise RunFailure("E0815", message, hint=hint) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _is_of_the_group(error: Exception) -> bool:
    """Whether an error is one of talking to the others; gloo raises plain RuntimeErrors."""
    words = str(error).lower()
    return isinstance(error, dist.DistError) or any(
        word in words for word in ("gloo", "nccl", "connection closed", "connection reset")
    )


def summed(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The sums of tensors over all processes, in one message."""
    if not tensors or not dist.is_initialized():
        return list(tensors)
    flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    pieces = torch.split(flat, [tensor.numel() for tensor in tensors])
    return [p.view_as(tensor) for p, tensor in zip(pieces, tensors, strict=True)]


def sum_gradients(parameters: Sequence[Tensor]) -> None:
    """Sums the gradients of parameters over all processes; a missing one counts as zero."""
    if not dist.is_initialized():
        return
    own = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    for parameter, total in zip(parameters, summed(own), strict=True):
        parameter.grad = total


def any_of(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process."""
    if not dist.is_initialized():
        return flag
    found = torch.tensor(float(flag), device=device)
    dist.all_reduce(found)
    return bool(found.item() > 0)


def agreed(words: str) -> str:
    """The words of the first process, for all."""
    if not dist.is_initialized():
        return words
    said = [words]
    dist.broadcast_object_list(said, src=0)
    return said[0]


def wait() -> None:
    """Waits until every process is here."""
    if dist.is_initialized():
        dist.barrier()
