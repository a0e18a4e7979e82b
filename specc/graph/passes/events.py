"""The shape of a random node's event and of its parameters, from what is known of either.

A distribution declares the sizes of one event of each parameter by symbolic dims; what stands
before them is repeated independently and broadcasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specc.catalog.entry import Alternative, Distribution, Parameter, Shape


def parameter_of(entry: Distribution, key: str) -> tuple[Parameter, Alternative | None]:
    """The parameter that `key` gives, and the alternative by which it does so."""
    alternative = next((a for a in entry.alternatives if a.name == key), None)
    name = alternative.replaces if alternative else key
    return next(p for p in entry.parameters if p.name == name), alternative


def takes(entry: Distribution, key: str) -> bool:
    """Whether the distribution has a parameter, or another way to give one, of that name."""
    known = {p.name for p in entry.parameters} | {a.name for a in entry.alternatives}
    return key in known


class Conflict(Exception):
    """Two sizes that must agree and do not."""

    def __init__(self, parameter: str, shape: Shape, wanted: Shape) -> None:
        super().__init__(parameter, shape, wanted)
        self.parameter, self.shape, self.wanted = parameter, shape, wanted


@dataclass(slots=True)
class Event:
    """What is known of one random node's sizes; it grows as its parameters become known."""

    entry: Distribution
    shape: Shape | None = None
    batch: Shape = ()
    dims: dict[str, int] = field(default_factory=dict)

    def declare(self, shape: Shape) -> None:
        """The event has this shape: by `shape:`, by its data, or by the node that it guides."""
        rank = len(self.entry.result_dims)
        if len(shape) < rank:
            raise Conflict("shape", shape, ("n",) * rank)  # type: ignore[arg-type]
        self.shape = shape
        self.batch = shape[: len(shape) - rank]
        for dim, size in zip(self.entry.result_dims, shape[len(shape) - rank :], strict=True):
            self._bind("shape", dim, size, shape)

    def observe(self, parameter: Parameter, shape: Shape) -> None:
        """A parameter has this shape."""
        rank = len(parameter.dims)
        if len(shape) >= rank:
            batch, own = shape[: len(shape) - rank], shape[len(shape) - rank :]
        elif shape == ():
            return
        else:
            raise Conflict(parameter.name, shape, self.wanted(parameter) or ())
        try:
            for dim, size in zip(parameter.dims, own, strict=True):
                self._bind(parameter.name, dim, size, shape)
        except Conflict as conflict:
            # Of a matrix beside a vector, what the vector is says more than one of two sizes.
            vector = self.result() if rank > len(self.entry.result_dims) > 0 else None
            raise Conflict(parameter.name, shape, vector or conflict.wanted) from None
        joined = broadcast(self.batch, batch)
        if joined is None or (self.shape is not None and joined != self.batch):
            raise Conflict(parameter.name, shape, self.wanted(parameter) or ())
        self.batch = joined

    def wanted(self, parameter: Parameter) -> Shape | None:
        """The full shape of a parameter, or None while a dim of it is unknown."""
        if any(dim not in self.dims for dim in parameter.dims):
            return None
        return self.batch + tuple(self.dims[dim] for dim in parameter.dims)

    def result(self) -> Shape | None:
        """The shape of the event, or None while a dim of it is unknown."""
        if self.shape is not None:
            return self.shape
        if any(dim not in self.dims for dim in self.entry.result_dims):
            return None
        return self.batch + tuple(self.dims[dim] for dim in self.entry.result_dims)

    def bind_options(self, sizes: Mapping[str, int]) -> None:
        """Options such as `classes: 10` name a dim's size directly."""
        for option, dim in self.entry.options.items():
            if option in sizes:
                self._bind(option, dim, sizes[option], (sizes[option],))

    def _bind(self, name: str, dim: str, size: int, shape: Shape) -> None:
        known = self.dims.setdefault(dim, size)
        if known != size:
            raise Conflict(name, shape, (*shape[:-1], known))


def broadcast(left: Shape, right: Shape) -> Shape | None:
    """The shape to which both broadcast, aligned at the right; None where they do not."""
    longest = max(len(left), len(right))
    padded = zip(
        (1,) * (longest - len(left)) + left, (1,) * (longest - len(right)) + right, strict=True
    )
    sizes = []
    for a, b in padded:
        if a != b and 1 not in (a, b):
            return None
        sizes.append(max(a, b) if 0 not in (a, b) else 0)
    return tuple(sizes)
