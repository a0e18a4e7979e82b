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
from torch import Tensor, nn

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
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)  # where torch puts what the processes tell each other
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield here
    except (dist.DistError, RuntimeError, RunFailure) as error:
        if not _is_of_the_group(error):
            raise
        message = f"process {here.rank} of {here.size} lost another one of the run"
        hint = "start all of them again, with `--resume`"
        raise RunFailure("E0815", message, hint=hint) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _is_of_the_group(error: BaseException | None) -> bool:
    """Whether an error is one of talking to the others; gloo raises plain RuntimeErrors.

    Parameters that are shared out are talked about within the code of a spec, which tells E0809.
    """
    if isinstance(error, RunFailure):
        return error.code == "E0809" and _is_of_the_group(error.__cause__)
    if not isinstance(error, (dist.DistError, RuntimeError)):
        return False
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


def part_of(tensor: Tensor) -> Tensor:
    """What this process has of a tensor: its rows of one that is shared out, else all."""
    rows: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return rows


def clip(parts: Sequence[nn.Parameter], alike: Sequence[nn.Parameter], largest: float) -> None:
    """Scales gradients down to a norm, that of the rows of all processes and of what all have."""
    if not parts:
        nn.utils.clip_grad_norm_(alike, largest)
        return
    own, rest = (_squares(parameters, parts[0]) for parameters in (parts, alike))
    (others,) = summed([own])
    nn.utils.clip_grads_with_norm_([*parts, *alike], largest, (others + rest).sqrt())


def _squares(parameters: Sequence[nn.Parameter], like: Tensor) -> Tensor:
    grads = [p.grad for p in parameters if p.grad is not None]
    return nn.utils.get_total_norm(grads).to(like).square()


def follow(tensors: Sequence[Tensor]) -> None:
    """Makes tensors what they are in the first process."""
    if dist.is_initialized():
        for tensor in tensors:
            dist.broadcast(tensor, 0)


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


def known_to_any(words: str | None) -> str | None:
    """What the first process that knows something says."""
    if not dist.is_initialized():
        return words
    said: list[str | None] = [None] * dist.get_world_size()
    dist.all_gather_object(said, words)
    return next((known for known in said if known is not None), None)
