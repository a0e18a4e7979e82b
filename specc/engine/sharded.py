"""A run whose parameters outgrow one process: each has a part of every parameter.

Torch's `fully_shard` (FSDP2) cuts every parameter into rows. A link, the unit in which the code of
a spec computes, has its parameters whole while it computes, forward and backward, and all else the
program has while a loss computes; then everybody keeps their own rows. Gradients are summed
over the processes, as in `specc.engine.distributed`, and come out in rows, too. What an optimizer
does to a row does not depend on the others, so it works on the rows of its process, and so does the
running mean; the norm of a gradient is that of all rows.

A parameter without dimensions cannot be cut, and every process has it.
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
from torch.distributed.tensor import DTensor
from torch.nn.modules.module import register_module_module_registration_hook

from specc.engine.settings import Settings
from specc.engine.slices import Reader, Writer
from specc.engine.stored import Stored, Whole
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
"""Optimizers whose update of a number depends on nothing of the others."""


def check(settings: Settings) -> None:
    """The optimizer must work on parts of parameters.

    Raises RunFailure: E0818, where it looks at more than the numbers that it updates.
    """
    if settings.optimizer in BY_ELEMENT:
        return
    message = (
        f"the optimizer `{settings.optimizer}` needs complete parameters, which --shard splits"
    )
    hint = f"omit --shard, or use one of {', '.join(sorted(BY_ELEMENT))}"
    raise RunFailure("E0818", message, hint=hint, exit_code=USAGE)


class Parts(Whole):
    """A process that has a part of every tensor; all of them save, each its own part."""

    def __init__(self, device: torch.device) -> None:
        self.mesh = init_device_mesh(device.type, (dist.get_world_size(),))
        # A group that is still there when Python ends aborts the process, and modules and their
        # hooks hold each other, so that they and the group are only ever freed by a collection.
        atexit.register(gc.collect)

    @property
    def saves(self) -> bool:
        """Everyone has something to save."""
        return True

    def load(self, code: Path) -> Program:
        """The program in parts; while it is made, one link at a time is whole."""
        # Torch warns of links that end in a view: a change in place would escape it. There is none.
        warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view")
        with _links_in_parts(self.mesh):
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
        """What the first process comes to, for all: a result, or a failure."""
        said: list[object] = [None, None]
        if self.mesh.get_rank() == 0:
            try:
                said[0] = action()
            except (OSError, RunFailure) as error:
                said[1] = error
        dist.broadcast_object_list(said, src=0)
        result, failure = said
        if isinstance(failure, Exception):
            raise failure
        return result  # type: ignore[return-value]

    def shared(self, own: Tensor, parameter: Tensor) -> Tensor:
        """The tensor of which every process has rows, as it has of the parameter."""
        if not isinstance(parameter, DTensor) or own.dim() == 0:
            return own
        shape, stride = parameter.shape, parameter.stride()
        mesh, cuts = parameter.device_mesh, parameter.placements
        return DTensor.from_local(own, mesh, cuts, run_check=False, shape=shape, stride=stride)

    def room(self, stored: Stored, name: str, own: Tensor) -> Tensor:
        """A new tensor for what is stored: a single number, or rows as those of `own`."""
        shape = own.shape if stored.shape(name) else torch.Size()
        return torch.empty(shape, dtype=stored.dtype(name), device=own.device)

    def write(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Writes tensors to one file, together with all other processes."""
        planner = DefaultSavePlanner(flatten_state_dict=False, dedup_save_to_lowest_rank=True)
        with _told():
            save(dict(tensors), storage_writer=Writer(path), planner=planner)

    def read(self, stored: Stored, live: Mapping[str, Tensor]) -> None:
        """Puts what is stored into tensors, each process its own rows."""
        planner = DefaultLoadPlanner(flatten_state_dict=False)
        with _told():
            load(dict(live), storage_reader=Reader(stored), planner=planner)


@contextmanager
def _links_in_parts(mesh: DeviceMesh) -> Iterator[None]:
    """Within it, a link that becomes part of a module is cut at once."""

    def cut(module: nn.Module, name: str, link: nn.Module | None) -> None:
        del module, name
        if not isinstance(link, nn.Sequential) or isinstance(link, FSDPModule):
            return
        single = {p for p in link.parameters() if p.dim() == 0}
        fully_shard(link, mesh=mesh, reshard_after_forward=True, ignored_params=single)

    hook = register_module_module_registration_hook(cut)
    try:
        yield
    finally:
        hook.remove()


@contextmanager
def _told() -> Iterator[None]:
    """What went wrong in one process, raised in all as it would be in one alone."""
    try:
        yield
    except CheckpointException as error:
        cause = error.failures[min(error.failures)][0]
        raise cause from error
