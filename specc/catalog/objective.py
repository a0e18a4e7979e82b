"""The catalog entries of named objectives and draws. The compiler uses traits, never names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct, field

from specc.catalog.entry import Reference


class Objective(Struct, frozen=True):
    """A named objective: a short name for an expression of the programs.

    The bound is the `reduction` over particles of the sum of the log-densities of the model, minus
    those of the guide if `guided`.

    - `finite`: the draw of a discrete latent of the guide: the compiler chooses it, it is a
      score-function estimator, or discrete latents are refused.
    - `contrastive`: the loss is the energy of the data minus that of draws by a Markov chain; the
      model has an energy.
    - `exact`: the bound is log p(x) itself, also of an energy, whose states are then summed.
    - `conditionals`: the bound is the sum of the log-densities of single entries of the data, each
      given all others; the model has an energy.
    - `points`: a continuous global latent without a guide is a learnt point.
    - `unconstrained`: the density is that of the unconstrained numbers of these points, with the
      log-determinants of the maps onto their supports: a sampler draws from it.
    - `variable`: the name of the bound in generated code and in metrics.
    - `options` and `meanings`: the defaults and the descriptions of the options; `words` has the
      values of those that are words.
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
    options: Mapping[str, bool | int | float | str] = field(
        default_factory=lambda: MappingProxyType({})
    )
    words: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    meanings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    finite: Literal["choose", "score function", "refuse"] = "choose"
    points: bool = False
    contrastive: bool = False
    exact: bool = False
    conditionals: bool = False
    unconstrained: bool = False


class Variant(Struct, frozen=True):
    """A value of the option of a draw, and its effect on the gradient.

    - `stops_parameters`: the parameters of log q are constants; it depends on the sample alone.
    - `needs_particles`: the minimum number of particles.
    - `high_variance`: the compiler warns of the variance of the gradient.
    - `automatic`: the compiler may choose the variant if the spec does not; it chooses the last
      such variant with enough particles.

    The other fields name functions in `specc.runtime.draws.score`:

    - `baseline`: subtracts a baseline from the learning signals of a node, computed from those of
      other rows or other particles (`over`).
    - `of_log_weights`: the learning signals of the log of a mean over particles, from their log
      weights.
    - `of_weights`: weighs the gradient of each draw by its normalized importance weight once more;
      the function is in `specc.runtime.draws.pathwise`.
    - `hardens`: the value of a relaxed draw is rounded, and its gradient is not.
    - `running`: the running mean of the learning signals, a state of the loss that is subtracted.
    - `scale`: divides the signals by their running standard deviation, another state.
    - `learnt`: a value of the program is subtracted first, and trained by the squared error.
    """

    name: str = ""
    stops_parameters: bool = False
    needs_particles: int = 1
    high_variance: bool = False
    automatic: bool = True
    baseline: str = ""
    over: Literal["rows", "particles"] = "rows"
    of_log_weights: str = ""
    of_weights: str = ""
    hardens: bool = False
    running: str = ""
    scale: str = ""
    learnt: bool = False


class Draw(Struct, frozen=True):
    """The treatment of a random node in an objective, with the required traits (`needs_`).

    The value of the node is a sample (`sampled`), all values of a finite node along an axis
    (`enumerated`), a basis of the space of values along an axis (`integrated`), or a learnt
    parameter (`point`), or a state of a Markov chain (`chain`), without a gradient. The gradient
    of a sample is that through the value (`pathwise`), that through a continuous value in place of
    a discrete one (`relaxed`, biased), or the score function, grad log q, times the costs
    (`score_function`).

    `variants` has the values of the `option`, the default first, and `meaning` describes it;
    `numbers` has the defaults of options that are positive numbers, with their `meanings`. The
    option `value` names the node of a learnt baseline. A draw that `marginalizes` can be used for
    `missing:`: missing entries are integrated out.
    """

    name: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    option: str = ""
    variants: tuple[Variant, ...] = (Variant(),)
    meaning: str = ""
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    meanings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    value: str = ""
    value_meaning: str = ""
    needs_reparameterized: bool = False
    needs_finite: bool = False
    needs_continuous: bool = False
    needs_gaussian: bool = False
    sampled: bool = False
    pathwise: bool = False
    relaxed: bool = False
    score_function: bool = False
    enumerated: bool = False
    integrated: bool = False
    point: bool = False
    marginalizes: bool = False
    chain: bool = False

    @property
    def stops_gradient(self) -> bool:
        """Whether it is a sample without a gradient, pathwise or of the score function."""
        return self.sampled and not (self.pathwise or self.relaxed or self.score_function)

    @property
    def options(self) -> tuple[str, ...]:
        """The values of the option, the default first."""
        return tuple(variant.name for variant in self.variants)

    @property
    def has_axis(self) -> bool:
        """Whether the node has an axis of its values, or of a basis of them."""
        return self.enumerated or self.integrated

    def variant(self, name: str) -> Variant:
        """The variant with this name; raises KeyError if there is none."""
        return {variant.name: variant for variant in self.variants}[name]

    def automatic(self, particles: int) -> Variant:
        """The variant that the compiler chooses: the last automatic one with enough particles."""
        fitting = [v for v in self.variants if v.automatic and v.needs_particles <= particles]
        return fitting[-1]
