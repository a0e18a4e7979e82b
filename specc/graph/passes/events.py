"""The shapes of the event of a random node and of its parameters, inferred from each other.

A distribution declares the event sizes of each parameter by symbolic dims; axes before them are
independent repetitions and broadcast.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from specc.catalog.arithmetic import broadcast
from specc.catalog.entry import Distribution, Parameter, Shape


class Conflict(Exception):
    """Raised if two sizes that must be equal differ."""

    def __init__(self, parameter: str, shape: Shape, wanted: Shape) -> None:
        super().__init__(parameter, shape, wanted)
        self.parameter, self.shape, self.wanted = parameter, shape, wanted


class Event(Struct):
    """The known sizes of a random node, updated as its parameters become known."""

    entry: Distribution
    shape: Shape | None = None
    batch: Shape = ()
    dims: dict[str, int] = field(default_factory=dict)

    def declare(self, shape: Shape) -> None:
        """Sets the shape of the event, from `shape:`, the data, or the node of the model."""
        rank = len(self.entry.result_dims)
        if len(shape) < rank:
            raise Conflict("shape", shape, ("n",) * rank)  # type: ignore[arg-type]
        self.shape = shape
        self.batch = shape[: len(shape) - rank]
        for dim, size in zip(self.entry.result_dims, shape[len(shape) - rank :], strict=True):
            self._bind("shape", dim, size, shape)

    def observe(self, parameter: Parameter, shape: Shape) -> None:
        """Sets the shape of a parameter."""
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
            # For a matrix parameter of a vector, the message shows the shape of the vector.
            vector = self.result() if rank > len(self.entry.result_dims) > 0 else None
            raise Conflict(parameter.name, shape, vector or conflict.wanted) from None
        joined = broadcast(self.batch, batch)
        if joined is None or (self.shape is not None and joined != self.batch):
            raise Conflict(parameter.name, shape, self.wanted(parameter) or ())
        self.batch = joined

    def wanted(self, parameter: Parameter) -> Shape | None:
        """The complete shape of a parameter, or None while one of its dims is unknown."""
        if any(dim not in self.dims for dim in parameter.dims):
            return None
        return self.batch + tuple(self.dims[dim] for dim in parameter.dims)

    def result(self) -> Shape | None:
        """The shape of the event, or None while one of its dims is unknown."""
        if self.shape is not None:
            return self.shape
        if any(dim not in self.dims for dim in self.entry.result_dims):
            return None
        return self.batch + tuple(self.dims[dim] for dim in self.entry.result_dims)

    def bind_options(self, sizes: Mapping[str, int]) -> None:
        """Sets the dims of options such as `classes: 10`."""
        for option, dim in self.entry.options.items():
            if option in sizes:
                self._bind(option, dim, sizes[option], (sizes[option],))

    def _bind(self, name: str, dim: str, size: int, shape: Shape) -> None:
        known = self.dims.setdefault(dim, size)
        if known != size:
            raise Conflict(name, shape, (*shape[:-1], known))
