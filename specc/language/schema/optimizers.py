"""The optimizers of `train:`, with the options and defaults of torch.

A resumed run may change an option (`steering`), unless the optimizer state depends on it.
"""

from __future__ import annotations

from specc.language.schema.digests import steering, training
from specc.language.schema.value import Value

RATE = "The learning rate."
DECAY = "The weight of the squared norm of the parameters."
MOMENTUM = "The fraction of the previous step that is added to the next."
EPS = "A small number added to the denominator."
FORGETS = "The decay rate of the running mean."


class Moments(Value):
    """The options of running means of the gradient and of its square (Kingma and Ba 2015)."""

    lr: float = steering(default=0.001, about=RATE, gt=0)
    weight_decay: float = steering(default=0.0, about=DECAY, ge=0)
    betas: tuple[float, float] = steering(
        default=(0.9, 0.999), about="The decay rates of the two moving averages."
    )
    eps: float = steering(default=1e-8, about=EPS, ge=0)


class Adam(Moments):
    """Adaptive moment estimation (Kingma and Ba 2015).

    m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2
    theta = theta - lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)
    """

    amsgrad: bool = training(
        default=False, about="Whether to use the maximum of the second average so far (AMSGrad)."
    )


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    theta = (1 - lr weight_decay) theta, then the step of adam
    """

    weight_decay: float = steering(default=0.01, about=DECAY, ge=0)


class Adamax(Moments):
    """Adam with the infinity norm of gradients (Kingma and Ba 2015, section 7).

    m = b1 m + (1 - b1) g,  u = max(b2 u, |g| + eps)
    theta = theta - lr m / ((1 - b1^t) u)
    """

    lr: float = steering(default=0.002, about=RATE, gt=0)


class NAdam(Moments):
    """Adam with Nesterov momentum (Dozat 2016).

    mu_t = b1 (1 - 0.96^(t momentum_decay) / 2),  m and v as of adam
    m' = mu_(t+1) m / (1 - prod_(i <= t+1) mu_i) + (1 - mu_t) g / (1 - prod_(i <= t) mu_i)
    theta = theta - lr m' / (sqrt(v / (1 - b2^t)) + eps)
    """

    lr: float = steering(default=0.002, about=RATE, gt=0)
    momentum_decay: float = steering(default=0.004, about="The decay rate of the momentum.", ge=0)


class RAdam(Moments):
    """Adam with a rectified adaptive rate (Liu et al. 2020).

    r = 2 / (1 - b2) - 1,  r_t = r - 2 t b2^t / (1 - b2^t)
    where r_t > 5: the step of adam times
    sqrt((r_t - 4) (r_t - 2) r / ((r - 4) (r - 2) r_t))
    else: theta = theta - lr m / (1 - b1^t)
    """


class SGD(Value):
    """Stochastic gradient descent (Robbins and Monro 1951).

    b = momentum b + (1 - dampening) g
    theta = theta - lr b,  with nesterov: theta - lr (g + momentum b)
    """

    lr: float = steering(default=0.001, about=RATE, gt=0)
    weight_decay: float = steering(default=0.0, about=DECAY, ge=0)
    momentum: float = training(default=0.0, about=MOMENTUM, ge=0)
    dampening: float = steering(default=0.0, about="The dampening of the momentum.", ge=0)
    nesterov: bool = steering(default=False, about="Whether to use Nesterov momentum.")


class RMSprop(Value):
    """Gradients divided by their running root mean square (Tieleman and Hinton 2012).

    v = alpha v + (1 - alpha) g^2
    theta = theta - lr g / (sqrt(v) + eps)
    """

    lr: float = steering(default=0.01, about=RATE, gt=0)
    weight_decay: float = steering(default=0.0, about=DECAY, ge=0)
    alpha: float = steering(default=0.99, about=FORGETS, ge=0, lt=1)
    eps: float = steering(default=1e-8, about=EPS, ge=0)
    momentum: float = training(default=0.0, about=MOMENTUM, ge=0)
    centered: bool = training(
        default=False, about="Whether the gradient is centered before it is scaled."
    )


class Adagrad(Value):
    """Gradients divided by the root of the sum of their squares (Duchi et al. 2011).

    s = s + g^2
    theta = theta - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
    """

    lr: float = steering(default=0.01, about=RATE, gt=0)
    weight_decay: float = steering(default=0.0, about=DECAY, ge=0)
    lr_decay: float = steering(default=0.0, about="The decay of the learning rate.", ge=0)
    eps: float = steering(default=1e-10, about=EPS, ge=0)


class Adadelta(Value):
    """Adaptive steps in the units of the parameters (Zeiler 2012).

    v = rho v + (1 - rho) g^2,  d = sqrt(u + eps) / sqrt(v + eps) g
    u = rho u + (1 - rho) d^2,  theta = theta - lr d
    """

    lr: float = steering(default=1.0, about=RATE, gt=0)
    weight_decay: float = steering(default=0.0, about=DECAY, ge=0)
    rho: float = steering(default=0.9, about=FORGETS, ge=0, le=1)
    eps: float = steering(default=1e-6, about=EPS, ge=0)


class Adafactor(Value):
    """Factored second moments, with sublinear memory (Shazeer and Stern 2018).

    v_ij = r_i c_j / mean(r), r and c running means of g^2 over rows and columns
    u = g / sqrt(v),  theta = theta - lr u / max(1, rms(u) / d)
    """

    lr: float = steering(default=0.01, about=RATE, gt=0)
    weight_decay: float = steering(default=0.0, about=DECAY, ge=0)
    beta2_decay: float = steering(
        default=-0.8, about="The exponent of the decay of the moving average.", le=0
    )
    d: float = steering(default=1.0, about="The largest root mean square of a step.", gt=0)


class ASGD(Value):
    """Gradient descent with averaged parameters (Polyak and Juditsky 1992).

    eta_t = lr / (1 + lambd lr t)^alpha
    theta = (1 - lambd eta_t) theta - eta_t g
    """

    lr: float = steering(default=0.01, about=RATE, gt=0)
    weight_decay: float = steering(default=0.0, about=DECAY, ge=0)
    lambd: float = steering(default=1e-4, about="The decay of the learning rate.", ge=0)
    alpha: float = steering(default=0.75, about="The power of that decay.", gt=0)
    t0: float = steering(default=1e6, about="The step at which averaging starts.", ge=0)


class Rprop(Value):
    """Steps by the sign of the gradient, for full batches (Riedmiller and Braun 1993).

    s = s eta_plus where g keeps its sign, s eta_minus where it turns
    theta = theta - s sign(g)
    """

    lr: float = steering(default=0.01, about=RATE, gt=0)
    etas: tuple[float, float] = steering(
        default=(0.5, 1.2), about="The factors by which a step shrinks and grows."
    )
    step_sizes: tuple[float, float] = steering(
        default=(1e-6, 50.0), about="The smallest and the largest step."
    )


OPTIMIZERS: dict[str, type[Value]] = {
    "adadelta": Adadelta,
    "adafactor": Adafactor,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamax": Adamax,
    "adamw": AdamW,
    "asgd": ASGD,
    "nadam": NAdam,
    "radam": RAdam,
    "rmsprop": RMSprop,
    "rprop": Rprop,
    "sgd": SGD,
}
