"""A run that is a classifier of rows: its predictions and its layers.

The program of the run has one label (see `classification`), and its other field is the compared
node. p(y | x) is exact, from the density of each class or from the guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from specc.data.fields import dtype_of
from specc.data.load import Batch
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.classification import guide_log_probs, label_classes
from specc.evaluate.scoring import choose_estimator, exact
from specc.evaluate.solver_checks import require_solutions
from specc.evaluate.units import in_model_units
from specc.runtime.failure import USAGE, RunFailure

AT_ONCE = 1000
"""The rows of a chunk."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """The run, its label with the classes, and the field from which it is predicted."""

    loaded: LoadedRun
    label: str
    values: range
    field: str

    @classmethod
    def of(cls, loaded: LoadedRun, node: str) -> Classifier:
        """The classifier in a run, of rows that are values of the node `node` of another program.

        The input field is the one of that name, or the only one besides the label.

        Raises RunFailure: E0824, if the run is not a classifier of such rows.
        """
        every = label_classes(loaded.manifest)
        if len(every) != 1:
            has = ", ".join(every) or "none"
            raise _refusal(loaded, f"it has to have one label, and has {has}")
        ((label, values),) = every.items()
        fields = loaded.manifest.fields
        others = [name for name in fields if name != label]
        field = node if node in others else others[0] if len(others) == 1 else None
        if field is None:
            raise _refusal(loaded, f"it has no field `{node}`, and several others")
        if not loaded.program.can("guide.predict_log_proba"):
            try:
                estimator = choose_estimator(loaded.manifest, "exact")
            except RunFailure as failure:
                raise _refusal(loaded, failure.message) from failure
            if estimator != "exact":
                raise _refusal(loaded, "its log p is a mean over draws of latents of all rows")
        return cls(loaded, label, values, field)

    def classes(self, rows: Tensor) -> Tensor:
        """The most probable class of each row, [rows]; rows are in the units of the data."""
        return self.log_probs(rows).argmax(-1) + self.values.start

    @torch.inference_mode()
    def log_probs(self, rows: Tensor) -> Tensor:
        """log p(y = c | x) of each row: [rows, classes]."""
        return torch.cat([self._log_probs(part) for part in self._batches(rows)])

    @torch.inference_mode()
    def layer(self, rows: Tensor, name: str) -> tuple[Tensor, str]:
        """The output of a module for each row, [rows, size], and the name of the module.

        By default it is the input of the last linear layer, with the name `input of NAME`.

        Raises RunFailure: E0824, if there is no such module, or its output is not a vector.
        """
        modules = dict(self.loaded.program.named_modules())
        wanted = _module(modules, name) if name else self._last_linear(rows)
        if wanted is None:
            linear = [n for n, own in modules.items() if isinstance(own, nn.Linear)]
            problem = f"it has no layer `{name}`" if name else "it has no linear layer"
            raise _refusal(self.loaded, problem, f"there are {', '.join(linear)}")
        found: list[Tensor] = []
        for part in self._batches(rows):
            recorded: list[Tensor] = []
            with _Recording(modules[wanted], recorded, inputs=not name):
                self._log_probs(part)
            if not recorded or recorded[0].shape[0] != len(next(iter(part.values()))):
                raise _refusal(self.loaded, f"`{wanted}` has no value for each row")
            found.append(recorded[0].reshape(len(recorded[0]), -1))
        return torch.cat(found), wanted if name else f"input of {wanted}"

    def _batches(self, rows: Tensor) -> list[Batch]:
        loaded = self.loaded
        field = loaded.manifest.fields[self.field]
        wanted = torch.Size((len(rows), *field.shape))
        if rows.numel() != wanted.numel():
            size, other = rows[0].numel(), torch.Size(field.shape).numel()
            raise _refusal(loaded, f"its `{self.field}` has {other} numbers a row, not {size}")
        own = in_model_units(loaded, {self.field: rows.reshape(wanted)})[self.field]
        own = own.to(loaded.device, dtype_of(field, loaded.settings.dtype))
        return [{self.field: part} for part in own.split(AT_ONCE)]

    def _log_probs(self, batch: Batch) -> Tensor:
        loaded = self.loaded
        with loaded.computing(), require_solutions(loaded.program.folder):
            loaded.program.eval()
            known = guide_log_probs(loaded.program, batch).get(self.label)
            if known is not None:
                return known
            rows = batch[self.field]
            blank = torch.zeros(len(rows), dtype=torch.int64, device=rows.device)
            joint = [
                exact(loaded.program, {**batch, self.label: blank + value}) for value in self.values
            ]
            return torch.stack(joint, -1).log_softmax(-1)

    def _last_linear(self, rows: Tensor) -> str | None:
        """The linear layer that is evaluated last."""
        used: list[str] = []
        handles = [
            own.register_forward_pre_hook(lambda module, inputs, n=name: used.append(n))
            for name, own in self.loaded.program.named_modules()
            if isinstance(own, nn.Linear)
        ]
        try:
            self._log_probs(self._batches(rows[:1])[0])
        finally:
            for handle in handles:
                handle.remove()
        return used[-1] if used else None


def _module(modules: Mapping[str, nn.Module], name: str) -> str | None:
    """The full name of the module whose name ends in `name`: `model.classifier.2`."""
    found = [full for full in modules if full == name or full.endswith(f".{name}")]
    return min(found, key=len, default=None)


class _Recording:
    """A context that records the inputs and outputs of modules."""

    def __init__(self, module: nn.Module, recorded: list[Tensor], *, inputs: bool) -> None:
        self.module, self.recorded, self.inputs = module, recorded, inputs
        self.stop: Callable[[], None] = lambda: None

    def __enter__(self) -> None:
        def note(module: nn.Module, taken: tuple[Tensor, ...], returned: Tensor) -> None:
            self.recorded.append(taken[0] if self.inputs else returned)

        self.stop = self.module.register_forward_hook(note).remove

    def __exit__(self, *failure: object) -> None:
        self.stop()


def _refusal(loaded: LoadedRun, problem: str, hint: str = "") -> RunFailure:
    message = f"the run {loaded.folder} is not a classifier of these rows: {problem}"
    hint = hint or "train one with an observed label, given the node that is compared"
    return RunFailure("E0824", message, hint=hint, exit_code=USAGE)
