"""What the entries of the catalog are called elsewhere: in Pyro, Stan, PyTorch and the papers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from specc.diagnostics.nearest import nearest

_ELSEWHERE: dict[str, str] = {
    # distributions
    "normal": "gaussian norm normal_diag",
    "multivariate_normal": "mvn multi_normal multi_normal_cholesky multivariate_gaussian",
    "categorical": "multinoulli discrete categorical_logit",
    "one_hot_categorical": "one_hot",
    "bernoulli": "bernoulli_logit binary coin",
    "laplace": "double_exponential",
    "log_normal": "log_gaussian",
    "student_t": "t",
    "half_normal": "half_gaussian",
    "negative_binomial": "neg_binomial neg_binomial_2",
    # parameters
    "loc": "mean mu location",
    "scale": "std stddev sd sigma standard_deviation",
    "probs": "p prob probabilities theta",
    "logits": "logit log_odds",
    "rate": "lambda lam",
    "concentration": "alpha shape_parameter",
    "concentration1": "alpha a",
    "concentration0": "beta b",
    "total_count": "n trials",
    "df": "nu dof",
    "low": "a lower",
    "high": "b upper",
    # functions
    "log": "ln",
    "sigmoid": "expit inv_logit",
    "exp": "e",
    "square": "pow2",
    "abs": "absolute",
    "concat": "cat concatenate stack",
    "clip": "clamp",
    "stop": "detach stop_gradient",
    "logsumexp": "log_sum_exp",
    # activations
    "silu": "swish",
    "leaky_relu": "lrelu",
    # links
    "linear": "dense affine",
    "mlp": "ffn feedforward feed_forward fully_connected fc nn sequential",
    "conv": "cnn conv2d convolution",
    "deconv": "conv_transpose conv_transpose2d transposed_conv",
    "resnet": "residual_network",
    # draws
    "pathwise": "reparam reparameterize reparameterized reparametrize rsample",
    "score": "reinforce score_function likelihood_ratio",
    "enumerate": "marginalize parallel sequential_enumeration",
    # objectives
    "elbo": "vae svi trace_elbo vi evidence_lower_bound",
    "iwae": "iwelbo iw_elbo renyi",
    "mle": "ml nll maximum_likelihood log_likelihood",
    "map": "maximum_a_posteriori",
}

OTHER_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {ours: tuple(others.split()) for ours, others in _ELSEWHERE.items()}
)
"""Names of other libraries, by ours."""


def meant(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` stands for: one called so elsewhere, else one spelt nearly so."""
    known = tuple(candidates)
    plain = name.strip().casefold().replace("-", "_")
    for ours in known:
        if plain in OTHER_NAMES.get(ours, ()) and name not in known:
            return ours
    return nearest(name, known)


__all__ = ["OTHER_NAMES", "meant"]
