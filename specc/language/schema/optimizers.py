"""The optimizers that `train:` may name, with the options that each has in `torch.optim`."""

from __future__ import annotations

from specc.language.schema.digests import training
from specc.language.schema.value import Value


class Rate(Value):
    """What every optimizer has."""

    lr: float = training(default=0.001, about="The learning rate.", gt=0)
    weight_decay: float = training(default=0.0, about="The weight of the squared norm.", ge=0)


class Moments(Rate):
    """Running means of the gradient and of its square (Kingma and Ba 2015)."""

    betas: tuple[float, float] = training(
        default=(0.9, 0.999), about="How slowly the two running means forget."
    )
    eps: float = training(default=1e-8, about="What is added to the root of the second.", ge=0)


class Adam(Moments):
    """Adam (Kingma and Ba 2015), and AdamW (Loshchilov and Hutter 2019)."""

    amsgrad: bool = training(default=False, about="Whether the second mean may only grow.")


class NAdam(Moments):
    """Adam with Nesterov's momentum (Dozat 2016)."""

    momentum_decay: float = training(default=0.004, about="How the momentum decays.", ge=0)


class SGD(Rate):
    """Stochastic gradient descent (Robbins and Monro 1951)."""

    momentum: float = training(default=0.0, about="The share of the last step kept.", ge=0, lt=1)
    dampening: float = training(default=0.0, about="What momentum takes from the gradient.", ge=0)
    nesterov: bool = training(default=False, about="Whether momentum looks ahead.")


class RMSprop(Rate):
    """Steps divided by a running root mean square (Tieleman and Hinton 2012)."""

    alpha: float = training(default=0.99, about="How slowly the running mean forgets.", ge=0, lt=1)
    eps: float = training(default=1e-8, about="What is added to the root.", ge=0)
    momentum: float = training(default=0.0, about="The share of the last step kept.", ge=0, lt=1)
    centered: bool = training(default=False, about="Whether the mean is taken off first.")


class Adagrad(Rate):
    """Steps divided by the root of all squared gradients (Duchi et al. 2011)."""

    lr_decay: float = training(default=0.0, about="How the learning rate decays.", ge=0)
    eps: float = training(default=1e-10, about="What is added to the root.", ge=0)


class Adadelta(Rate):
    """Steps in the unit of the parameters (Zeiler 2012)."""

    rho: float = training(default=0.9, about="How slowly the running means forget.", ge=0, lt=1)
    eps: float = training(default=1e-6, about="What is added to the roots.", ge=0)


OPTIMIZERS: dict[str, type[Rate]] = {
    "adadelta": Adadelta,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamax": Moments,
    "adamw": Adam,
    "nadam": NAdam,
    "radam": Moments,
    "rmsprop": RMSprop,
    "sgd": SGD,
}
