"""Streams of random numbers: one for each purpose, so that no two share counters."""

from __future__ import annotations

from enum import IntEnum

import torch
from torch import Tensor

from specc.runtime.noise import Noise, mix


class Stream(IntEnum):
    """The first counter of everything random in a run."""

    START = 1
    ORDER = 2
    DATA = 3
    LOSS = 4
    DROPOUT = 5
    EVALUATE = 6
    SAMPLE = 7
    VALIDATE = 8
    DATA_OF_UPDATE = 9
    LOSS_OF_UPDATE = 10
    STATE = 11
    TRANSITIONS = 12


def noise_at(seed: int, stream: Stream, *counters: int, device: torch.device) -> Noise:
    """The noise of a stream at the given counters."""
    return Noise.at(seed, stream, *counters, device=device)


def order_generator(seed: int, epoch: int, source: int = 0) -> torch.Generator:
    """The generator of the order of rows in an epoch; every source of data has its own."""
    counters = (epoch, source) if source else (epoch,)
    generator = torch.Generator()
    generator.manual_seed(mix(seed, Stream.ORDER, *counters))
    return generator


def order_of(seed: int, epoch: int, rows: int, device: torch.device, source: int = 0) -> Tensor:
    """A permutation of the rows that depends on seed, epoch and source alone."""
    return torch.randperm(rows, generator=order_generator(seed, epoch, source)).to(device)
