"""Causal networks, and the dependencies that their options allow."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from specc.catalog.registry import CAUSAL_LINKS
from tests.laws.instantiate import network

# kind, options, shape, context, each: every code path of each link.
CASES = [
    ("masked_mlp", {"masked_mlp": [12]}, (5,), 0, ()),
    ("masked_mlp", {"masked_mlp": [20, 24], "activation": "tanh"}, (6,), 3, ()),
    ("masked_mlp", {"masked_mlp": [9, 7], "orders": 3, "seed": 1}, (2, 3), 0, (4,)),
    ("masked_mlp", {"masked_mlp": [9], "orders": 4, "direct": True}, (2, 2), 2, ()),
    ("masked_mlp", {"masked_mlp": []}, (5,), 0, (2, 3)),
    ("masked_mlp", {"masked_mlp": [], "orders": 2, "bias": False}, (4,), 2, ()),
    ("masked_mlp", {"masked_mlp": [8, 8], "activation": "identity"}, (4,), 0, ()),
    ("masked_mlp", {"masked_mlp": [3, 2], "activation": "elu"}, (7,), 1, ()),
    ("masked_mlp", {"masked_mlp": [6], "init": "orthogonal"}, (1,), 2, (3,)),
    ("masked_mlp", {"masked_mlp": [6], "orders": 2}, (), 2, ()),
    ("masked_mlp", {"masked_mlp": [6]}, (), 1, ()),
    ("masked_conv", {"masked_conv": 4, "kernel": 3}, (3, 4), 0, ()),
    ("masked_conv", {"masked_conv": 4, "depth": 1, "kernel": 3}, (4, 5), 2, (3,)),
    ("masked_conv", {"masked_conv": 4, "depth": 2, "kernel": 3}, (1, 4, 7), 0, ()),
    ("masked_conv", {"masked_conv": 7, "depth": 3}, (3, 3, 3), 0, ()),
    ("masked_conv", {"masked_conv": 4, "depth": 2, "bias": False}, (2, 4, 3), 3, (2, 2)),
    ("masked_conv", {"masked_conv": 4, "depth": 2, "spatial": True}, (2, 3, 4), 24, ()),
    ("causal_conv", {"causal_conv": 6}, (12,), 0, ()),
    ("causal_conv", {"causal_conv": 6, "dilations": [1, 3], "init": "kaiming_normal"}, (9,), 2, ()),
    ("causal_conv", {"causal_conv": 5, "dilations": [2], "kernel": 3}, (9, 2), 0, (3,)),
    ("causal_conv", {"causal_conv": 5, "dilations": [1, 1], "bias": False}, (4, 3), 2, ()),
    ("nade", {"nade": 7}, (5,), 0, ()),
    ("nade", {"nade": 6, "activation": "tanh"}, (2, 3), 2, (2, 2)),
    ("nade", {"nade": 6, "orders": 3, "seed": 1}, (6,), 0, (3,)),
    ("nade", {"nade": 6, "orders": 4, "bias": False}, (2, 2), 3, ()),
    ("nade", {"nade": 5, "init": "xavier_normal"}, (), 1, ()),
    ("transformer", {"transformer": 8, "depth": 2, "heads": 2}, (7,), 0, ()),
    ("transformer", {"transformer": 6, "depth": 1, "heads": 1, "hidden": 5}, (4, 3), 2, (3,)),
    ("transformer", {"transformer": 8, "depth": 1, "bias": False}, (5, 2), 0, ()),
    ("transformer", {"transformer": 8, "depth": 3, "init": "orthogonal"}, (4,), 3, (2,)),
]
IDS = [f"{kind}-{number}" for number, (kind, *_) in enumerate(CASES)]
SEEDS = range(20)


@dataclass
class Net:
    """A trunk and two heads, as in generated code."""

    trunk: nn.Module
    head: nn.Module
    other: nn.Module
    shape: tuple[int, ...]
    context: int
    members: int

    def __call__(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        return self.head(self.trunk(x) if context is None else self.trunk(x, context))

    @property
    def order(self) -> Tensor:
        return self.trunk.order

    def parts(self) -> nn.ModuleList:
        return nn.ModuleList([self.trunk, self.head, self.other])

    def vectors(self, *leading: int) -> Tensor | None:
        """Contexts with the given leading axes, if the case has a context."""
        return torch.randn((*leading, self.context), dtype=torch.float64) if self.context else None


def lowered(kind, options, shape, context, each, classes=0):
    """The layers of the trunk and of a head."""
    entry = CAUSAL_LINKS[kind]
    chosen = entry.Options.model_validate(options)
    trunk = entry.trunk(chosen, shape, context, classes)
    return trunk, entry.head(chosen, shape, trunk.output, (*shape, *each))


def net(kind, options, shape, context=0, each=(), seed=0, classes=0) -> Net:
    """The network of a case, in float64."""
    torch.manual_seed(seed)
    entry = CAUSAL_LINKS[kind]
    chosen = entry.Options.model_validate(options)
    trunk, head = lowered(kind, options, shape, context, each, classes)
    parts = [
        network(part).double()[0 if len(part.layers) == 1 else slice(None)]
        for part in (trunk, head, head)
    ]
    return Net(*parts, shape, context, entry.members(chosen))


def reach(kind, options, shape) -> Tensor:
    """Whether entry [i] may depend on entry [j] by the sizes of the kernels."""
    size = math.prod(shape)
    if kind in ("masked_mlp", "nade", "transformer"):
        return torch.ones(size, size, dtype=torch.bool)
    if kind == "causal_conv":
        return reach_back(options, shape)
    r = options.get("kernel", 5) // 2 * options.get("depth", 5)
    places = [p[-2:] for p in itertools.product(*map(range, shape))]
    seen = [
        [
            (0 < i - k <= 1 + r and abs(j - m) <= r) or (i == k and 0 <= j - m <= r)
            for k, m in places
        ]
        for i, j in places
    ]
    return torch.tensor(seen)


def reach_back(options, shape) -> Tensor:
    kernel = options.get("kernel", 2)
    steps = set(range(1, kernel + 1))
    for dilation in options.get("dilations", (1, 2, 4, 8)):
        steps |= {step + tap * dilation for step in steps for tap in range(kernel)}
    times = [place[0] for place in itertools.product(*map(range, shape))]
    return torch.tensor([[i - j in steps for j in times] for i in times])


def jacobian(made: Net, x: Tensor, context: Tensor | None) -> Tensor:
    """|d result i / d entry j|, summed over the outputs of each entry: [members, i, j]."""
    size = math.prod(made.shape)

    def flat(entries: Tensor) -> Tensor:
        y = made(entries.reshape(made.shape), context)
        return y.reshape(made.members, size, -1)

    derivative = torch.autograd.functional.jacobian(flat, x.reshape(-1), vectorize=True)
    return derivative.abs().sum(2)


def before(made: Net) -> Tensor:
    """Whether entry [i] comes strictly after entry [j], for each member: [members, i, j]."""
    order = made.order.reshape(made.members, -1)
    return order[:, :, None] > order[:, None, :]


def every_state(size: int) -> Tensor:
    """All vectors of `size` bits: [2^size, size]."""
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=size)), dtype=torch.float64)
