"""The types of catalog entries, without torch. The compiler depends on traits, never on names.

An entry is in a file with its name, or is a row of a table; the file of the same name under
`specc.runtime` has the implementation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, field

from specc.catalog.supports import REAL, Support

Shape = tuple[int, ...]
LimitKind = Literal["total", "least", "most"]


class Reference(Struct, frozen=True):
    """The source of a formula: a paper, and the equation or section in it."""

    cite: str
    where: str = ""


class Parameter(Struct, frozen=True):
    """A parameter of a distribution.

    `dims` are the symbolic sizes of its event: `()` for an elementwise parameter, `("n",)`
    for the logits of n classes, `("n", "n")` for a Cholesky factor.
    """

    name: str
    support: Support
    summary: str
    dims: tuple[str, ...] = ()


class Alternative(Struct, frozen=True):
    """Another way to give a parameter: `probs` for `logits`, through the function `logit`."""

    name: str
    replaces: str
    support: Support
    function: str


class Conditional(Struct, frozen=True):
    """The conditional distribution of a node of an energy, from the coefficients of the node.

    As a function of the value x of the node, given all others, the energy is

        E(x) = E(0) - sum_i c_i x_i + 1/2 sum_i a_i x_i^2,

    so p(x) is proportional to h(x) exp(sum_i c_i x_i - 1/2 a_i x_i^2), with h the `base` measure.

    - `quadratic`: the squares may be there, and a must be positive; otherwise a = 0.
    - `arguments`: the parameters as expressions of `c` and `a`.
    - `log_partition`: log sum_x h(x) exp(c x - 1/2 a x^2) over all values x, an integral for
      densities, as an expression of `c`, `a` and the other parameters. Several events, such as
      one-hot vectors, have one each.
    - `log_base`: log h(x) of one event, summed over its entries, as an expression of `x` and the
      other parameters; empty if h is 1.
    """

    arguments: Mapping[str, str]
    log_partition: str
    base: str
    quadratic: bool = False
    log_base: str = ""


class Distribution(Struct, frozen=True, dict=True):
    """A density or mass function with its parameters.

    - `result_dims`: the symbolic sizes of one draw.
    - `result`: the support of a draw, a function of the known sizes and literal parameters.
    - `options`: keys that are not tensors, such as `classes`, with the dim that each one binds.
    - `defaults`: values of optional parameters; `params:` does not feed them.
    - `finite`: a draw has finitely many values, which `enumerate_values` lists, if `result` is
      bounded.
    - `improper`: the density does not integrate to one, so the distribution has no draws.
    - `location_scale`: a draw is loc + scale e, with e a draw for loc 0 and scale 1.
    - `gaussian`: the two parameters are the mean and the standard deviation of a normal
      distribution.
    - `mean`: the mean exists and has a closed form.
    - `cdf`: the logarithms of the distribution function and of its complement, and the inverse.
    - `kl_with`: the distributions q with a closed-form divergence `kl_<q>`.
    - `limits`: the parameters that bound a draw: the entries sum to the `total`, and each of them
      is at `least` and at `most` that parameter.
    - `conditional`: how the distribution is derived from an energy; None if it cannot be.
    - `modifier`, `base`: the modifier that made it from another distribution, and that one.
    - `keys`: for each key that sets a parameter, that parameter, and the alternative (`probs` for
      `logits`) if the key is one.
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
    improper: bool = False
    location_scale: bool = False
    gaussian: bool = False
    reparameterized: bool = False
    relaxed: bool = False
    mean: bool = True
    entropy: bool = False
    cdf: bool = False
    kl_with: tuple[str, ...] = ()
    limits: Mapping[LimitKind, str] = field(default_factory=lambda: MappingProxyType({}))
    conditional: Conditional | None = None
    modifier: str = ""
    base: Distribution | None = None

    @cached_property
    def keys(self) -> Mapping[str, tuple[Parameter, Alternative | None]]:
        """For each key that sets a parameter, that parameter, and the alternative if it is one."""
        own = {parameter.name: parameter for parameter in self.parameters}
        others = {each.name: (own[each.replaces], each) for each in self.alternatives}
        keys = {**{name: (parameter, None) for name, parameter in own.items()}, **others}
        return MappingProxyType(keys)

    @property
    def stem(self) -> str:
        """The name of the module under `specc.runtime.distributions`."""
        return self.name


def always(support: Support) -> Callable[[Mapping[str, float]], Support]:
    """A `result` that does not depend on the parameters."""
    return lambda known: support


class Reduction(Struct, frozen=True):
    """One value from those on all elements of a plate, or the value on one of them.

    - `method`: the method of tensors that is called with the axis of the plate; an element has a
      `position` on that axis in its place, and the vector of all values is one if `flattens`.
    - `target`: the dotted name that is called as `target(x, lengths, dims=)` if rows have different
      numbers of elements, with the event rank `dims`.
    - `support`: the support of the result from that of the value.
    """

    target: str
    support: Callable[[Support], Support]
    method: str = ""
    position: int | None = None
    flattens: bool = False

    def shape(self, event: Shape, size: int) -> Shape:
        """The event shape of the result, from that of the value and the number of elements."""
        return (math.prod((size, *event)),) if self.flattens else event

    @property
    def selects(self) -> bool:
        """Whether the result is the value on one element."""
        return not (self.method or self.flattens)


