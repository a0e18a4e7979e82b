"""What a named objective and a draw say of themselves. The compiler reads traits, never names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from specc.catalog.entry import Reference


@dataclass(frozen=True, slots=True)
class Objective:
    """A short name for an expression over the programs.

    The bound is the `reduction` over particles of the sum of the model's log-densities, less the
    guide's where `guided`. `finite` says how a discrete latent of the guide is drawn: by what fits
    best, by a score-function estimator, or not at all. With `points` a continuous global latent
    without a guide is a learnt point.
    `variable` is the bound's name in generated code and in metrics. `options` are the defaults of
    its options, and `meanings` what each of them does.
    """

    name: str
    title: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    guided: bool
    variable: str
    reduction: Literal["mean", "logmeanexp"] = "mean"
    options: Mapping[str, int | float] = field(default_factory=lambda: MappingProxyType({}))
    meanings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    finite: Literal["choose", "score function", "refuse"] = "choose"
    points: bool = False


@dataclass(frozen=True, slots=True)
class Variant:
    """One value of a draw's option, and what it changes in the gradient.

    `stops_parameters`: log q is a function of the sample alone, its parameters are constants.
    `needs_particles` is the least number of particles that it takes. `high_variance` earns a
    warning. `automatic`: the compiler chooses it where the spec is silent; of several, the last one
    for which there are particles.

    The rest are names of functions in `specc.runtime.draws.score`. `baseline` takes a baseline off
    the signals of a node, from those of other rows or of other particles (`over`);
    `of_log_weights` makes the signals of a log of a mean over particles from their log weights;
    `running` is the mean that goes from step to step as state of the loss, and is taken off.
    """

    name: str = ""
    stops_parameters: bool = False
    needs_particles: int = 1
    high_variance: bool = False
    automatic: bool = True
    baseline: str = ""
    over: Literal["rows", "particles"] = "rows"
    of_log_weights: str = ""
    running: str = ""


@dataclass(frozen=True, slots=True)
class Draw:
    """A way in which a random node's value comes about, with what it needs of the distribution.

    Of the value: it is a sample (`sampled`), every value of a finite node on an axis
    (`enumerated`), a basis of the space of values on an axis (`integrated`), or a parameter
    (`point`). Of the gradient of a sample: it passes through the value (`pathwise`), or is the
    score function, grad log q, times the costs (`score_function`).

    `variants` lists the values of the draw's one option, the default first, and `meaning` what
    they decide. `marginalizes`: data whose entries may be missing can name it, and nothing is drawn
    then.
    """

    name: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    option: str = ""
    variants: tuple[Variant, ...] = (Variant(),)
    meaning: str = ""
    needs_reparameterized: bool = False
    needs_finite: bool = False
    needs_continuous: bool = False
    needs_gaussian: bool = False
    sampled: bool = False
    pathwise: bool = False
    score_function: bool = False
    enumerated: bool = False
    integrated: bool = False
    point: bool = False
    marginalizes: bool = False

    @property
    def stops_gradient(self) -> bool:
        """Whether it is a sample through which, and for which, there is no gradient."""
        return self.sampled and not (self.pathwise or self.score_function)

    @property
    def options(self) -> tuple[str, ...]:
        """The values of the option, the default first."""
        return tuple(variant.name for variant in self.variants)

    @property
    def has_axis(self) -> bool:
        """Whether an axis runs over the node's values, or over a basis of them."""
        return self.enumerated or self.integrated

    def variant(self, name: str) -> Variant:
        """The variant of that name; KeyError if there is none."""
        return {variant.name: variant for variant in self.variants}[name]

    def automatic(self, particles: int) -> Variant:
        """The variant that the compiler chooses: the last automatic one that has its particles."""
        fitting = [v for v in self.variants if v.automatic and v.needs_particles <= particles]
        return fitting[-1]
