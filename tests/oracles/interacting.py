"""Small energies whose entries interact, written by hand, and all their states.

Each module computes its energy by one formula and the logits of each entry by another.
"""

import itertools
import math

import torch
from torch import nn

from specc.runtime.energies import Colors, Energy, Unit
from tests.oracles.energies import numbers


class Ising(nn.Module):
    """E = -J sum over neighbors of x_i x_k - b x, on a grid with free edges and two colors."""

    def __init__(self, rows, columns, seed=0, scale=1.0, coupling=1.0):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.shape = (rows, columns)
        self.j = nn.Parameter(torch.tensor(coupling, dtype=torch.float64))
        self.b = numbers(g, rows, columns, scale=scale)
        places = torch.arange(rows)[:, None] + torch.arange(columns)
        self.register_buffer("x_colors", places % 2)
        self.declared = alone("bernoulli", self.shape, Colors("x_colors", 2, 0.5))

    def energy(self, x):
        return -self.j * pairs(x, lambda a, b: a * b) - (self.b * x).sum((1, 2))

    def x_given_rest(self, x):
        return self.j * around(x) + self.b


class Potts(nn.Module):
    """E = -J sum over neighbors of [x_i = x_k] - b x, of one-hot vectors of 3 classes on a grid."""

    def __init__(self, rows, columns, seed=0, scale=1.0, coupling=1.0):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.shape = (rows, columns, 3)
        self.j = nn.Parameter(torch.tensor(coupling, dtype=torch.float64))
        self.b = numbers(g, *self.shape, scale=scale)
        places = torch.arange(rows)[:, None] + torch.arange(columns)
        self.register_buffer("x_colors", (places % 2)[..., None].repeat(1, 1, 3))
        self.declared = alone("one_hot_categorical", self.shape, Colors("x_colors", 2, 0.0))

    def energy(self, x):
        equal = pairs(x, lambda a, b: (a * b).sum(-1))
        return -self.j * equal - (self.b * x).sum((1, 2, 3))

    def x_given_rest(self, x):
        return self.j * around(x) + self.b


class Boltzmann(nn.Module):
    """E = -v W v / 2 - h U h / 2 - v X h - a v: every two units interact, and no layer sums out.

    The diagonals of W and U are not zero, and each entry is a color.
    """

    def __init__(self, visible, hidden, seed=0, scale=1.0):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.w, self.u = (numbers(g, n, n, scale=scale) for n in (visible, hidden))
        self.x, self.a = numbers(g, visible, hidden, scale=scale), numbers(g, visible, scale=scale)
        self.register_buffer("v_colors", torch.arange(visible))
        self.register_buffer("h_colors", torch.arange(hidden))
        own = {"v": (visible, "observed", ("v", "h")), "h": (hidden, "latent", ("h", "v"))}
        units = {
            name: Unit(
                role,
                "bernoulli",
                (size,),
                f"{name}_given",
                given,
                ("logits",),
                None,
                Colors(f"{name}_colors", size, 0.5),
            )
            for name, (size, role, given) in own.items()
        }
        self.declared = Energy(("v", "h"), None, units, (("h",), ("v",)))

    def energy(self, v, h):
        own = ((v @ self.w) * v).sum(1) + ((h @ self.u) * h).sum(1)
        return -own / 2 - ((v @ self.x) * h).sum(1) - v @ self.a

    def v_given(self, v, h):
        return v @ (self.w + self.w.T) / 2 + h @ self.x.T + self.a

    def h_given(self, h, v):
        return h @ (self.u + self.u.T) / 2 + v @ self.x


class Lateral(Boltzmann):
    """A Boltzmann machine whose hidden units do not interact: h sums out, and v has colors."""

    def __init__(self, visible, hidden, seed=0, scale=1.0):
        super().__init__(visible, hidden, seed, scale)
        with torch.no_grad():
            self.u.zero_()
        h = Unit("latent", "bernoulli", (hidden,), "h_given", ("v",), ("logits",))
        units = {**self.declared.units, "h": h}
        self.declared = Energy(("v", "h"), ("v",), units, (("h",), ("v",)))

    def h_given(self, v):
        return v @ self.x

    def free_energy(self, v):
        own = -((v @ self.w) * v).sum(1) / 2 - v @ self.a
        return own - nn.functional.softplus(self.h_given(v)).sum(1)


def alone(distribution, shape, colors):
    """An energy of one unit x, whose entries interact."""
    x = Unit("observed", distribution, shape, "x_given_rest", ("x",), ("logits",), None, colors)
    return Energy(("x",), None, {"x": x}, (("x",),))


def pairs(x, product):
    """The sum over neighbors on a grid of a product of both: [rows]."""
    down, right = product(x[:, 1:], x[:, :-1]), product(x[:, :, 1:], x[:, :, :-1])
    return down.sum((1, 2)) + right.sum((1, 2))


def around(x):
    """The sum of the neighbors of each place."""
    total = torch.zeros_like(x)
    total[:, 1:] += x[:, :-1]
    total[:, :-1] += x[:, 1:]
    total[:, :, 1:] += x[:, :, :-1]
    total[:, :, :-1] += x[:, :, 1:]
    return total


def all_values(module):
    """All states of all units, which are binary or one-hot: [states, *shape] each."""
    places = []
    for name, own in module.declared.units.items():
        one_hot = own.distribution == "one_hot_categorical"
        values = torch.eye(own.shape[-1]) if one_hot else torch.tensor([0.0, 1.0])
        places += [(name, values)] * math.prod(own.shape[:-1] if one_hot else own.shape)
    states = itertools.product(*(range(len(values)) for _, values in places))
    chosen = torch.tensor(list(states)).T
    columns = {name: [] for name in module.declared.units}
    for (name, values), index in zip(places, chosen, strict=True):
        columns[name].append(values[index].double())
    return {
        name: torch.stack(columns[name], 1).reshape(-1, *own.shape)
        for name, own in module.declared.units.items()
    }
