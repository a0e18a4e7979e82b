"""The state of chains between two transitions, as tensors of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple

import numpy as np
import torch
from torch import Tensor

from specc.engine.samplers.chain import Chain
from specc.engine.samplers.dynamics import Metric, Point
from specc.engine.samplers.step_size import StepSize


def tensors_of(chains: Sequence[Chain]) -> dict[str, Tensor]:
    """The state of the chains by name; the first axis of each tensor is that of the chains."""
    found = [_arrays(chain) for chain in chains]
    return {key: torch.as_tensor(np.stack([own[key] for own in found])) for key in found[0]}


def _arrays(chain: Chain) -> dict[str, np.ndarray]:
    point, moments = chain.point, chain.moments
    assert point is not None
    return {
        "iteration": np.array(chain.iteration),
        "position": point.position,
        "log_density": np.array(point.log_density),
        "gradient": point.gradient,
        "step_size": np.array(astuple(chain.step_size)),
        "metric": chain.metric.factor,
        "count": np.array(moments.count),
        "least": np.array(moments.least),
        "position_mean": moments.position_mean,
        "position_sum": moments.position_sum,
        "gradient_mean": moments.gradient_mean,
        "gradient_sum": moments.gradient_sum,
    }


def restore(chains: Sequence[Chain], stored: Mapping[str, Tensor]) -> None:
    """Sets the state of the chains."""
    arrays = {key: value.numpy() for key, value in stored.items()}
    for number, chain in enumerate(chains):
        own = {key: value[number] for key, value in arrays.items()}
        chain.iteration = int(own["iteration"])
        chain.point = Point(own["position"], float(own["log_density"]), own["gradient"])
        chain.step_size = StepSize(*map(float, own["step_size"]))
        chain.metric = Metric(own["metric"])
        chain.moments.count = int(own["count"])
        chain.moments.least = float(own["least"])
        chain.moments.position_mean = own["position_mean"]
        chain.moments.position_sum = own["position_sum"]
        chain.moments.gradient_mean = own["gradient_mean"]
        chain.moments.gradient_sum = own["gradient_sum"]
