"""The loss of a compiled program on a batch, as tests ask for it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from specc.engine.schedule.scalars import final_scalars
from specc.engine.step.loss_state import LossState
from specc.runtime.losses import LossResult
from specc.runtime.noise import Noise
from specc.runtime.program import Program


def computed(
    program: Program,
    batch: Mapping[str, torch.Tensor],
    noise: Noise,
    data_size: int = 1,
    name: str = "loss",
    **scalars: float,
) -> LossResult:
    """The loss from its initial state, under the scalars at the end of a run or those given."""
    (loss,) = (own for own in program.manifest.losses if own.name == name)
    dtype, rows = torch.get_default_dtype(), len(next(iter(batch.values()), ()))
    state = LossState([loss], dtype, torch.device("cpu"), rows=rows).tensors[name]
    known = final_scalars(loss, data_size) | scalars
    return program.loss(name, state, batch, noise, known)
