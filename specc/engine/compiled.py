"""A training step as one compiled graph: loss, gradient and, for Adam, the update with it.

The numbers that a step draws are drawn beforehand, in the order in which the eager step draws them,
and go into the graph as inputs. So both draw the same numbers from the same counters, and their
losses differ by rounding alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException
from torch._inductor.exc import InductorError
from torch.optim.adam import adam

from specc.data.load import Batch
from specc.engine.player import NotCompiled, Outcome, Player
from specc.runtime.noise import Noise
from specc.runtime.number import Number
from specc.runtime.program import Program
from specc.runtime.varying import watching

WHOLE = {"adam": False, "adamw": True}
"""Optimizers that are compiled with the step, and whether their weight decay is decoupled."""


@dataclass(frozen=True, slots=True)
class Request:
    """One draw of a step: the kind of number and the shape."""

    kind: str
    shape: tuple[int, ...]


class Recording(Noise):
    """A noise that notes what is asked of it.

    Raises NotCompiled where numbers depend on parameters in a way that a graph cannot hold.
    """

    def __init__(self, noise: Noise) -> None:
        super().__init__(noise.generator, noise.dtype)
        self.requests: list[Request] = []

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Standard normal numbers."""
        self.requests.append(Request("normal", tuple(shape)))
        return super().normal(shape)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Uniform numbers."""
        self.requests.append(Request("uniform", tuple(shape)))
        return super().uniform(shape)

    def exponential(self, shape: Sequence[int]) -> Tensor:
        """Exponential numbers."""
        self.requests.append(Request("exponential", tuple(shape)))
        return super().exponential(shape)

    def _fill(self, x: Number, shape: Sequence[int]) -> Tensor:
        del x, shape
        raise NotCompiled("it draws gamma, Poisson or binomial numbers")

    def classes(self, probs: Tensor, draws: int) -> Tensor:
        """Never compiled."""
        del probs, draws
        raise NotCompiled("it draws multinomial counts")


class Given(Noise):
    """A noise whose numbers are there already, in the order in which they are asked for."""

    def __init__(self, numbers: Sequence[Tensor], dtype: torch.dtype) -> None:
        self.numbers, self.next, self.dtype = numbers, 0, dtype

    def _take(self, shape: Sequence[int]) -> Tensor:
        del shape
        self.next += 1
        return self.numbers[self.next - 1]

    normal = uniform = exponential = _take

    def zeros(self, shape: Sequence[int]) -> Tensor:
        """Zeros are not drawn: they are made where the numbers are."""
        device = self.numbers[0].device if self.numbers else None
        return torch.zeros(tuple(shape), dtype=self.dtype, device=device)


def _lean(
    function: Callable[..., Any], inputs: Sequence[object], on_cpu: bool
) -> Callable[..., Any]:
    """The function compiled for inputs such as these, without a look at each call whether it fits.

    What goes in has one shape and type: `CompiledUpdate.fits` sees to it. On a CPU the kernels are
    called from C++, which for small networks is a third of the time of calling them from Python.
    """
    options: dict[str, Any] = {"size_asserts": False, "cpp_wrapper": on_cpu}
    compiled = torch.compile(function, fullgraph=True, dynamic=False, options=options)
    if torch._inductor.config.force_disable_caches:
        raise NotCompiled("torch's caches are switched off, and the lean call goes through them")
    with torch._dynamo.config.patch(trace_autograd_ops=True):
        made: Any = compiled.aot_compile((tuple(inputs), {}))  # type: ignore[attr-defined]
    made.disable_guard_check()
    lean: Callable[..., Any] = made
    return lean


class CompiledUpdate:
    """The update of one player on whole batches, compiled.

    Raises NotCompiled, where the step draws what a graph cannot hold, or torch is too old.
    """

    def __init__(
        self,
        program: Program,
        player: Player,
        batch: Batch,
        noise: Noise,
        data_size: int,
        products: AbstractContextManager[object] | None = None,
        shares: Mapping[str, float] | None = None,
    ) -> None:
        if not hasattr(torch._dynamo.config, "trace_autograd_ops"):
            raise NotCompiled("this torch does not compile gradients; 2.13 does")
        self.program, self.player, self.data_size = program, player, data_size
        self.products = products or nullcontext()
        self.shares = dict(shares or {})
        self.rows = len(next(iter(batch.values())))
        recording = Recording(noise)
        name = player.loss.name
        with watching() as reasons:
            loss, parts = program.loss(name, batch, recording, data_size, shares=self.shares)
            found = torch.autograd.grad(loss, player.parameters, allow_unused=True)
        if reasons:
            raise NotCompiled(reasons[0])
        self.requests = tuple(recording.requests)
        self.names = ("loss", *parts)
        pairs = zip(player.parameters, found, strict=True)
        self.parameters: list[Tensor] = [p for p, grad in pairs if grad is not None]
        self.kind = type(player.optimizer).__name__.lower()
        self.whole = self.kind in WHOLE and player.clip is None
        self.options = self._options() if self.whole else {}
        self._state: list[list[Tensor]] = []
        self._numbers: dict[float, Tensor] = {}
        self._graph: Callable[..., Any] | None = None

    def _options(self) -> dict[str, Any]:
        group = self.player.optimizer.param_groups[0]
        return {
            "decoupled_weight_decay": WHOLE[self.kind],
            "amsgrad": group["amsgrad"],
            "beta1": group["betas"][0],
            "beta2": group["betas"][1],
            "weight_decay": group["weight_decay"],
            "eps": group["eps"],
        }

    def fits(self, batch: Batch) -> bool:
        """Whether the batch has as many rows as the graph was made for."""
        return len(next(iter(batch.values()))) == self.rows

    def __call__(self, batch: Batch, noise: Noise, kl_weight: float = 1.0) -> Outcome:
        """One update; `kl_weight` is the factor of divergences."""
        drawn = [getattr(noise, request.kind)(request.shape) for request in self.requests]
        weight = self._number(kl_weight)
        if self.whole:
            return Outcome(self.names, *self._call(batch, drawn, weight, *self._remembered()))
        values, skipped, grads = self._call(batch, drawn, weight)
        for parameter, grad in zip(self.parameters, grads, strict=True):
            parameter.grad = grad
        self.player.apply(skipped)
        return Outcome(self.names, values, skipped)

    def _call(self, *inputs: object) -> Any:  # noqa: ANN401
        """The graph; it is made at its first call."""
        if self._graph is None:
            body = type(self)._step if self.whole else type(self)._gradient
            on_cpu = self.parameters[0].device.type == "cpu"
            try:
                self._graph = _lean(body, (self, *inputs), on_cpu)
            except (TorchDynamoException, InductorError) as error:
                cause = getattr(error, "inner_exception", error)
                line = str(cause).strip().partition("\n")[0]
                raise NotCompiled(f"torch says {type(cause).__name__}: {line}") from error
        return self._graph(self, *inputs)

    def forget(self) -> None:
        """Looks up the optimizer's tensors again, after others were put in their place."""
        self._state = []

    def _gradient(
        self, batch: Batch, drawn: list[Tensor], weight: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """The loss with its parts, 1 where a number is not finite, and the gradients."""
        noise = Given(drawn, drawn[0].dtype if drawn else torch.get_default_dtype())
        name = self.player.loss.name
        with self.products:
            loss, parts = self.program.loss(name, batch, noise, self.data_size, weight, self.shares)
        grads = list(torch.autograd.grad(loss, self.parameters))
        values = torch.stack([loss.detach(), *(part.detach() for part in parts.values())])
        # A compiled maximum is eight times as fast as a compiled sum, which guards its rounding.
        largest = torch.stack([values[0].abs(), *(grad.abs().amax() for grad in grads)]).amax()
        return values, torch.isfinite(largest).logical_not().to(values.dtype), grads

    def _step(
        self,
        batch: Batch,
        drawn: list[Tensor],
        weight: Tensor,
        rate: Tensor,
        state: list[list[Tensor]],
    ) -> tuple[Tensor, Tensor]:
        """The gradient and the update by it; where a number is not finite, all stays as it was."""
        values, skipped, grads = self._gradient(batch, drawn, weight)
        with torch.no_grad():
            old = [self.parameters, *state]
            new = [[tensor.clone() for tensor in tensors] for tensors in old]
            self._adam(grads, rate, new)
            keep = skipped.bool()
            for before, after in zip(chain(*old), chain(*new), strict=True):
                before.copy_(torch.where(keep, before, after))
        return values, skipped

    def _adam(self, grads: list[Tensor], rate: Tensor, tensors: list[list[Tensor]]) -> None:
        """Torch's own Adam on parameters, moments and counts of steps.

        The rate is a tensor, and nothing of the optimizer is looked at: a new rate is no new graph.
        """
        parameters, means, squares, steps, *largest = tensors
        adam(
            parameters,
            grads,
            means,
            squares,
            largest[0] if largest else [],
            steps,
            foreach=False,
            lr=rate,
            maximize=False,
            **self.options,
        )

    def _remembered(self) -> tuple[Tensor, list[list[Tensor]]]:
        """The learning rate and the optimizer's tensors, made as it would make them at first."""
        group = self.player.optimizer.param_groups[0]
        keys = ["exp_avg", "exp_avg_sq", "step", "max_exp_avg_sq"]
        for key in keys if not self._state else ():
            if key != "max_exp_avg_sq" or group["amsgrad"]:
                self._state.append([self._kept(parameter, key) for parameter in self.parameters])
        return self._number(group["lr"]), self._state

    def _number(self, value: float) -> Tensor:
        """A number as the graph takes it; the same one is made once."""
        if value not in self._numbers:
            if len(self._numbers) > 100:
                self._numbers.clear()
            self._numbers[value] = torch.tensor(value)
        return self._numbers[value]

    def _kept(self, parameter: Tensor, key: str) -> Tensor:
        state = self.player.optimizer.state[parameter]
        if key not in state:
            device = parameter.device
            state[key] = (
                torch.zeros((), device=device) if key == "step" else torch.zeros_like(parameter)
            )
        kept: Tensor = state[key]
        return kept
