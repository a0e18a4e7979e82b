"""A training step as one compiled graph: loss, gradient and, for Adam, the update with it.

Random numbers are drawn before the graph runs, in the order of the eager step, and are inputs of
the graph. Both steps therefore use the same numbers, and their losses differ by rounding alone.
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
from specc.engine.schedule.scalars import varying_scalars
from specc.engine.step.player import NotCompiled, Player, StepResult
from specc.runtime.control_flow import recording_data_dependence
from specc.runtime.noise import Noise
from specc.runtime.number import Number
from specc.runtime.program import Program

WITH_OPTIMIZER = {"adam": False, "adamw": True}
"""Optimizers that are compiled with the step, and whether their weight decay is decoupled."""


@dataclass(frozen=True, slots=True)
class Request:
    """One draw of a step: the method of `Noise` and the shape."""

    kind: str
    shape: tuple[int, ...]


class Recording(Noise):
    """A noise that records its draws.

    Raises NotCompiled for draws whose distribution depends on parameters.
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
        """Raises NotCompiled, because the distribution depends on `probs`."""
        del probs, draws
        raise NotCompiled("it draws multinomial counts")


class Given(Noise):
    """A noise that returns numbers drawn before, in order."""

    def __init__(self, numbers: Sequence[Tensor], dtype: torch.dtype) -> None:
        self.numbers, self.next, self.dtype = numbers, 0, dtype

    def _take(self, shape: Sequence[int]) -> Tensor:
        del shape
        self.next += 1
        return self.numbers[self.next - 1]

    normal = uniform = exponential = _take

    def zeros(self, shape: Sequence[int]) -> Tensor:
        """Zeros on the device of the numbers; nothing is drawn."""
        device = self.numbers[0].device if self.numbers else None
        return torch.zeros(tuple(shape), dtype=self.dtype, device=device)


def _compile_without_guards(
    function: Callable[..., Any], inputs: Sequence[object], on_cpu: bool
) -> Callable[..., Any]:
    """The function compiled for inputs like these, without guards.

    `CompiledUpdate.fits` ensures that shapes and types match. On a CPU the kernels are called from
    C++, which takes a third of the time of calls from Python for small networks.
    """
    options: dict[str, Any] = {"size_asserts": False, "cpp_wrapper": on_cpu}
    compiled = torch.compile(function, fullgraph=True, dynamic=False, options=options)
    if torch._inductor.config.force_disable_caches:
        raise NotCompiled("torch's caches are switched off, and a call without guards needs them")
    with torch._dynamo.config.patch(trace_autograd_ops=True):
        made: Any = compiled.aot_compile((tuple(inputs), {}))  # type: ignore[attr-defined]
    made.disable_guard_check()
    result: Callable[..., Any] = made
    return result


