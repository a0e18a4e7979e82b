"""Every bijection with options, shapes and contexts, as modules with perturbed parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from specc.catalog.entry import Lowered
from specc.catalog.registry import BIJECTIONS
from specc.catalog.supports import Support
from tests.laws.instantiate import module

NET = {"hidden": [9, 7], "activation": "tanh"}


@dataclass(frozen=True)
class Case:
    """An entry with its options, the shape of the value and the size of the context.

    `tolerance` is that of its two directions and of its log-determinant: the error of a solver.
    """

    kind: str
    given: dict = field(default_factory=dict)
    shape: tuple[int, ...] = (3,)
    context: int = 0
    tolerance: float = 1e-10

    def __str__(self):
        more = ",".join(f"{k}={v}" for k, v in self.inner().items() if k not in NET)
        context = f"|{self.context}" if self.context else ""
        return f"{self.kind}({more}){list(self.shape)}{context}"

    def inner(self):
        found = self.given.get(self.kind)
        rest = {k: v for k, v in self.given.items() if k != self.kind}
        return {**(found if isinstance(found, dict) else {}), **rest}


def nested(kind, shape=(3,), context=0, **options):
    return Case(kind, {kind: options}, shape, context)


PIECES = [{"shape": [2]}, {"shape": [], "onto": "positive"}, {"shape": [3], "onto": {"low": 0.5}}]
MOVING = [
    {"shape": [1], "onto": {"low": "context", "high": 9.0}},
    {"shape": [4]},
    {"shape": [], "onto": {"low": -30.0}},
]
FLAT = [
    Case("affine", {"affine": True}, (3,)),
    Case("affine", {"affine": True}, (2, 2), 2),
    Case("actnorm", {"actnorm": True}),
    Case("actnorm", {"actnorm": True}, (3, 2, 2)),
    Case("invertible", {"invertible": True}),
    Case("invertible", {"invertible": True, "seed": 3}, (4, 1, 2)),
    Case("permutation", {"permutation": "reverse"}),
    Case("permutation", {"permutation": "random", "seed": 2}, (5, 1, 2)),
    Case("exp", {"exp": True}, ()),
    Case("sigmoid", {"sigmoid": True}, (2, 2)),
    Case("softplus", {"softplus": True}),
    Case("tanh", {"tanh": True}),
    Case("onto", {"onto": "positive"}),
    Case("onto", {"onto": {"low": -1.0, "high": 3.0}}, (2, 2)),
    Case("onto", {"onto": PIECES}, (6,)),
    Case("onto", {"onto": MOVING}, (6,), 1),
    Case("onto", {"onto": {"low": -9.0, "high": "context"}}, (1, 2), 1),
    Case("onto", {"onto": {"low": "context"}}, (), 1),
    Case("onto", {"onto": {"high": "context"}}, (2,), 2),
    Case(
        "fixed", {"fixed": [{"scale": 3.0}, {"shift": -0.5}, {"sigmoid": 0.05}, {"scale": 256.0}]}
    ),
    Case("fixed", {"fixed": [{"sigmoid": 0.0}, {"logit": 0.1}]}, (2, 2)),
    Case("fixed", {"fixed": [{"scale": 2.0}, {"shift": "context"}]}, (2, 2), 4),
    nested("nice", **NET, layers=3),
    nested("nice", (2,), 2, **NET, layers=2),
    nested("realnvp", **NET, layers=3),
    nested("realnvp", (2,), 2, **NET, layers=2),
    nested("glow", **NET, steps=2),
    nested("glow", (2,), 2, **NET, steps=2),
    nested("planar", layers=2),
    nested("planar", (1,), 2, layers=1),
    nested("radial", layers=2),
    nested("radial", (2,), 2, layers=2),
    nested("maf", **NET, layers=2),
    nested("maf", (1,), 2, **NET, layers=2),
    nested("maf", (2,), 2, **NET, layers=3),
    nested("iaf", **NET, layers=2),
    nested("iaf", (2,), 2, **NET, layers=3),
    nested("nsf", **NET, layers=2, bins=4),
    nested("nsf", (2,), 2, **NET, layers=2, bound=2.0),
    nested("nsf", **NET, layers=2, bins=3, autoregressive=True),
    nested("nsf", (1,), 0, **NET, layers=1, autoregressive=True),
    nested("mixture_cdf", **NET, layers=2, components=3),
    nested("mixture_cdf", (2,), 2, **NET, layers=2, components=2),
    nested("naf", **NET, layers=2, units=4),
    nested("naf", (1,), 0, **NET, layers=1, units=1),
    nested("naf", (2,), 2, **NET, layers=2, units=3),
    nested("masked_convolution", layers=2, maps=3),
    nested("masked_convolution", (2, 2, 2), 2, layers=1, depth=2, maps=2),
    nested("glow", (1, 4, 4), 0, steps=2, scales=2, channels=5, activation="tanh"),
    nested("glow", (2, 2, 4), 2, steps=1, scales=1, channels=5, activation="tanh"),
]
LIPSCHITZ = {"hidden": [9, 7]}
SOLVED = [
    nested("residual", **LIPSCHITZ, layers=2, activation="sin"),
    nested("residual", (2,), 2, **LIPSCHITZ, layers=1, activation="elu"),
    nested("residual", (3,), 0, **LIPSCHITZ, layers=2, activation="lipswish", coefficient=0.9),
    nested("implicit", **LIPSCHITZ, layers=2),
    nested("implicit", (1,), 2, **LIPSCHITZ, layers=1, activation="lipswish"),
]
SOLVED += [
    nested("convex_potential", layers=2, hidden=[9, 7]),
    nested("convex_potential", (2,), 2, hidden=[5]),
    Case(
        "ffjord",
        {"ffjord": {"hidden": [9, 7], "steps": 6, "fine_steps": 6, "trace": "exact"}},
        tolerance=1e-4,
    ),
    Case(
        "ffjord",
        {"ffjord": {"hidden": [9], "activation": "silu", "steps": 6, "fine_steps": 6}},
        (2,),
        2,
        1e-4,
    ),
]


def reached(case: Case) -> Support:
    """The range of the entry with the options of its case."""
    entry = BIJECTIONS[case.kind]
    return entry.onto(entry.Options.model_validate(case.given))


def lowered(case: Case) -> Lowered:
    """The layers of the entry for its case."""
    entry = BIJECTIONS[case.kind]
    return entry.lower(entry.Options.model_validate(case.given), case.shape, case.context)


def shaken(case: Case, seed: int = 0, by: float = 0.3) -> nn.Module:
    """The module in float64, with normal noise added to each parameter."""
    torch.manual_seed(seed)
    (layer,) = lowered(case).layers
    made = module(layer).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += by * torch.randn_like(parameter)
    return made


def draws(case: Case, *leading: int, seed: int = 1) -> tuple[Tensor, Tensor | None]:
    """Draws of the base density, and contexts."""
    generator = torch.Generator().manual_seed(seed)
    shape = (*leading, *lowered(case).output)
    u = torch.randn(shape, generator=generator, dtype=torch.float64)
    if not case.context:
        return u, None
    context = (*leading, case.context)
    return u, torch.randn(context, generator=generator, dtype=torch.float64)


def jacobian_log_det(function, value: Tensor) -> Tensor:
    """log |det| of a function of one event, by autograd."""
    jacobian = torch.autograd.functional.jacobian(function, value)
    n = math.prod(value.shape)
    return torch.linalg.slogdet(jacobian.reshape(n, n))[1]
