"""Adam and AdamW as functions of tensors, for a graph that updates where it differentiates.

The bias corrections depend on the number of updates alone. They are computed once an update, in
double precision, and are inputs of the graph: inside of it each would be computed again for every
few entries of every parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from specc.runtime.number import Number

NUMBERS = 3
"""How many numbers depend on the count of updates and on the learning rate alone."""

DECOUPLED = {"adam": False, "adamw": True}
"""The optimizers that are compiled with the step, and whether their weight decay is decoupled."""


@dataclass(frozen=True, slots=True)
class Adam:
    """The update of Kingma and Ba (2015, algorithm 1), with the options of `torch.optim.Adam`.

    After update n, with the gradient g of the parameter w:

        m <- m + (1 - beta1) (g - m)
        v <- beta2 v + (1 - beta2) g^2
        w <- w - a m / (sqrt(v) r + eps),  a = lr / (1 - beta1^n),  r = (1 - beta2^n)^(-1/2)

    A decoupled weight decay multiplies w by 1 - lr weight_decay before (Loshchilov and Hutter 2019,
    algorithm 2), any other adds weight_decay w to g; `amsgrad` takes the largest v so far (Reddi et
    al. 2018, algorithm 2).
    """

    beta1: float
    beta2: float
    eps: float
    weight_decay: float
    decoupled: bool
    amsgrad: bool

    @classmethod
    def of(cls, kind: str, group: Mapping[str, Any]) -> Adam:
        """The update of an optimizer with these options."""
        names = ("eps", "weight_decay", "amsgrad")
        eps, decay, amsgrad = (group[name] for name in names)
        beta1, beta2 = group["betas"]
        return cls(beta1, beta2, eps, decay, DECOUPLED[kind], amsgrad)

    @property
    def state(self) -> tuple[str, ...]:
        """The tensors that torch's optimizer has for each parameter, without its count."""
        largest = ("max_exp_avg_sq",) if self.amsgrad else ()
        return ("exp_avg", "exp_avg_sq", *largest)

    def numbers(self, count: Number, rate: float) -> tuple[Number, Number, Number]:
        """The step size a, the factor r and the factor of the weights at update `count`."""
        size = rate / (1 - self.beta1**count)
        root = (1 - self.beta2**count) ** -0.5
        return size, root, 1 - rate * self.weight_decay

    def write(self, numbers: Tensor, count: Tensor, rate: float) -> None:
        """Writes the numbers of the next update into a tensor; `count` is that of the last one."""
        if count.device.type == "cpu":
            numbers.numpy()[:] = self.numbers(count.item() + 1, rate)
            return
        # To read the count would wait for the device.
        found = self.numbers(count.double() + 1, rate)
        numbers.copy_(torch.stack([torch.as_tensor(x, device=count.device) for x in found]))

    def __call__(
        self, weight: Tensor, grad: Tensor, state: Sequence[Tensor], numbers: Tensor
    ) -> tuple[Tensor, ...]:
        """The weight and the state after an update; nothing is changed in place."""
        mean, square, *largest = state
        size, root, kept = numbers.unbind()
        if self.weight_decay and self.decoupled:
            weight = weight * kept
        elif self.weight_decay:
            grad = grad + self.weight_decay * weight
        mean = mean + (1 - self.beta1) * (grad - mean)
        square = self.beta2 * square + (1 - self.beta2) * grad * grad
        largest = [held.maximum(square) for held in largest]
        scale = (largest[0] if largest else square).sqrt() * root + self.eps
        return (weight - size * (mean / scale), mean, square, *largest)
