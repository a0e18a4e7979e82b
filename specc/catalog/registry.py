"""The entries of the catalog by name.

A registry maps names to modules; a module is imported when one of its entries is first used. It
declares one `ENTRY` with the name of the module, or a table of several `ENTRIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from specc.catalog.bijection import Bijection
    from specc.catalog.causal import Causal
    from specc.catalog.chain import Chain
    from specc.catalog.entry import Distribution, Function
    from specc.catalog.guide import Guide
    from specc.catalog.link import Link
    from specc.catalog.metric import Metric, Named
    from specc.catalog.modifier import Modifier
    from specc.catalog.objective import Draw, Objective
    from specc.catalog.sampler import Sampler
    from specc.catalog.shorthand import Shorthand
    from specc.catalog.source import Source

    Kind = Link[Any] | Bijection[Any] | Causal[Any]

Entry = TypeVar("Entry")


class Registry(Mapping[str, Entry], Generic[Entry]):
    """Entries by name, in alphabetical order; an unknown name raises `KeyError`."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = dict(sorted(modules.items()))
        self._entries: dict[str, Entry] = {}

    def __getitem__(self, name: str) -> Entry:
        if name not in self._entries:
            module: Any = import_module(f"specc.catalog.{self._modules[name]}")
            declared = getattr(module, "ENTRIES", None) or (module.ENTRY,)
            self._entries.update({entry.name: entry for entry in declared})
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def first(self, has: Callable[[Entry], bool]) -> Entry:
        """The first entry with a trait; raises `StopIteration` if there is none."""
        return next(entry for entry in self.values() if has(entry))


class Distributions(Registry["Distribution"]):
    """The distributions by name, and modified ones by `modifier(distribution)`."""

    def __init__(self, modules: Mapping[str, str], modifiers: Registry[Modifier]) -> None:
        super().__init__(modules)
        self.modifiers = modifiers

    def __getitem__(self, name: str) -> Distribution:
        if name in self._modules or name in self._entries:
            return super().__getitem__(name)
        outer, inner = self.parts(name)
        if inner is None or outer not in self.modifiers or inner not in self:
            raise KeyError(name)
        modifier, base = self.modifiers[outer], self[inner]
        if modifier.problem(base):
            raise KeyError(name)
        return self._entries.setdefault(name, modifier(base))

    def __contains__(self, name: object) -> bool:
        if name in self._modules or name in self._entries:
            return True
        try:
            return isinstance(name, str) and self[name] is not None
        except KeyError:
            return False

    def parts(self, name: str) -> tuple[str, str | None]:
        """The modifier and what it modifies; a name without parentheses has only the first."""
        outer, opened, rest = name.partition("(")
        inner = rest.strip()
        if not opened or not inner.endswith(")"):
            return name, None
        return outer.strip(), inner[:-1].strip()

    def problem(self, name: str) -> str:
        """Why the modifier cannot modify its distribution; empty unless both are known."""
        outer, inner = self.parts(name)
        if inner is None or outer not in self.modifiers:
            return ""
        return self.modifiers[outer].problem(self[inner]) if inner in self else self.problem(inner)


def _files(folder: str, names: str) -> dict[str, str]:
    """The modules of entries with a file each."""
    return {name: f"{folder}.{name}" for name in names.split()}


def _rows(table: str, names: str) -> dict[str, str]:
    """The module of entries in one file."""
    return dict.fromkeys(names.split(), table)


_LINKS = _files("links", "conv convolution deconv embed ema gru layers linear mlp resnet set")
_CAUSAL_LINKS = _files("causal_links", "causal_conv masked_conv masked_mlp nade transformer")
_BIJECTIONS = {
    **_files(
        "bijections",
        "actnorm affine convex_potential ffjord fixed glow invertible masked_convolution nsf "
        "permutation",
    ),
    **_rows("onto", "onto"),  # the maps onto supports, which need bijections themselves
    **_rows("bijections.autoregressive", "iaf maf"),
    **_rows("bijections.contractions", "implicit residual"),
    **_rows("bijections.couplings", "nice realnvp"),
    **_rows("bijections.elementwise", "exp sigmoid softplus tanh"),
    **_rows("bijections.planar_radial", "planar radial"),
    **_rows("bijections.sigmoidal", "mixture_cdf naf"),
}

