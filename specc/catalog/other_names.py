"""The names of catalog entries in Pyro, Stan, PyTorch and papers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from specc.catalog.elsewhere import ALTERNATIVES, plain
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
    "improper_uniform": "flat improper",
    "half_normal": "half_gaussian",
    "negative_binomial": "neg_binomial neg_binomial_2 gamma_poisson",
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
    "conv": "cnn conv2d",
    "deconv": "conv_transpose conv_transpose2d transposed_conv",
    "resnet": "residual_network",
    "masked_mlp": "made masked_autoencoder",
    "masked_conv": "pixelcnn pixel_cnn gated_pixelcnn",
    "causal_conv": "wavenet tcn temporal_conv",
    "nade": "eonade neural_autoregressive",
    "transformer": "gpt transformer_decoder",
    # bijections
    "realnvp": "rnvp real_nvp affine_coupling",
    "nice": "additive_coupling",
    "nsf": "neural_spline neural_spline_flow spline rqs rational_quadratic spline_coupling",
    "maf": "masked_autoregressive masked_autoregressive_flow",
    "iaf": "inverse_autoregressive inverse_autoregressive_flow",
    "naf": "neural_autoregressive neural_autoregressive_flow dsf deep_sigmoidal",
    "mixture_cdf": "flowpp flow_plus_plus mix_log_cdf mixture_of_logistics_coupling",
    "convex_potential": "cp_flow cpflow icnn input_convex brenier",
    "masked_convolution": "mintnet masked_convolutional_flow",
    "ffjord": "cnf ode neural_ode node_flow otflow continuous_flow",
    "residual": "iresnet i_resnet invertible_resnet residual_flow",
    "implicit": "implicit_flow",
    "actnorm": "act_norm batch_norm_flow",
    "permutation": "permute shuffle",
    # draws
    "relax": "relaxed straight_through",
    "pathwise": "reparam reparameterize reparameterized reparametrize rsample",
    "score": "reinforce score_function likelihood_ratio",
    "enumerate": "marginalize parallel sequential_enumeration",
    # objectives
    "elbo": "vae svi trace_elbo vi evidence_lower_bound",
    "iwae": "iwelbo iw_elbo renyi",
    "mle": "ml nll maximum_likelihood log_likelihood",
    "map": "maximum_a_posteriori",
    "gan": "adversarial wgan lsgan hinge_gan",
    "wake_sleep": "helmholtz helmholtz_machine",
    "noise_contrastive": "nce noise_contrastive_estimation",
    "denoising_score_matching": "dsm",
    "sliced_score_matching": "ssm",
    # metrics, kernels
    "frechet": "fid frechet_inception_distance frechet_distance",
    "mmd": "gmmn cgmmn cmmd kid kernel_two_sample maximum_mean_discrepancy",
    "sliced_wasserstein": "swd earth_mover wasserstein",
    "precision_recall": "prdc improved_precision_recall",
    "label_accuracy": "classification_accuracy_score cas",
    "rbf": "gaussian squared_exponential",
    # keys
    "objective": "loss cost criterion",
    "data": "dataset datasets",
    "guide": "inference inference_network posterior variational encoder",
    "links": "networks nets modules layers",
    "constants": "hyperparameters hparams",
    "train": "training trainer fit",
    "lr": "learning_rate learning_rates step_size",
    "epochs": "num_epochs n_epochs max_epochs",
    "steps": "iterations num_steps n_steps max_steps",
    "batch_size": "batch minibatch minibatch_size",
}

OTHER_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {ours: tuple(others.split()) for ours, others in _ELSEWHERE.items()}
)
"""The names in other libraries, by the name in specc."""


def canonical_name(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate with this name, here or in another library; None if there is none."""
    known = tuple(candidates)
    found = (ours for ours in known if plain(name) in OTHER_NAMES.get(ours, ()))
    return name if name in known else next(found, None)


def suggested_name(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` probably means, or None.

    It is one with this name in another library, or else one with a similar spelling. An unavailable
    name of `specc.catalog.elsewhere` is not treated as a misspelling.
    """
    known = tuple(candidates)
    other = canonical_name(name, known)
    if other is not None and other != name:
        return other
    if plain(name) in ALTERNATIVES:
        return next((ours for ours in known if ours != name and plain(ours) == plain(name)), None)
    return nearest(name, known)


__all__ = ["OTHER_NAMES", "canonical_name", "suggested_name"]
