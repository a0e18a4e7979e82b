"""Names from other libraries and papers that specc lacks, each with an alternative.

A short name such as `bnaf` is similar to unrelated names, so these names are never treated as
misspellings.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ALTERNATIVES: dict[str, str] = {
    # flows
    "bnaf sos sos_flow monotone": (
        "block neural autoregressive and sum-of-squares flows are not available; `naf` has "
        "monotone networks of each entry, and `nsf` with `autoregressive: true` monotone splines"
    ),
    "sylvester householder": (
        "Sylvester and Householder flows are not available; `planar`, `radial` and `iaf` serve "
        "the same end in a guide"
    ),
    "flow normalizing_flow nf coupling": (
        "a flow is made of bijections, declared under `links:` as in "
        "`flow: {realnvp: {layers: 8, hidden: [128, 128]}}`"
    ),
    "lu conv1x1 invertible_conv rotation": (
        "a matrix with an inverse is `invertible`; `glow` has one in each of its steps"
    ),
    # networks
    "attention self_attention multihead_attention bert": (
        "a causal link `transformer` attends to the entries of its own node before each; other "
        "attention is an expression, such as `softmax(q @ transpose(k)) @ v` of matrices"
    ),
    "lstm rnn vanilla_rnn recurrent": "`gru` is the recurrent link of this version",
    "unet u_net": (
        "a network with skips between scales is written out: `convolution` and `average_pool` go "
        "down, `deconv` goes up, and sums are the skips"
    ),
    "gnn gcn graph_conv mpnn gat": (
        "a network on a graph is an expression, such as `relu(a @ x @ w)` of an adjacency matrix a"
    ),
    "deep_set deepset deep_sets set_transformer": (
        "the link `set` is a network of a set: `{set: [64], pool: mean, hidden: [64]}`"
    ),
    "embedding lookup": (
        "the link `embed` has a vector for each class: `table: embed`, used as `table(y)`"
    ),
    "moe mixture_of_experts": (
        "a mixture of networks is `mixture(normal)` whose `weights:` and `loc:` are nodes that "
        "links feed"
    ),
    "vit clip_encoder": "attention on images is not available; `conv` reads images",
    "siren fourier_features": (
        "networks of sines are not available; `sin` and `cos` are functions of nodes, and an "
        "`mlp` takes what they give"
    ),
    "highway densenet": "`resnet` has skips between its layers",
    "hypernetwork hypernet": (
        "weights that a network makes are a node, such as `w: {let: net(c), shape: [3, 8]}`, used "
        "as `w @ x`"
    ),
    # distributions
    "mixture_same_family mixture_model gmm": (
        "it is `mixture(normal)` with `weights:`; if its class is a node, it is a `categorical` "
        "latent that no guide draws, which is summed out"
    ),
    "delta dirac deterministic point_mass": "what has one value is `{let: ...}`",
    "geometric": "it is `negative_binomial` with `total_count: 1`",
    "chi2 chisquared chi_squared chisquare": (
        "it is `gamma` with `concentration: df / 2` and `rate: 0.5`"
    ),
    "erlang": "it is `gamma` with an integer as its `concentration`",
    "wishart inverse_wishart": (
        "a prior of covariances is `lkj_cholesky` for the correlations, with rows scaled by a "
        "`half_normal` vector; a matrix without a prior is `{parameter: positive_definite}`"
    ),
    "concrete gumbel_softmax relaxed_bernoulli relaxed_categorical relaxed_one_hot_categorical": (
        "write `bernoulli` or `one_hot_categorical`, and `draw: relax` in the guide"
    ),
    "logistic_normal": "let it be `softmax(u)` of a `normal` node `u`",
    "zero_inflated_poisson zip zero_inflated_negative_binomial zinb": (
        "it is `zero_inflated(poisson)` with `gate:`, or of another distribution of counts"
    ),
    "truncated_normal truncated_distribution": (
        "it is `truncated(normal)` with `lower:` and `upper:`"
    ),
    "skew_normal kumaraswamy": (
        "it is not available; for positive numbers there are `gamma`, `log_normal`, `weibull` and "
        "`half_normal`, for (0, 1) `beta`, for heavy tails `student_t`"
    ),
    "gaussian_process gp": (
        "it is `multivariate_normal` with a kernel as its `covariance_matrix`, such as "
        "`rbf(x, x, length_scale) + noise ** 2 * eye(n)`"
    ),
    "ar random_walk gaussian_random_walk": (
        "a walk is a node on a plate with `scan:` that uses itself at the step before, `z[t-1]`"
    ),
    # objectives
    "diffusion ddpm denoising": (
        "a diffusion is a chain of latents whose guide has numbers alone, with "
        "`elbo: {steps: random}`, or `minimize:` of the squared error of a predicted noise"
    ),
    "flow_matching rectified_flow": (
        "it is `minimize:` of the squared error of a velocity between noise and data, which `rk4` "
        "integrates to a sample; `ffjord` is such a flow with a density"
    ),
    "l2 squared_error": "it is `mle` with a `normal` node of a fixed `scale`",
    "l1 mae": "it is `mle` with a `laplace` node of a fixed `scale`",
    "bce cross_entropy ce": "it is `mle` with a `bernoulli` or `categorical` node",
    "beta_vae beta_elbo": (
        'write it out: `{minimize: "-log_prob(model.x) + beta * kl(guide.z, model.z)"}`'
    ),
    "nuts hmc mcmc gibbs langevin mala sgld sghmc sgnht psgld": (
        "chains draw the latents by `sampler: {nuts: {chains: 4}}` in place of an objective, or "
        "beside one"
    ),
    "em expectation_maximization": (
        "finite latents that no guide draws are summed out, so `mle` climbs the same likelihood; "
        "Monte Carlo EM is an objective beside `sampler:`"
    ),
}

ALTERNATIVES: Mapping[str, str] = MappingProxyType(
    {name: alternative for names, alternative in _ALTERNATIVES.items() for name in names.split()}
)
"""The alternative for each unavailable name."""


def plain(name: str) -> str:
    """The name in lower case with `_` instead of `-`."""
    return name.strip().casefold().replace("-", "_")


def alternative(name: str) -> str:
    """The alternative for an unavailable name; "" for all other names."""
    return ALTERNATIVES.get(plain(name), "")


__all__ = ["ALTERNATIVES", "alternative", "plain"]
