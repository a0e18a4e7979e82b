"""The templates of `specc new`: names and descriptions."""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "vae": "variational autoencoder (Kingma and Welling, 2014)",
    "iwae": "importance weighted autoencoder (Burda et al., 2016)",
    "conv_vae": "variational autoencoder with convolutions",
    "hierarchical_vae": "two stochastic layers (Sonderby et al., 2016)",
    "sbn": "sigmoid belief network, trained by VIMCO (Mnih and Rezende, 2016)",
    "conditional_vae": "images given their class (Sohn et al., 2015)",
    "gaussian_mixture": "mixture of Gaussians, classes summed out",
    "factor_analysis": "linear factors and a noise for each pixel",
    "naive_bayes": "a class, and pixels that are independent given it",
    "logistic_regression": "classes given pixels, by maximum a posteriori",
}
