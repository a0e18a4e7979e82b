"""A compiled spec as one torch module: its programs, its losses, and what it is able to do."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from specc.runtime import importing
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from specc.runtime.manifest import Loss, Manifest
from specc.runtime.noise import Noise

Parts = dict[str, Tensor]
LossFunction = Callable[..., tuple[Tensor, Parts]]


class Program(nn.Module):
    """The programs of a spec (`model`, and mostly `guide`) with the losses that train them.

    What can be asked of a program beyond its losses are its *capabilities*: methods of its parts,
    such as `model.log_joint` or `guide.sample`, which the manifest lists with their inputs.
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
        self._losses = losses
        self._declared: dict[str, Loss] = {loss.name: loss for loss in self.manifest.losses}
        self._verify()

    @property
    def capabilities(self) -> Mapping[str, tuple[str, ...]]:
        """The methods that may be asked for, as `model.sample`, with the inputs they take."""
        return self.manifest.capabilities

    def can(self, capability: str) -> bool:
        """Whether the program has the capability."""
        return capability in self.manifest.capabilities

    def require(self, capability: str, purpose: str = "") -> Callable[..., Any]:
        """The method of that name.

        Raises RunFailure: E0805, naming the capability, where the program does not have it.
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
        batch: Mapping[str, Tensor],
        noise: Noise,
        data_size: int,
        kl_weight: Tensor | float = 1.0,
        shares: Mapping[str, float] | None = None,
    ) -> tuple[Tensor, Parts]:
        """The loss of a batch, a scalar, and the parts that it is made of.

        Args:
            name: Which loss, as the manifest lists it.
            batch: The data fields, each [batch, *shape].
            noise: The random numbers of this step.
            data_size: The rows of the whole training set, which scales terms of global nodes.
            kl_weight: The factor of divergences, for a loss that lets it rise.
            shares: The share of rows with a value of each field that may be missing, 1 by default.

        """
        declared = self._declared[name]
        arguments: dict[str, Any] = {field: batch[field] for field in declared.inputs}
        if declared.needs_data_size:
            arguments["data_size"] = data_size
        if declared.warm_up:
            arguments["kl_weight"] = kl_weight
        for argument, of in declared.shares.items():
            arguments[argument] = (shares or {}).get(of, 1.0)
        if self.guide is None:
            return self._losses[name](self.model, noise, **arguments)
        return self._losses[name](self.model, self.guide, noise, **arguments)

    def _verify(self) -> None:
        """The code and the manifest must speak of the same losses, methods and parameters."""
        for name in self._declared:
            if name not in self._losses:
                raise self._mismatch(f"the code has no loss `{name}`")
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


def load(folder: Path) -> Program:
    """The program of a folder of generated code, with fresh parameters from torch's generator.

    The folder is imported under a name of its own, so that two runs of one spec do not meet.

    Raises RunFailure: E0808, where the manifest is damaged or the code cannot be imported.
    """
    folder = folder.resolve()
    manifests.read(folder)
    name = importing.PREFIX + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    for loaded in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
        del sys.modules[loaded]
    start = folder / "__init__.py"
    if not start.is_file():
        raise RunFailure(
            "E0808", f"{folder} has no __init__.py: it is not a folder of generated code"
        )
    spec = importing.spec_of(name, start, folder)
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
