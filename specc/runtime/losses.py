"""Declarations of losses in the manifest: their data, scalars, state and parameters.

loss(state, batch, noise, scalars) -> loss, state, metrics
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from specc.runtime.json_object import JsonObject, ManifestError

if TYPE_CHECKING:
    from torch import Tensor

State: TypeAlias = "Mapping[str, Tensor]"
"""The state of one loss: tensors by their names."""

LAYOUTS = ("replicated", "sharded", "rows")
DTYPES = ("float32", "float64", "int64")


class LossResult(NamedTuple):
    """The result of a loss: its value, the state after the step, and metrics.

    `loss` is a scalar, `state` has the tensors that the loss declares, `metrics` are scalars by
    name. It is a tuple, so that torch finds the tensors in it.
    """

    loss: Tensor
    state: dict[str, Tensor]
    metrics: dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar argument of a loss at each step: its kind, with the options of the kind.

    `specc.engine.schedule.scalars` defines the kinds.
    """

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StateTensor:
    """A tensor that a loss reads and updates at each step, such as a running baseline.

    Every entry is `initial` at first, plus normal noise with the standard deviation `spread`. A
    `replicated` tensor is the same in every process; a `sharded` one is split along its first axis
    as the rows of a batch are. One of `rows` has a value of this shape for each training row, and a
    loss reads and returns those of the rows of its batch. A floating-point `dtype` means the
    precision of the run, as for data.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    initial: float
    layout: str
    spread: float = 0.0

    @property
    def is_sharded(self) -> bool:
        """Whether each micro-batch has a part of the tensor."""
        return self.layout == "sharded"

    @property
    def of_rows(self) -> bool:
        """Whether the tensor has a value for each training row."""
        return self.layout == "rows"


@dataclass(frozen=True, slots=True)
class Subsample:
    """A plate of which an update computes and changes only the elements that its batch names.

    `indices` are the data fields with the number of an element, and `parameters` those with a value
    for each element along their first axis. The argument `weight` of the loss, if it has one, is
    the weight of each element in sums over the plate.
    """

    plate: str
    size: int
    indices: tuple[str, ...]
    parameters: tuple[str, ...]
    weight: str | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss function: its inputs, and the prefixes of the parameters that it trains.

    `inputs` are data fields; `scalars` are numbers that change from step to step or from run to
    run, by the argument; `state` are the tensors that one step passes to the next. `bound` is the
    metric that is the negative of the loss, `loop` the number of steps of its longest loop over a
    sequence. `subsample` are the plates of which an update leaves out elements. A loss `over_rows`
    has a function of all rows of a batch, so that single rows have no value.
    """

    name: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    scalars: Mapping[str, Scalar] = field(default_factory=dict)
    state: tuple[StateTensor, ...] = ()
    bound: str | None = None
    loop: int = 0
    subsample: tuple[Subsample, ...] = ()
    over_rows: bool = False

    @property
    def is_in_nats(self) -> bool:
        """Whether the loss is the negative of a named bound of a log-density, in nats a row.

        A formula in the spec may have a density among other terms, and then has no unit.
        """
        return self.bound not in (None, WRITTEN)


WRITTEN = "objective"
"""The metric of a bound that the spec writes as a formula."""


def metric_names(losses: Sequence[Loss], loss: Loss, names: Iterable[str]) -> tuple[str, ...]:
    """The names under which metrics of `loss` are reported: `<loss> <name>` among several losses.

    If the program has one loss, the names are unchanged.
    """
    prefix = f"{loss.name} " if len(losses) > 1 else ""
    return tuple(f"{prefix}{name}" for name in names)


def parse_loss(item: JsonObject) -> Loss:
    """The declaration of a loss in a manifest; raises ManifestError."""
    return Loss(
        name=item.get("name", str),
        inputs=item.names("inputs"),
        parameters=item.names("parameters"),
        scalars=_scalars(item),
        state=tuple(_state_tensor(own) for own in item.items("state", [])),
        bound=item.optional("bound", str),
        loop=item.get("loop", int, 0),
        subsample=tuple(_subsample(own) for own in item.items("subsample", [])),
        over_rows=item.get("over_rows", bool, False),
    )


def _subsample(item: JsonObject) -> Subsample:
    """The declaration of a plate of which an update leaves out elements; raises ManifestError."""
    return Subsample(
        plate=item.get("plate", str),
        size=item.get("size", int),
        indices=item.names("indices"),
        parameters=item.names("parameters"),
        weight=item.optional("weight", str),
    )


def _scalars(item: JsonObject) -> dict[str, Scalar]:
    if "scalars" not in item.value:
        return _former_scalars(item)
    found = {}
    for argument, own in item.child("scalars").children():
        options = {key: value for key, value in own.value.items() if key != "kind"}
        found[argument] = Scalar(own.get("kind", str), options)
    return found


def _former_scalars(item: JsonObject) -> dict[str, Scalar]:
    """The scalars under the keys of specc 0.1, which old run folders have."""
    found = {}
    if item.get("needs_data_size", bool, False):
        found["data_size"] = Scalar("data_size")
    if warm_up := item.optional("warm_up", float):
        found["kl_weight"] = Scalar("kl_weight", {"warm_up": warm_up})
    for argument, of in item.get("shares", dict, {}).items():
        found[argument] = Scalar("observed_fraction", {"of": of})
    return found


def _state_tensor(item: JsonObject) -> StateTensor:
    """The declaration of a tensor of the state; raises ManifestError."""
    found = StateTensor(
        name=item.get("name", str),
        shape=item.sizes("shape"),
        dtype=item.get("dtype", str),
        initial=item.get("initial", float),
        layout=item.get("layout", str),
        spread=item.get("spread", float, 0.0),
    )
    if found.layout not in LAYOUTS:
        raise ManifestError(f"`{item.path}.layout` is {found.layout!r}, not one of {LAYOUTS}")
    if found.dtype not in DTYPES:
        raise ManifestError(f"`{item.path}.dtype` is {found.dtype!r}, not one of {DTYPES}")
    if found.is_sharded and not found.shape:
        raise ManifestError(f"`{item.path}` is sharded and has no axis to divide")
    if found.layout == "replicated" and found.dtype == "int64":
        raise ManifestError(f"`{item.path}` is replicated, so it is a mean, and cannot be int64")
    return found