class Function(Struct, frozen=True):
    """A function of expressions.

    - `target`: the dotted name that generated code calls, with `dims=`, the event rank of the
      argument at the position `rank_of`, if `event_dims`; or a method of tensors, as
      `torch.Tensor.amax`, that is called with the axes of the event, and not called for an event
      without axes. Events of an elementwise function are aligned at the right; an argument with
      fewer axes than `least_rank` gets axes of size 1 at its end.
    - `shape`: the event shape of the result from those of the arguments; raises `ShapeMismatch`.
    - `sizes`: the positions of arguments that are integers known at compile time; `shape` receives
      `(number,)` for them. Arguments from the position `numbers_from` on are numbers known at
      compile time.
    - `support`: the support of the result from those of the arguments.
    - `constant`: the result for arguments that are plain numbers, a number or nested tuples; None
      if it is not finite.
    - `indexes`: the result is the index of an entry of the argument, which counts from 0.
    - `linear`: f(a x + b y) = a f(x) + b f(y).
    - `adjoint`: the function f' of the same sizes with sum(y * f(x)) = sum(f'(y) * x), if f is
      linear and there is one.
    - `couples`: the pairs of entries of x, counted with the last axis running fastest, of which
      one is in the entry of f(x) at the place of the other, from the shape of x.
    - `of_data`: the argument is the name of an observed or given node, with `mask=` if entries of
      it may be missing.
    - `domain`: the arguments for which the result is finite.
    - `requires`: the supports that the arguments must have, in their order; None for any.
    - `gram`: if the first two arguments are equal, the result is a matrix of inner products, which
      is positive semidefinite.
    - `of_function`: the first argument is passed to `target` as a function of the second, a node.
    - `differentiates`: and the result is a derivative of that function, one for each row.
    - `detaches`: no gradient passes through the function.
    - `over_rows`: the result in one row depends on the arguments in other rows, except `sizes` and
      numbers; the function is available in losses only.
    - `remembers`: the result is drawn from rows of the first argument in this step and previous
      ones, a state of the loss; their number is the second argument. The result has no gradient.
    - `over_plate`: what the function does to the values on a plate, `sum(h, t)`.
    - `counts`: the argument may be a plate, and the result is then the number of each element.
    - `scalar`: the scalar that each step passes to a loss, which is the result; such a function has
      no arguments, and is available in losses only.
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
    indexes: bool = False
    linear: bool = False
    detaches: bool = False
    event_dims: bool = False
    rank_of: int = 0
    least_rank: int = 0
    sizes: tuple[int, ...] = ()
    of_data: bool = False
    references: tuple[Reference, ...] = ()
    domain: Support = REAL
    requires: tuple[Support | None, ...] = ()
    gram: bool = False
    of_function: bool = False
    differentiates: bool = False
    over_rows: bool = False
    remembers: bool = False
    scalar: str = ""
    numbers_from: int | None = None
    adjoint: str = ""
    couples: Callable[[Shape], Iterable[tuple[int, int]]] | None = None
    over_plate: Reduction | None = None
    counts: bool = False

    @property
    def method(self) -> str | None:
        """The method of tensors that `target` names, if it does."""
        home, _, name = self.target.rpartition(".")
        return name if home == "torch.Tensor" else None


class ShapeMismatch(Exception):
    """The shapes of the arguments of a function are incompatible; the text gives the reason."""


class Layer(Struct, frozen=True):
    """One torch module in a link: `target(*children, *arguments, **options)`.

    `target` is a torch class, such as `nn.Linear`, or the dotted name of a run-time class, such as
    `specc.runtime.links.residual.Residual`. `children` are the modules of a container such as
    `nn.Sequential`; `names` are their attributes, unless those are numbers. `own` are the
    parameters of a run-time class by name, without those of its children. `after_update` is the
    rule of `specc.runtime.after_update` by which buffers of the layer follow its parameters.
    """

    target: str
    arguments: tuple[object, ...] = ()
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    children: tuple[Layer, ...] = ()
    names: tuple[str, ...] = ()
    own: Mapping[str, Shape] = field(default_factory=lambda: MappingProxyType({}))
    after_update: str = ""


class Initializer(Struct, frozen=True):
    """The initialization of the weights of a link: a call `target(module, **options)`."""

    target: str
    options: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


class Lowered(Struct, frozen=True):
    """A link with known sizes: its layers in order, and the shape of their output.

    `init` is None for the default initialization of torch; the parameters of `frozen` layers have
    no gradient.
    """

    layers: tuple[Layer, ...]
    output: Shape
    init: Initializer | None = None
    frozen: bool = False
