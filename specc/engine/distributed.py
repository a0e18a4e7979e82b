"""Data-parallel training under `torchrun`: each process computes some micro-batches of a batch.

On n processes a batch is split into n micro-batches (or `accumulate` of them, if that is more), and
process i modulo n computes micro-batch i. Gradients and losses are summed over the processes, so n
processes make the same steps as one process with `accumulate: n`. Every process repeats all other
computations with the same result. The process of rank 0 alone writes files.
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
    """The number of processes of a run, and the rank of this one."""

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes the run folder and prints."""
        return self.rank == 0

    def owns(self, piece: int) -> bool:
        """Whether this process computes that micro-batch."""
        return piece % self.size == self.rank


def world() -> World:
    """The rank and the world size that `torchrun` sets; a single process without it."""
    if "MASTER_ADDR" not in os.environ:
        return World()
    return World(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


@contextmanager
def process_group(device: torch.device) -> Iterator[World]:
    """A context in which the processes of the run can communicate.

    Raises RunFailure: E0815, if another process of the run has ended.
    """
    here = world()
    if here.size == 1 or dist.is_initialized():
        yield here
        return
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)  # the device of torch's own messages
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield here
    except (dist.DistError, RuntimeError, RunFailure) as error:
        if not _is_communication_error(error):
            raise
        message = f"process {here.rank} of {here.size} lost another one of the run"
        hint = "start all of them again, with `--resume`"
        raise RunFailure("E0815", message, hint=hint) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _is_communication_error(error: BaseException | None) -> bool:
    """Whether an error comes from communication; gloo raises plain RuntimeErrors.

    Sharded parameters are gathered inside the generated code, whose errors are E0809.
    """
    if isinstance(error, RunFailure):
        return error.code == "E0809" and _is_communication_error(error.__cause__)
    if not isinstance(error, (dist.DistError, RuntimeError)):
        return False
    words = str(error).lower()
    return isinstance(error, dist.DistError) or any(
        word in words for word in ("gloo", "nccl", "connection closed", "connection reset")
    )


def all_reduce(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The sums of tensors over all processes, in one all-reduce."""
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
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    for parameter, total in zip(parameters, all_reduce(grads), strict=True):
        parameter.grad = total


def local_part(tensor: Tensor) -> Tensor:
    """The part of a tensor in this process: its rows of a sharded tensor, else the tensor."""
    rows: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return rows


def clip_gradients(
    sharded: Sequence[nn.Parameter], replicated: Sequence[nn.Parameter], limit: float
) -> None:
    """Scales gradients so that the norm over all sharded and replicated ones is at most `limit`."""
    if not sharded:
        nn.utils.clip_grad_norm_(replicated, limit)
        return
    local, rest = (_squares(parameters, sharded[0]) for parameters in (sharded, replicated))
    (total,) = all_reduce([local])
    nn.utils.clip_grads_with_norm_([*sharded, *replicated], limit, (total + rest).sqrt())


def _squares(parameters: Sequence[nn.Parameter], like: Tensor) -> Tensor:
    grads = [p.grad for p in parameters if p.grad is not None]
    return nn.utils.get_total_norm(grads).to(like).square()


def broadcast(tensors: Sequence[Tensor], source: int = 0) -> None:
    """Copies the tensors of the process `source` into those of all processes."""
    if dist.is_initialized():
        for tensor in tensors:
            dist.broadcast(tensor, source)


def any_process(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process."""
    if not dist.is_initialized():
        return flag
    found = torch.tensor(float(flag), device=device)
    dist.all_reduce(found)
    return bool(found.item() > 0)


def broadcast_text(text: str) -> str:
    """The text of the process of rank 0."""
    if not dist.is_initialized():
        return text
    texts = [text]
    dist.broadcast_object_list(texts, src=0)
    return texts[0]


def barrier() -> None:
    """Waits until every process reaches this call."""
    if dist.is_initialized():
        dist.barrier()


def first_known(text: str | None) -> str | None:
    """The text of the lowest rank that has one; None if no process has one."""
    if not dist.is_initialized():
        return text
    texts: list[str | None] = [None] * dist.get_world_size()
    dist.all_gather_object(texts, text)
    return next((known for known in texts if known is not None), None)