MODIFIERS: Registry[Modifier] = Registry(
    _files("modifiers", "censored hurdle mixture ordered truncated zero_inflated")
)
"""What makes a distribution from another one, as in `truncated(normal)`."""
DISTRIBUTIONS = Distributions(
    _files(
        "distributions",
        "bernoulli beta beta_binomial binomial categorical cauchy continuous_bernoulli "
        "dirichlet dirichlet_multinomial discretized_logistic exponential gamma "
        "generalized_normal gumbel half_cauchy half_normal half_student_t improper_uniform "
        "inverse_gamma "
        "laplace lkj_cholesky log_normal logistic lowrank_multivariate_normal multinomial "
        "multivariate_normal multivariate_student_t negative_binomial normal "
        "one_hot_categorical ordered_logistic pareto poisson student_t uniform von_mises "
        "weibull",
    ),
    MODIFIERS,
)
FUNCTIONS: Registry[Function] = Registry(
    {
        **_rows(
            "functions.elementwise",
            "abs clip cos erf exp expm1 known lgamma log log1p log_probs logit relu sigmoid sin "
            "softplus sqrt square stop tanh",
        ),
        **_rows("functions.buffers", "buffer"),
        **_rows("functions.calculus", "grad laplacian rk4"),
        **_rows(
            "functions.conditional_discrepancies",
            "energy_conditional_mmd linear_conditional_mmd rational_quadratic_conditional_mmd "
            "rbf_conditional_mmd",
        ),
        **_rows("functions.cumulative", "cumprod cumsum diff sort"),
        **_rows("functions.discrepancies", "energy_mmd linear_mmd rational_quadratic_mmd rbf_mmd"),
        **_rows("functions.images", "average_pool blocks neighbors unblocks"),
        **_rows("functions.kernels", "matern12 matern32 matern52 periodic rbf"),
        **_rows(
            "functions.matrices",
            "cholesky inverse_cholesky diag diagonal logdet outer solve solve_triangular transpose",
        ),
        **_rows("functions.plates", "first index last"),
        **_rows("functions.reductions", "argmax argmin logsumexp max mean min mse norm prod sum"),
        **_rows("functions.schedules", "progress"),
        **_rows(
            "functions.vectors",
            "append_zero concat dot drop_last eye flatten linspace log_softmax one_hot softmax "
            "squared_distances",
        ),
    }
)
LINKS: Registry[Link[Any]] = Registry(_LINKS)
CAUSAL_LINKS: Registry[Causal[Any]] = Registry(_CAUSAL_LINKS)
BIJECTIONS: Registry[Bijection[Any]] = Registry(_BIJECTIONS)
KINDS: Registry[Kind] = Registry({**_LINKS, **_BIJECTIONS, **_CAUSAL_LINKS})
"""All entries that a spec can declare under `links:`."""
DRAWS: Registry[Draw] = Registry(
    _rows("draws", "delta detached enumerate integrate pathwise relax score")
)
CHAINS: Registry[Chain] = Registry(_files("chains", "hmc langevin mala"))
"""Markov chains of continuous values, along the gradient of a log-density."""
OBJECTIVES: Registry[Objective] = Registry(
    _rows("objectives", "cd elbo iwae map mle pseudolikelihood vimco")
)
SAMPLERS: Registry[Sampler] = Registry(_files("samplers", "hmc mala nuts psgld sghmc sgld sgnht"))
"""What draws the latents of a model by Markov chains, in place of an objective."""
GUIDES: Registry[Guide] = Registry(
    _files("guides", "delta iaf inverse low_rank mean_field multivariate_normal")
)
"""Guides that the compiler derives from the model: `guide: auto`."""
SHORTHANDS: Registry[Shorthand] = Registry(
    _files(
        "shorthands",
        "denoising_score_matching gan mmd noise_contrastive relativistic_gan rws score_matching "
        "sliced_score_matching wake_sleep",
    )
)
"""Objectives that are short for several players."""
SOURCES: Registry[Source] = Registry(
    _rows(
        "sources",
        "counts csv curves digits idx images json mnist npy npz parquet point_clouds text_file toy",
    )
)
KERNELS: Registry[Named] = Registry(_files("kernels", "energy linear rational_quadratic rbf"))
"""Kernels of two rows, for discrepancies."""
FEATURES: Registry[Named] = Registry(_files("features", "classifier inception raw"))
METRICS: Registry[Metric] = Registry(
    _files(
        "metrics",
        "frechet label_accuracy mmd mode_coverage precision_recall sliced_wasserstein",
    )
)


RENAMED = frozenset({"first", "index", "last"})
"""The functions whose implementation has another name than in a spec."""


def module_names() -> frozenset[str]:
    """The names of what generated code can import for an entry."""
    from specc.catalog.modifier import class_name

    classes = {class_name(modifier) for modifier in MODIFIERS}
    return frozenset({*DISTRIBUTIONS, *FUNCTIONS, *classes}) - RENAMED


def source_by_ending() -> dict[str, str]:
    """The source that reads a file, by the ending of its name."""
    return {ending: source.name for source in SOURCES.values() for ending in source.endings}
