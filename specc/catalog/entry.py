"""What a catalog entry says of itself, without torch. The compiler asks traits, never names.

An entry is a value of one of these records, in a file of its own named like the entry; the file of
the same stem under `specc.runtime` computes what is declared here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from specc.catalog.supports import REAL, Support

Shape = tuple[int, ...]
LimitKind = Literal["total", "least", "most"]


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a formula comes from: a paper, and the equation or section in it."""

    cite: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a distribution.

    `dims` are the symbolic sizes of one event of it: `()` for an elementwise parameter, `("n",)`
    for the logits of n classes, `("n", "n")` for a Cholesky factor.
    """

    name: str
    support: Support
    summary: str
    dims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way to give a parameter: `probs` for `logits`, through the function `logit`."""

    name: str
    replaces: str
    support: Support
    function: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """A density or mass function with its parameters.

    `result_dims` are the symbolic sizes of one draw. `result` gives the support of a draw from
    what is known of the parameters when compiling: the sizes bound to dims, and the literal
    parameter values. `options` names keys that are not tensors (such as `classes`) with the dim
    each one binds. `defaults` are the values of parameters that a spec may leave out; `params:`
    does not feed them. `finite` says that a draw has finitely many values, which `enumerate_values`
    lists, wherever `result` is bounded. `gaussian` says that its two parameters are the mean and
    the standard deviation of a normal distribution, entry by entry. `mean` says that the mean
    exists and is in closed form; `kl_with` names the distributions q for which `kl_<q>` is.
    `limits` names the parameters that bound a draw: the entries add up to the `total`, and each of
    them is at `least` and at `most` that parameter.
    """

    name: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    parameters: tuple[Parameter, ...]
    result: Callable[[Mapping[str, float]], Support]
    example: str
    result_dims: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    defaults: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    continuous: bool = True
    finite: bool = False
    gaussian: bool = False
    reparameterized: bool = False
    mean: bool = True
    entropy: bool = False
    kl_with: tuple[str, ...] = ()
    limits: Mapping[LimitKind, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def stem(self) -> str:
        """The module, under `specc.runtime.distributions`, that computes this entry."""
        return self.name


def always(support: Support) -> Callable[[Mapping[str, float]], Support]:
    """A `result` that does not depend on the parameters."""
    return lambda known: support


@dataclass(frozen=True, slots=True)
class Function:
    """A function of expressions.

    `target` is the dotted name that generated code calls with the arguments as they stand; where
    `event_dims`, also with `dims=`, the event rank of the first argument. Events of an elementwise
    function are aligned at the right; an argument of fewer axes than `least_rank` gets axes of
    size 1 at its end.

    `shape` gives the event shape of the result from those of the arguments and raises
    `ShapeMismatch`. `sizes` are the positions of arguments that are whole numbers known when
    compiling: for such an argument `shape` receives `(number,)`. `support` gives the support of
    the result from those of the arguments. `constant` gives the result, a number or nested tuples
    of numbers, where all arguments are plain numbers, which torch's own functions refuse; None
    where it is not finite. `linear` says that f(a x + b y) = a f(x) + b f(y). A function `of_data`
    takes the name of a node that the data gives, and `mask=` where entries of it may be missing.
    `domain` holds the arguments for which the result is a finite number.
    """

    name: str
    summary: str
    formula: str
    target: str
    arity: tuple[int, int | None]
    shape: Callable[[tuple[Shape, ...]], Shape]
    support: Callable[[tuple[Support, ...]], Support]
    example: str
    constant: Callable[..., object]
    elementwise: bool = True
    monotone: bool = False
    linear: bool = False
    event_dims: bool = False
    least_rank: int = 0
    sizes: tuple[int, ...] = ()
    of_data: bool = False
    references: tuple[Reference, ...] = ()
    domain: Support = REAL


class ShapeMismatch(Exception):
    """The shapes of a function's arguments do not go together; the text says why."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One torch module in a link: `target(*children, *arguments, **options)`.

    `target` is `nn.Linear` for torch's own, or the full dotted name of a class of the run time,
    such as `specc.runtime.links.residual.Residual`. `children` are the modules of a container
    such as `nn.Sequential`; `names` are the attributes that hold them, where those are no numbers.
    `own` are the parameters of a class of the run time itself, by name, without its children's.
    """

    target: str
    arguments: tuple[object, ...] = ()
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    children: tuple[Layer, ...] = ()
    names: tuple[str, ...] = ()
    own: Mapping[str, Shape] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Initializer:
    """How the weights of a link start: a call `target(module, **options)` after it is made."""

    target: str
    options: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Lowered:
    """A link with every size known: its layers, in order, and the shape that they return.

    `init` is None where torch's own start is wanted.
    """

    layers: tuple[Layer, ...]
    output: Shape
    init: Initializer | None = None


def elementwise_real(supports: tuple[Support, ...]) -> Support:
    """The support rule of a function that may return any number."""
    del supports
    return REAL
