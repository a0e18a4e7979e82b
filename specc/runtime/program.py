"""A compiled spec as one torch module: its programs, its losses and its capabilities."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from specc.runtime import after_update, import_hook
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from specc.runtime.losses import Loss, LossResult, State
from specc.runtime.manifest import Manifest
from specc.runtime.noise import Noise

LossFunction = Callable[..., tuple[Any, ...]]


class Program(nn.Module):
    """The programs of a spec (`model`, and often `guide`) with the losses that train them.

    The *capabilities* of a program are further methods, such as `model.log_joint` or
    `guide.sample_and_log_prob`, which the manifest lists with their inputs.
    """

    def __init__(
        self,
        folder: Path,
        *,
        model: nn.Module,
        guide: nn.Module | None = None,
        losses: Mapping[str, LossFunction],
        **others: nn.Module,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.manifest: Manifest = manifests.read(folder)
        self.model = model
        self.guide = guide
        for name, module in others.items():
            self.add_module(name, module)
        self._programs = tuple(p for p in (model, guide, *others.values()) if p is not None)
        self._losses = losses
        self._held: tuple[nn.Module, ...] = ()
        self._declared: dict[str, Loss] = {loss.name: loss for loss in self.manifest.losses}
        self._verify()
        self._rules = {
            loss.name: after_update.moved_by(self.manifest.after_update, loss.parameters)
            for loss in self.manifest.losses
        }
        after_update.start(self, self.manifest.after_update)

    @property
    def capabilities(self) -> Mapping[str, tuple[str, ...]]:
        """The methods, such as `model.sample`, with their inputs."""
        return self.manifest.capabilities

    def can(self, capability: str) -> bool:
        """Whether the program has the capability."""
        return capability in self.manifest.capabilities

    def require(self, capability: str, purpose: str = "") -> Callable[..., Any]:
        """The method of that name.

        Raises RunFailure: E0805, if the program does not have it.
        """
        if not self.can(capability):
            what = f", which {purpose} needs" if purpose else ""
            message = f"the program `{self.manifest.name}` has no `{capability}`{what}"
            has = ", ".join(sorted(self.capabilities)) or "nothing"
            raise RunFailure("E0805", message, hint=f"it has {has}")
        part, _, method = capability.partition(".")
        found: Callable[..., Any] = getattr(getattr(self, part), method)
        return found

    def inputs(self, capability: str, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Those of `values` that the capability takes, as keyword arguments."""
        return {name: values[name] for name in self.capabilities[capability]}

    def loss(
        self,
        name: str,
        state: State,
        batch: Mapping[str, Tensor],
        noise: Noise,
        scalars: Mapping[str, Tensor | float],
    ) -> LossResult:
        """The loss of a batch with the state after it and its metrics.

        The generated function is `loss(model, guide, noise, *, x, data_size) -> loss, metrics`, or
        `loss(model, guide, noise, state, *, x) -> loss, state, metrics` if it declares state.

        Args:
            name: The name of the loss in the manifest.
            state: The state before the step, by name; empty for a loss without state.
            batch: The data fields, each [batch, *shape].
            noise: The random numbers of this step.
            scalars: The scalars of this step by argument; others than those that the loss declares
                are ignored.

        """
        declared = self._declared[name]
        arguments: dict[str, Any] = {field: batch[field] for field in declared.inputs}
        arguments |= {argument: scalars[argument] for argument in declared.scalars}
        for own in declared.subsample:
            if own.weight is not None:
                arguments[own.weight] = _weight(own.weight, own.size, batch, noise)
        if declared.state:
            return LossResult(*self._losses[name](*self._programs, noise, dict(state), **arguments))
        loss, metrics = self._losses[name](*self._programs, noise, **arguments)
        return LossResult(loss, {}, metrics)

    def hold(self, modules: Iterable[nn.Module]) -> None:
        """Holds modules in evaluation mode, also in training: their statistics do not change."""
        self._held = tuple(modules)

    def train(self, mode: bool = True) -> Program:
        """Sets the mode of all modules but those that are held in evaluation mode."""
        super().train(mode)
        for module in self._held:
            module.eval()
        return self

    def after_update(self, loss: str, skipped: Tensor) -> None:
        """Applies the rules for tensors that follow parameters, after an update by a loss.

        Args:
            loss: The name of the loss whose parameters were updated.
            skipped: 1 if the update was omitted, in which case nothing changes; else 0.

        """
        after_update.advance(self, self._rules[loss], skipped)

    def _verify(self) -> None:
        """Checks that the code and the manifest have the same losses, methods and parameters."""
        for name in self._declared:
            if name not in self._losses:
                raise self._mismatch(f"the code has no loss `{name}`")
        modules = {name for name, _ in self.named_modules()}
        for rule in self.manifest.after_update:
            for name in (rule.module, rule.of):
                if name not in modules:
                    raise self._mismatch(f"the code has no module `{name}`")
        for capability in self.capabilities:
            part, _, method = capability.partition(".")
            if not hasattr(getattr(self, part, None), method):
                raise self._mismatch(f"the code has no method `{capability}`")
        shapes = {name: tuple(value.shape) for name, value in self.named_parameters()}
        for name, shape in self.manifest.parameters.items():
            if shapes.get(name) != shape:
                found = shapes.get(name, "absent")
                raise self._mismatch(f"the parameter `{name}` is {found} in the code, not {shape}")

    def _mismatch(self, what: str) -> RunFailure:
        message = f"the code in {self.folder} does not fit its manifest: {what}"
        return RunFailure("E0808", message, hint="compile the spec again, with `specc compile`")


def _weight(name: str, size: int, batch: Mapping[str, Tensor], noise: Noise) -> Tensor:
    """The weights of the elements of a plate: without others all of them count once."""
    return batch[name] if name in batch else noise.zeros((size,)) + 1


def load(folder: Path) -> Program:
    """The program of a folder of generated code, with fresh parameters from torch's generator.

    The folder is imported under a unique name, so that two runs of one spec do not share modules.

    Raises RunFailure: E0808, if the manifest is damaged or the code cannot be imported.
    """
    folder = folder.resolve()
    manifests.read(folder)
    name = import_hook.PREFIX + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    for loaded in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
        del sys.modules[loaded]
    start = folder / "__init__.py"
    if not start.is_file():
        raise RunFailure(
            "E0808", f"{folder} has no __init__.py: it is not a folder of generated code"
        )
    spec = import_hook.spec_of(name, start, folder)
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (ImportError, SyntaxError, UnicodeError, AttributeError, NameError) as error:
        del sys.modules[name]
        message = f"the generated code in {folder} cannot be loaded: {error}"
        hint = "compile the spec again, with `specc compile`"
        raise RunFailure("E0808", message, hint=hint) from error
    program = module.program()
    if not isinstance(program, Program):
        raise RunFailure("E0808", f"`program()` in {start} does not return a Program")
    return program
