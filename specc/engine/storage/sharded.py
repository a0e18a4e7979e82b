"""Sharded storage: each process has a part of every parameter.

Torch's `fully_shard` (FSDP2) splits every parameter by rows. The parameters of a link are gathered
while the link computes, forward and backward, and all others while a loss computes; afterwards each
process has its rows alone. Gradients are summed over the processes, as in
`specc.engine.distributed`, and are sharded by rows, too. The optimizer and the moving average
update each row independently of the others; the norm of a gradient is that of all rows.

A parameter without dimensions is not split: every process has it.
"""

from __future__ import annotations

import atexit
import gc
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner, DefaultSavePlanner
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.modules.module import register_module_module_registration_hook

from specc.engine.settings import Settings
from specc.engine.storage.replicated import Replicated, Stored
from specc.engine.storage.sharded_file import Reader, Writer
from specc.runtime import program as programs
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.program import Program

T = TypeVar("T")

BY_ELEMENT = frozenset(
    {
        "adadelta",
        "adagrad",
        "adam",
        "adamax",
        "adamw",
        "asgd",
        "nadam",
        "radam",
        "rmsprop",
        "rprop",
        "sgd",
    }
)
"""Optimizers that update each element independently of the others."""


def check(settings: Settings) -> None:
    """Checks that all optimizers can update parts of parameters.

    Raises RunFailure: E0818, if one needs complete parameters.
    """
    others = sorted(settings.optimizers - BY_ELEMENT)
    if not others:
        return
    message = f"the optimizer `{others[0]}` needs complete parameters, which --shard splits"
    hint = f"omit --shard, or use one of {', '.join(sorted(BY_ELEMENT))}"
    raise RunFailure("E0818", message, hint=hint, exit_code=USAGE)


class Sharded(Replicated):
    """Storage of a process that has a part of every tensor; each process saves its part."""

    def __init__(self, device: torch.device) -> None:
        self.mesh = init_device_mesh(device.type, (dist.get_world_size(),))
        # A process group that exists when Python ends aborts the process. Modules and their hooks
        # reference each other, so a garbage collection must free them and the group.
        atexit.register(gc.collect)

    @property
    def saves(self) -> bool:
        """True: every process saves its part."""
        return True

    def load(self, code: Path) -> Program:
        """The sharded program; while it is created one link at a time is complete."""
        # Torch warns of links that return a view, which must not change in place. None does.
        warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view")
        with _sharding_links(self.mesh):
            program = programs.load(code)
        single = {p for p in program.parameters() if p.dim() == 0}
        fully_shard(program, mesh=self.mesh, reshard_after_forward=True, ignored_params=single)
        for module in program.modules():
            if isinstance(module, FSDPModule):
                module.set_gradient_divide_factor(1.0)
                module.set_force_sum_reduction_for_comms(True)
        register_fsdp_forward_method(program, "loss")
        return program

    def once(self, action: Callable[[], T]) -> T:
        """The result of an action in the process of rank 0, or its failure, for all processes."""
        found: list[object] = [None, None]
        if self.mesh.get_rank() == 0:
            try:
                found[0] = action()
            except (OSError, RunFailure) as error:
                found[1] = error
        dist.broadcast_object_list(found, src=0)
        result, failure = found
        if isinstance(failure, Exception):
            raise failure
        return result  # type: ignore[return-value]

    def distributed(self, local: Tensor, parameter: Tensor) -> Tensor:
        """The global tensor with the part `local` in this process, sharded as `parameter` is."""
        if not isinstance(parameter, DTensor) or local.dim() == 0:
            return local
        shape, stride = parameter.shape, parameter.stride()
        mesh, cuts = parameter.device_mesh, parameter.placements
        return DTensor.from_local(local, mesh, cuts, run_check=False, shape=shape, stride=stride)

    def empty(self, stored: Stored, name: str, local: Tensor) -> Tensor:
        """A new tensor for a stored scalar, or for rows of a stored tensor as those of `local`."""
        shape = local.shape if stored.shape(name) else torch.Size()
        return torch.empty(shape, dtype=stored.dtype(name), device=local.device)

    def whole(self, tensor: Tensor) -> Tensor:
        """The values of all rows of a tensor, gathered from all processes."""
        gathered = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
        return gathered.detach().clone()

    @torch.no_grad()
    def put(self, tensor: Tensor, values: Tensor) -> None:
        """Sets the rows of a tensor in this process, of the values of all rows."""
        if isinstance(tensor, DTensor):
            values = distribute_tensor(values, tensor.device_mesh, tensor.placements)
        tensor.copy_(values)

    def write(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Writes tensors to one file, together with all other processes."""
        planner = DefaultSavePlanner(flatten_state_dict=False, dedup_save_to_lowest_rank=True)
        with _first_failure():
            save(dict(tensors), storage_writer=Writer(path), planner=planner)

    def read(self, stored: Stored, live: Mapping[str, Tensor]) -> None:
        """Copies stored tensors into tensors; each process reads its rows."""
        planner = DefaultLoadPlanner(flatten_state_dict=False)
        with _first_failure():
            load(dict(live), storage_reader=Reader(stored), planner=planner)


@contextmanager
def _sharding_links(mesh: DeviceMesh) -> Iterator[None]:
    """A context in which a link is sharded as soon as it becomes part of a module."""

    def shard(module: nn.Module, name: str, link: nn.Module | None) -> None:
        del module, name
        if not isinstance(link, nn.Sequential) or isinstance(link, FSDPModule):
            return
        single = {p for p in link.parameters() if p.dim() == 0}
        fully_shard(link, mesh=mesh, reshard_after_forward=True, ignored_params=single)

    hook = register_module_module_registration_hook(shard)
    try:
        yield
    finally:
        hook.remove()


@contextmanager
def _first_failure() -> Iterator[None]:
    """A context that raises the failure of one process in all of them."""
    try:
        yield
    except CheckpointException as error:
        cause = error.failures[min(error.failures)][0]
        raise cause from error
