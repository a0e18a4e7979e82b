"""Gradient estimators: how a random node is drawn, summed out or integrated out."""

from __future__ import annotations

from types import MappingProxyType

from specc.catalog.entry import Reference
from specc.catalog.objective import Draw, Variant

ENTRIES: tuple[Draw, ...] = (
    Draw(
        name="delta",
        summary="A learnt point of the support, without a distribution and an entropy.",
        formula="q(z) has all its mass at one learnt point z; the gradient is that of log p(x, z)",
        references=(Reference("Gelman et al. 2013", "section 13.1"),),
        example="draw: delta",
        needs_continuous=True,
        point=True,
    ),
    Draw(
        name="detached",
        summary="A sample without a gradient, neither through it nor for its distribution.",
        formula="grad E_p[f(z)] is replaced by E_p[grad f(z)], exact if p has no trained parameter",
        references=(Reference("Schulman et al. 2015", "section 2"),),
        example="draw: detached",
        sampled=True,
    ),
    Draw(
        name="enumerate",
        summary="The exact sum over all values of the node, which are enumerated along an axis.",
        formula="log sum_v p(x, z = v),   or   sum_v q(z = v) f(v) under a guide",
        references=(Reference("Obermeyer et al. 2019", "section 2"),),
        example="draw: enumerate",
        needs_finite=True,
        enumerated=True,
    ),
    Draw(
        name="integrate",
        summary="A normal latent of a linear normal model is integrated out, on a sequence by the "
        "Kalman filter. For `missing:`, missing entries are integrated out, so the density is "
        "that of the known entries; this is exact if it is a product over entries.",
        formula="log p(x_known) = log integral p(x_known, x_missing, z) d(x_missing) dz",
        references=(
            Reference("Tipping and Bishop 1999", "equations 3 to 6"),
            Reference("Kalman 1960"),
            Reference("Little and Rubin 2019", "section 6.2"),
            Reference("Nazabal et al. 2020", "section 3.1"),
        ),
        example="missing: integrate",
        needs_gaussian=True,
        integrated=True,
        marginalizes=True,
    ),
    Draw(
        name="pathwise",
        summary="The reparameterization gradient through the sample z = g(eps). With `sticking`, "
        "log q depends on the sample alone, and its parameters have no gradient. With `doubly` the "
        "same holds for the log of a mean of weights w_k, and the gradient through z_k is weighed "
        "by w_k / sum_j w_j once more, so that its variance falls with the number of particles.",
        formula="grad E_q[f(z)] = E_eps[grad f(g(eps))], z = g(eps)\n"
        "doubly: grad log 1/K sum_k w_k = sum_k (w_k / sum_j w_j)^2 d log w_k/dz_k grad z_k",
        references=(
            Reference("Kingma and Welling 2014", "section 2.4"),
            Reference("Roeder et al. 2017", "section 3 (sticking the landing)"),
            Reference("Tucker et al. 2019", "equation 8 (doubly reparameterized)"),
        ),
        example="draw: {pathwise: {form: sticking}}",
        option="form",
        variants=(
            Variant("plain"),
            Variant("sticking", stops_parameters=True, automatic=False),
            Variant("doubly", stops_parameters=True, automatic=False, of_weights="weigh_gradients"),
        ),
        meaning="Whether the parameters of log q have a gradient (`plain`) or none: `sticking` "
        "under a mean of particles, `doubly` under the log of one.",
        needs_reparameterized=True,
        sampled=True,
        pathwise=True,
    ),
    Draw(
        name="relax",
        summary="A continuous value in place of a discrete one: the Gumbel-softmax or Concrete "
        "distribution, which is the discrete one at temperature 0. With `straight_through` the "
        "value is rounded, and only its gradient is that of the continuous value. Densities at "
        "the value are linear in it. The gradient is biased; the bias falls with the temperature, "
        "and the variance grows. Evaluations draw discrete values.",
        formula="z = softmax((logits + g) / t), g standard Gumbel, t the temperature\n"
        "of two values, z = sigmoid((logits + l) / t), l standard logistic\n"
        "straight_through: round(z) in place of z, with the gradient of z",
        references=(
            Reference("Jang, Gu and Poole 2017", "equation 2, and section 2.2 (straight-through)"),
            Reference("Maddison, Mnih and Teh 2017", "equations 10 and 17"),
        ),
        example="draw: {relax: {form: straight_through, temperature: 0.5}}",
        option="form",
        variants=(Variant("gumbel"), Variant("straight_through", hardens=True, automatic=False)),
        meaning="Whether the value is continuous (`gumbel`) or rounded (`straight_through`).",
        numbers=MappingProxyType({"temperature": 0.5}),
        meanings=MappingProxyType(
            {"temperature": "The temperature, at which 0 is the discrete distribution."}
        ),
        sampled=True,
        relaxed=True,
    ),
    Draw(
        name="score",
        summary="The score-function gradient: that of log q(z) times the cost downstream of z, "
        "minus a baseline.",
        formula="grad E_q[f(z)] = E_q[grad f(z) + (f(z) - b) grad log q(z)], b the baseline",
        references=(
            Reference("Williams 1992", "theorem 1"),
            Reference("Schulman et al. 2015", "theorem 1"),
            Reference("Mnih and Gregor 2014", "section 2.3 (running), algorithm 1 (nvil)"),
            Reference("Mnih and Rezende 2016", "equations 5 to 9 (leave one out)"),
        ),
        example="draw: {score: {baseline: leave_one_out}}",
        option="baseline",
        variants=(
            Variant("none", high_variance=True, automatic=False),
            Variant("mean", baseline="baseline_mean"),
            Variant("running", automatic=False, running="running_mean"),
            Variant("nvil", automatic=False, running="running_mean", scale="scaled", learnt=True),
            Variant(
                "leave_one_out",
                needs_particles=2,
                baseline="baseline_leave_one_out",
                over="particles",
                of_log_weights="vimco",
            ),
        ),
        meaning="The baseline that is subtracted from the costs: none, the mean of the other rows, "
        "a running mean over previous steps, or the mean of the other particles. With `nvil` a "
        "network of the inputs of the distribution and a running mean are subtracted, and what is "
        "left is divided by its running standard deviation, if that is above 1.",
        value="value",
        value_meaning="With `nvil`: a node of the same program, in place of the network "
        "`{mlp: [100], activation: tanh}`. It is trained by its squared distance from the costs.",
        sampled=True,
        score_function=True,
    ),
)
