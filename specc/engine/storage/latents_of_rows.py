"""Latents of rows under a sampler: parameters of a program whose first axis is that of the rows."""

from __future__ import annotations

from math import prod

import torch
from torch import nn

from specc.data.load import LoadedData
from specc.data.split import TRAIN
from specc.engine.order.streams import Stream, noise_at
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.program import Program

MOST_NUMBERS = 2**28
"""The largest number of entries of all draws of latents of rows: 2 GB."""


def set_columns(program: Program, data: LoadedData | None, seed: int, where: torch.device) -> None:
    """Gives a program the training rows of the columns that ends of supports depend on."""
    sampler = program.manifest.sampler
    if sampler is None or not sampler.data or data is None or TRAIN not in data.parts:
        return
    rows = data.parts[TRAIN]
    batch = rows.batch(slice(0, len(rows)), noise_at(seed, Stream.DATA, device=where))
    for column, name in sampler.data.items():
        owner, _, attribute = name.rpartition(".")
        setattr(program.get_submodule(owner), attribute, batch[column])


def count_of(data: LoadedData | None) -> int:
    """The number of training rows; 0 without them."""
    if data is None or TRAIN not in data.parts:
        return 0
    return len(data.parts[TRAIN])


def set_rows(program: Program, rows: int) -> None:
    """Gives the latents of rows one value for each of the training rows, zeros.

    Raises RunFailure: E0843, if the draws of them are too many numbers.
    """
    sampler = program.manifest.sampler
    if sampler is None or not sampler.rows:
        return
    parameters = dict(program.named_parameters())
    names = [sampler.latents[name] for name in sampler.rows]
    numbers = rows * sum(prod(parameters[name].shape[1:]) for name in names)
    draws = sampler.chains * sampler.draws
    if numbers * draws > MOST_NUMBERS:
        shown = ", ".join(f"`{name}`" for name in sampler.rows)
        message = (
            f"{shown} of {rows:,} rows have {numbers:,} numbers, and {draws:,} draws of them "
            f"{numbers * draws:,}; at most {MOST_NUMBERS:,} are kept"
        )
        hint = (
            "make fewer draws, or learn parameters by `sampler:` beside an objective, which keeps "
            "no draws"
        )
        raise RunFailure("E0843", message, hint=hint, exit_code=USAGE)
    for name in names:
        owner, _, attribute = name.rpartition(".")
        old = parameters[name]
        fresh = torch.zeros((rows, *old.shape[1:]), dtype=old.dtype, device=old.device)
        setattr(program.get_submodule(owner), attribute, nn.Parameter(fresh))