class CompiledUpdate:
    """The compiled update of one player on full batches.

    Raises NotCompiled if the step draws numbers that a graph cannot take, or torch is too old.
    """

    def __init__(
        self,
        program: Program,
        player: Player,
        state: Mapping[str, Tensor],
        batch: Batch,
        noise: Noise,
        scalars: Mapping[str, float],
        matmul_precision: AbstractContextManager[object] | None = None,
        *,
        moves_alone: bool = True,
    ) -> None:
        """Traces the loss on a batch; every call updates `state` in place.

        The update of a player that `moves_alone` is compiled with its gradient. Scalars that vary
        from step to step are inputs of the graph; the others are constants in it.
        """
        if not hasattr(torch._dynamo.config, "trace_autograd_ops"):
            raise NotCompiled("this torch does not compile gradients; 2.13 does")
        self.program, self.player, self.loss_state = program, player, dict(state)
        self.matmul_precision = matmul_precision or nullcontext()
        self.varying = varying_scalars(player.loss)
        self.constants = {n: value for n, value in scalars.items() if n not in self.varying}
        self.rows = {name: len(value) for name, value in batch.items()}
        recording = Recording(noise)
        with recording_data_dependence() as reasons:
            result = program.loss(player.loss.name, state, batch, recording, scalars)
            found = torch.autograd.grad(result.loss, player.parameters, allow_unused=True)
        if reasons:
            raise NotCompiled(reasons[0])
        self.requests = tuple(recording.requests)
        self.names = ("loss", *result.metrics)
        pairs = zip(player.parameters, found, strict=True)
        self.parameters: list[Tensor] = [p for p, grad in pairs if grad is not None]
        self.kind = type(player.optimizer).__name__.lower()
        settings = player.settings
        plain = settings.clip is None and settings.clip_weights is None
        self.with_optimizer = self.kind in WITH_OPTIMIZER and plain and moves_alone
        self.options = self._options() if self.with_optimizer else {}
        self._state: list[list[Tensor]] = []
        self._numbers: dict[float, Tensor] = {}
        self._graph: Callable[..., Any] | None = None

    def _options(self) -> dict[str, Any]:
        group = self.player.optimizer.param_groups[0]
        return {
            "decoupled_weight_decay": WITH_OPTIMIZER[self.kind],
            "amsgrad": group["amsgrad"],
            "beta1": group["betas"][0],
            "beta2": group["betas"][1],
            "weight_decay": group["weight_decay"],
            "eps": group["eps"],
        }

    def fits(self, batch: Batch) -> bool:
        """Whether the batch has as many rows as the graph takes."""
        return all(len(value) == self.rows[name] for name, value in batch.items())

    def __call__(self, batch: Batch, noise: Noise, scalars: Mapping[str, float]) -> StepResult:
        """Makes one update under the scalars of the step."""
        inputs = self._inputs(batch, noise, scalars)
        if self.with_optimizer:
            return StepResult(self.names, *self._call(*inputs, *self._optimizer_state()))
        result, grads = self._evaluated(*inputs)
        for parameter, grad in zip(self.player.parameters, grads, strict=True):
            parameter.grad = grad
        self.player.apply(result.skipped)
        return result

    def gradient(
        self, batch: Batch, noise: Noise, scalars: Mapping[str, float]
    ) -> tuple[StepResult, tuple[Tensor | None, ...]]:
        """The loss with its metrics and the gradient of each parameter of the player.

        The state is updated, unless a number is not finite; the parameters are not.
        """
        return self._evaluated(*self._inputs(batch, noise, scalars))

    def _evaluated(self, *inputs: object) -> tuple[StepResult, tuple[Tensor | None, ...]]:
        values, skipped, grads = self._call(*inputs)
        found = {id(p): grad for p, grad in zip(self.parameters, grads, strict=True)}
        every = tuple(found.get(id(p)) for p in self.player.parameters)
        return StepResult(self.names, values, skipped), every

    def _inputs(
        self, batch: Batch, noise: Noise, scalars: Mapping[str, float]
    ) -> tuple[Batch, list[Tensor], list[Tensor], list[Tensor]]:
        """The inputs of the graph: rows, draws, scalars and state."""
        drawn = [getattr(noise, request.kind)(request.shape) for request in self.requests]
        numbers = [self._number(scalars[name]) for name in self.varying]
        return batch, drawn, numbers, list(self.loss_state.values())

    def _call(self, *inputs: object) -> Any:  # noqa: ANN401
        """Calls the graph, which is compiled at the first call."""
        if self._graph is None:
            body = type(self)._step if self.with_optimizer else type(self)._gradient
            on_cpu = self.parameters[0].device.type == "cpu"
            try:
                self._graph = _compile_without_guards(body, (self, *inputs), on_cpu)
            except (TorchDynamoException, InductorError) as error:
                cause = getattr(error, "inner_exception", error)
                line = str(cause).strip().partition("\n")[0]
                raise NotCompiled(f"torch raises {type(cause).__name__}: {line}") from error
        return self._graph(self, *inputs)

    def reset(self) -> None:
        """Looks up the tensors of the optimizer again, after they are replaced."""
        self._state = []

    def _gradient(
        self, batch: Batch, drawn: list[Tensor], numbers: list[Tensor], state: list[Tensor]
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """The loss with its metrics, 1 if a number is not finite, and the gradients.

        If all numbers are finite the state is updated in place.
        """
        noise = Given(drawn, drawn[0].dtype if drawn else torch.get_default_dtype())
        scalars: dict[str, Tensor | float] = dict(zip(self.varying, numbers, strict=True))
        scalars |= self.constants
        before = dict(zip(self.loss_state, state, strict=True))
        with self.matmul_precision:
            result = self.program.loss(self.player.loss.name, before, batch, noise, scalars)
        grads = list(torch.autograd.grad(result.loss, self.parameters))
        after = [result.state[name].detach() for name in before]
        values = torch.stack([value.detach() for value in (result.loss, *result.metrics.values())])
        floats = [*grads, *(value for value in after if value.is_floating_point())]
        # A compiled maximum is eight times as fast as a compiled sum, which guards its rounding.
        largest = torch.stack([values[0].abs(), *(value.abs().amax() for value in floats)]).amax()
        skipped = torch.isfinite(largest).logical_not()
        _update(state, after, skipped)
        return values, skipped.to(values.dtype), grads

    def _step(
        self,
        batch: Batch,
        drawn: list[Tensor],
        numbers: list[Tensor],
        state: list[Tensor],
        rate: Tensor,
        moments: list[list[Tensor]],
    ) -> tuple[Tensor, Tensor]:
        """The gradient and the Adam update; if a number is not finite nothing changes."""
        values, skipped, grads = self._gradient(batch, drawn, numbers, state)
        old = [self.parameters, *moments]
        with torch.no_grad():
            new = [[tensor.clone() for tensor in tensors] for tensors in old]
            self._adam(grads, rate, new)
        _update(list(chain(*old)), list(chain(*new)), skipped.bool())
        return values, skipped

    def _adam(self, grads: list[Tensor], rate: Tensor, tensors: list[list[Tensor]]) -> None:
        """Torch's functional Adam on parameters, moments and step counts.

        The learning rate is a tensor, so a new rate needs no new graph.
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

    def _optimizer_state(self) -> tuple[Tensor, list[list[Tensor]]]:
        """The learning rate and the Adam state, which is initialized if the optimizer has none."""
        group = self.player.optimizer.param_groups[0]
        keys = ["exp_avg", "exp_avg_sq", "step", "max_exp_avg_sq"]
        for key in keys if not self._state else ():
            if key != "max_exp_avg_sq" or group["amsgrad"]:
                self._state.append(
                    [self._tensor_of(parameter, key) for parameter in self.parameters]
                )
        return self._number(group["lr"]), self._state

    def _number(self, value: float) -> Tensor:
        """The number as a tensor, from a cache."""
        if value not in self._numbers:
            if len(self._numbers) > 100:
                self._numbers.clear()
            self._numbers[value] = torch.tensor(value)
        return self._numbers[value]

    def _tensor_of(self, parameter: Tensor, key: str) -> Tensor:
        state = self.player.optimizer.state[parameter]
        if key not in state:
            device = parameter.device
            state[key] = (
                torch.zeros((), device=device) if key == "step" else torch.zeros_like(parameter)
            )
        found: Tensor = state[key]
        return found


@torch.no_grad()
def _update(held: Sequence[Tensor], new: Sequence[Tensor], skipped: Tensor) -> None:
    """Copies new values into tensors if the step is not skipped."""
    for before, after in zip(held, new, strict=True):
        before.copy_(torch.where(skipped, before, after))
