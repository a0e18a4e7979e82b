"""Score-function gradients: surrogates with the value zero, and baselines that add no bias.

For a node drawn from q with a signal that does not depend on q's parameters,

    grad E_q[signal] = E_q[signal grad log q]   (Williams 1992, theorem 1).

A surrogate has that gradient and the value 0, so the value of a loss with it is the objective.
"""

from __future__ import annotations

import torch
from torch import Tensor


def surrogate(log_q: Tensor, signal: Tensor) -> Tensor:
    """(log_q - stop(log_q)) stop(signal): value 0, gradient signal grad log_q."""
    return (log_q - log_q.detach()) * signal.detach()


def baseline_mean(signal: Tensor) -> Tensor:
    """The signal minus the mean of the signals of the other rows; rows are the last axis.

    Rows are independent, so the baseline of a row does not depend on its own draw.
    """
    rows = signal.shape[-1]
    if rows < 2:
        return signal
    others = (signal.sum(-1, keepdim=True) - signal) / (rows - 1)
    return signal - others


def running_mean(mean: Tensor, signal: Tensor, decay: float = 0.9) -> Tensor:
    """The running mean after a step, decay mean + (1 - decay) of the step's mean signal.

    The mean before the step is a baseline that does not depend on the draws of the step
    (Mnih and Gregor 2014, section 2.3).
    """
    return decay * mean + (1.0 - decay) * signal.detach().mean()


def scaled(signal: Tensor, square: Tensor) -> Tensor:
    """The signal divided by max(1, sqrt(square)), `square` the running mean of its square.

    It is the mean before the step, so that the gradient has the direction of the exact one on
    average (Mnih and Gregor 2014, algorithm 1, divide by that after the step).
    """
    return signal / square.sqrt().clamp_min(1.0)


def baseline_leave_one_out(signal: Tensor) -> Tensor:
    """The signal minus the mean over the other particles; particles are the first axis."""
    particles = signal.shape[0]
    others = (signal.sum(0, keepdim=True) - signal) / (particles - 1)
    return signal - others


def normalized_weights(log_weight: Tensor) -> Tensor:
    """K w_k / sum_j w_j over the first axis, the particles; their mean is 1.

    The mean over K particles of such a weight times e_k is the self-normalized estimate of the
    expectation of e (Bornschein and Bengio 2015, equation 5). It has the shape of `log_weight`.
    """
    return log_weight.softmax(0) * log_weight.shape[0]


def vimco(log_weight: Tensor) -> Tensor:
    """The VIMCO learning signal of each particle; particles are the first axis.

    It is log 1/K sum_k w_k minus the same bound with the log w of this particle replaced by the
    mean of the other log w (Mnih and Rezende 2016, equations 7 to 9). The result has the shape of
    `log_weight`.
    """
    particles = log_weight.shape[0]
    log_w = log_weight.detach()
    bound = log_w.logsumexp(0, keepdim=True)
    others = (log_w.sum(0, keepdim=True) - log_w) / (particles - 1)
    swapped = log_w.unsqueeze(0).expand(particles, *log_w.shape).clone()
    diagonal = torch.arange(particles, device=log_w.device)
    swapped[diagonal, diagonal] = others
    return bound - swapped.logsumexp(1)
