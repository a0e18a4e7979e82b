"""A training step as one compiled graph: loss, gradient and, for Adam, the update with it.

Random numbers are drawn before the graph runs, in the order of the eager step, and are inputs of
the graph. Both steps therefore use the same numbers, and their losses differ by rounding alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from specc.data.load import Batch
from specc.engine.compile.adam import DECOUPLED, NUMBERS, Adam
from specc.engine.compile.cpp_update import CppUpdate
from specc.engine.compile.graph import Given, Recording, compile_without_guards
from specc.engine.schedule.scalars import varying_scalars
from specc.engine.step.player import NotCompiled, Player, StepResult
from specc.runtime.control_flow import recording_data_dependence
from specc.runtime.noise import Noise
from specc.runtime.program import Program


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
        only_cpp: bool = False,
    ) -> None:
        """Traces the loss on a batch; every call updates `state` in place.

        The update of a player that `moves_alone` is compiled with its gradient. Scalars that vary
        from step to step are inputs of the graph; the others are constants in it. With `only_cpp`
        torch does not compile what has no C++ of its own (`cpp_update`).
        """
        if not hasattr(torch._dynamo.config, "trace_autograd_ops"):
            raise NotCompiled("this torch does not compile gradients; 2.13 does")
        self.program, self.player, self.loss_state = program, player, dict(state)
        self.matmul_precision, self.only_cpp = matmul_precision or nullcontext(), only_cpp
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
        kind = type(player.optimizer).__name__.lower()
        settings = player.settings
        plain = settings.clip is None and settings.clip_weights is None
        group = player.optimizer.param_groups[0]
        self.adam = Adam.of(kind, group) if kind in DECOUPLED and plain and moves_alone else None
        self._moments: list[list[Tensor]] = []
        self._counts: list[Tensor] = []
        self._equal_counts: list[int] = []
        self._different: list[Tensor] = []
        self._rates: list[Tensor] = []
        self._numbers: dict[float, Tensor] = {}
        self._graph: Callable[..., Any] | None = None

    def fits(self, batch: Batch) -> bool:
        """Whether the batch has as many rows as the graph takes."""
        return all(len(value) == self.rows[name] for name, value in batch.items())

    def __call__(self, batch: Batch, noise: Noise, scalars: Mapping[str, float]) -> StepResult:
        """Makes one update under the scalars of the step."""
        inputs = self._inputs(batch, noise, scalars)
        if self.adam is not None:
            return StepResult(self.names, *self._call(*inputs, *self._optimizer_state(self.adam)))
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
            self._graph = self._compiled(*inputs)
        return self._graph(*inputs)

    def _compiled(self, *inputs: Any) -> Callable[..., Any]:  # noqa: ANN401
        """The graph for inputs like these: C++ of its own for a small network, else torch's."""
        on_cpu = self.parameters[0].device.type == "cpu"
        try:
            if on_cpu:
                return self._in_cpp(*inputs)
        except NotCompiled:
            if self.only_cpp:
                raise
        body = type(self)._gradient if self.adam is None else type(self)._step
        return partial(compile_without_guards(body, (self, *inputs), on_cpu), self)

    def _in_cpp(
        self,
        batch: Batch,
        drawn: list[Tensor],
        numbers: list[Tensor],
        state: list[Tensor],
        moments: Sequence[list[Tensor]] = (),
        counts: Sequence[Tensor] = (),
        rates: Sequence[Tensor] = (),
    ) -> Callable[..., Any]:
        """The graph as C++ of its own."""
        moving, held = (batch, drawn, numbers), (state, moments, rates)
        (leaves, structure), fixed = tree_flatten((*moving, *held)), tree_leaves(held)
        inputs = leaves[: len(leaves) - len(fixed)]

        def function(*leaves: Tensor) -> list[Tensor]:
            own = tree_unflatten(leaves, structure)
            if self.adam is not None:
                values, skipped, new = self._updated(*own)
                return [values, skipped, *new]
            values, skipped, grads, after = self._computed(*own[:4])
            return [values, skipped, *grads, *after]

        changed = state if self.adam is None else self._changed(state, moments)
        module = (*self.program.parameters(), *self.program.buffers())
        update = CppUpdate(function, inputs, fixed, module, changed, counts)

        bound = moments

        def call(*inputs: Any) -> Any:  # noqa: ANN401
            nonlocal bound
            batch, drawn, numbers, state, *optimizer = inputs
            if optimizer and optimizer[0] is not bound:
                bound, counts, rates = optimizer
                update.move(tree_leaves((state, bound, rates)), counts)
            values, skipped, *grads = update((*batch.values(), *drawn, *numbers))
            return (values, skipped) if self.adam is not None else (values, skipped, grads)

        return call

    def reset(self) -> None:
        """Looks up the tensors of the optimizer again, after they are replaced."""
        self._counts = []

    def _gradient(self, *inputs: Any) -> tuple[Tensor, Tensor, list[Tensor]]:  # noqa: ANN401
        """The loss with its metrics, 1 if a number is not finite, and the gradients.

        If all numbers are finite the state is updated in place.
        """
        values, skipped, grads, after = self._computed(*inputs)
        _update(inputs[3], after, skipped)
        return values, skipped, grads

    def _computed(
        self, batch: Batch, drawn: list[Tensor], numbers: list[Tensor], state: list[Tensor]
    ) -> tuple[Tensor, Tensor, list[Tensor], list[Tensor]]:
        """The loss with its metrics, 1 if a number is not finite, the gradients and the next state.

        Nothing is changed in place.
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
        return values, skipped.to(values.dtype), grads, after

    def _step(
        self,
        batch: Batch,
        drawn: list[Tensor],
        numbers: list[Tensor],
        state: list[Tensor],
        moments: list[list[Tensor]],
        counts: list[Tensor],
        rates: list[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """The gradient and the Adam update; if a number is not finite nothing changes."""
        values, skipped, new = self._updated(batch, drawn, numbers, state, moments, rates)
        more = [count + 1 for count in counts]
        _update([*counts, *self._changed(state, moments)], [*more, *new], skipped)
        return values, skipped

    def _changed(self, state: list[Tensor], moments: Sequence[list[Tensor]]) -> list[Tensor]:
        """The tensors that an Adam update changes, but for counts."""
        each = zip(self.parameters, moments, strict=True)
        return [*state, *(own for parameter, held in each for own in (parameter, *held))]

    def _updated(
        self,
        batch: Batch,
        drawn: list[Tensor],
        numbers: list[Tensor],
        state: list[Tensor],
        moments: list[list[Tensor]],
        rates: list[Tensor],
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """The loss with its metrics, 1 if a number is not finite, and what the update changes."""
        assert self.adam is not None
        values, skipped, grads, new = self._computed(batch, drawn, numbers, state)
        with torch.no_grad():
            each = zip(self.parameters, grads, moments, self._equal_counts, strict=True)
            for parameter, grad, held, number in each:
                new += self.adam(parameter, grad, held, rates[number])
        return values, skipped, new

    def _optimizer_state(self, adam: Adam) -> tuple[list[list[Tensor]], list[Tensor], list[Tensor]]:
        """The moments and counts of each parameter, and the numbers of each different count."""
        if not self._counts:
            self._look_up(adam)
        rate = self.player.optimizer.param_groups[0]["lr"]
        for count, rates in zip(self._different, self._rates, strict=True):
            adam.write(rates, count, rate)
        return self._moments, self._counts, self._rates

    def _look_up(self, adam: Adam) -> None:
        """Looks up the state of the optimizer, which is zero if the optimizer has none.

        Counts that are equal stay equal, since updates are skipped for all parameters together.
        """
        parameters = self.parameters
        self._moments = [[self._tensor_of(own, key) for key in adam.state] for own in parameters]
        self._counts = [self._tensor_of(own, "step") for own in parameters]
        found = [int(count) for count in self._counts]
        different = sorted(set(found))
        self._different = [self._counts[found.index(count)] for count in different]
        self._rates = [self.parameters[0].new_empty(NUMBERS) for _ in different]
        equal = [different.index(count) for count in found]
        if equal != self._equal_counts:
            self._equal_counts, self._graph = equal, None

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
    is_skipped = skipped.bool()
    for before, after in zip(held, new, strict=True):
        before.copy_(torch.where(is_skipped, before, after))
