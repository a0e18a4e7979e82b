"""Small energy programs written by hand, with the methods that generated code has, and their sums.

Each module computes its energy by one formula and the parameters of each conditional by another,
and `all_states` enumerates every state without either.
"""

import itertools
import math

import torch
from torch import nn

from specc.runtime.energies import Energy, Let, Unit

GRID = 1000
"""The points of a grid along each axis."""

KINDS = {
    "bernoulli": ("logits",),
    "one_hot_categorical": ("logits",),
    "multinomial": ("logits",),
    "poisson": ("rate",),
    "normal": ("loc", "scale"),
}


def unit(role, distribution, shape, method, given, total=None):
    return Unit(role, distribution, tuple(shape), method, tuple(given), KINDS[distribution], total)


def two_layers(distribution, shape, hidden, total=None):
    units = {
        "v": unit("observed", distribution, shape, "v_given_h", ["h"], total),
        "h": unit("latent", "bernoulli", [hidden], "h_given_v", ["v"]),
    }
    return Energy(("v", "h"), ("v",), units, (("h",), ("v",)))


def numbers(generator, *shape, scale=1.0):
    return nn.Parameter(scale * torch.randn(*shape, generator=generator, dtype=torch.float64))


class Rbm(nn.Module):
    """E = -v W h - a v - b h, with Bernoulli h and v of any family with T(v) = v."""

    distribution, total = "bernoulli", None

    def __init__(self, visible, hidden, seed=0, scale=1.0, shape=None):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.w = numbers(g, visible, hidden, scale=scale)
        self.a = numbers(g, visible, scale=scale)
        self.b = numbers(g, hidden, scale=scale)
        self.shape = shape or (visible,)
        self.declared = two_layers(self.distribution, self.shape, hidden, self.total)

    def energy(self, v, h):
        v = v.flatten(1)
        return -((v @ self.w) * h).sum(1) - v @ self.a - h @ self.b

    def free_energy(self, v):
        logits = self.h_given_v(v)
        return -v.flatten(1) @ self.a - nn.functional.softplus(logits).sum(1)

    def h_given_v(self, v):
        return v.flatten(1) @ self.w + self.b

    def v_given_h(self, h):
        return (h @ self.w.T + self.a).reshape(-1, *self.shape)


class OneHotRbm(Rbm):
    """One-hot visible units of `classes` classes."""

    distribution = "one_hot_categorical"

    def __init__(self, visible, classes, hidden, seed=0, scale=1.0):
        super().__init__(visible * classes, hidden, seed, scale, (visible, classes))


class CountRbm(Rbm):
    """Poisson visible counts; E has no term of log v!, which the base measure has."""

    distribution = "poisson"

    def v_given_h(self, h):
        return super().v_given_h(h).exp()


class Softmax(Rbm):
    """Multinomial counts with the total of 4, as in a replicated softmax."""

    distribution, total = "multinomial", 4


class GaussianRbm(Rbm):
    """E = (v - a)^2 / (2 s^2) - (v / s) W h - b h."""

    distribution = "normal"

    def __init__(self, visible, hidden, seed=0, scale=1.0):
        super().__init__(visible, hidden, seed, scale)
        self.s = nn.Parameter(torch.linspace(0.7, 1.4, visible, dtype=torch.float64))

    def energy(self, v, h):
        pull = ((v - self.a) ** 2 / (2 * self.s**2)).sum(1)
        return pull - (((v / self.s) @ self.w) * h).sum(1) - h @ self.b

    def free_energy(self, v):
        pull = ((v - self.a) ** 2 / (2 * self.s**2)).sum(1)
        return pull - nn.functional.softplus(self.h_given_v(v)).sum(1)

    def h_given_v(self, v):
        return (v / self.s) @ self.w + self.b

    def v_given_h(self, h):
        return self.a + self.s * (h @ self.w.T), self.s


class Deep(nn.Module):
    """E = -v W g - g U h - a v - b g - c h: three layers, of which no two sum out at once."""

    def __init__(self, visible, middle, top, seed=0, scale=1.0):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.w, self.u = (
            numbers(g, visible, middle, scale=scale),
            numbers(g, middle, top, scale=scale),
        )
        self.a, self.b, self.c = (numbers(g, n, scale=scale) for n in (visible, middle, top))
        units = {
            "v": unit("observed", "bernoulli", [visible], "v_given_g", ["g"]),
            "g": unit("latent", "bernoulli", [middle], "g_given", ["v", "h"]),
            "h": unit("latent", "bernoulli", [top], "h_given_g", ["g"]),
        }
        self.declared = Energy(("v", "g", "h"), None, units, (("g",), ("v", "h")))

    def energy(self, v, g, h):
        pairs = ((v @ self.w) * g).sum(1) + ((g @ self.u) * h).sum(1)
        return -pairs - v @ self.a - g @ self.b - h @ self.c

    def v_given_g(self, g):
        return g @ self.w.T + self.a

    def g_given(self, v, h):
        return v @ self.w + h @ self.u.T + self.b

    def h_given_g(self, g):
        return g @ self.u + self.c


class Triangle(Deep):
    """Three layers of which each two are linked: three blocks."""

    def __init__(self, visible, middle, top, seed=0, scale=1.0):
        super().__init__(visible, middle, top, seed, scale)
        g = torch.Generator().manual_seed(seed + 1000)
        self.x = numbers(g, visible, top, scale=scale)
        units = {
            "v": unit("observed", "bernoulli", [visible], "v_given", ["g", "h"]),
            "g": unit("latent", "bernoulli", [middle], "g_given", ["v", "h"]),
            "h": unit("latent", "bernoulli", [top], "h_given", ["v", "g"]),
        }
        self.declared = Energy(("v", "g", "h"), None, units, (("g",), ("h",), ("v",)))

    def energy(self, v, g, h):
        return super().energy(v, g, h) - ((v @ self.x) * h).sum(1)

    def v_given(self, g, h):
        return self.v_given_g(g) + h @ self.x.T

    def h_given(self, v, g):
        return self.h_given_g(g) + v @ self.x


class Deeper(nn.Module):
    """E = -v W g - g U h - h X k - a v - b g - c h - d k: three layers of latent units.

    Every other layer is independent given those between them: two blocks.
    """

    def __init__(self, visible, first, second, third, seed=0, scale=1.0):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.w = numbers(g, visible, first, scale=scale)
        self.u = numbers(g, first, second, scale=scale)
        self.x = numbers(g, second, third, scale=scale)
        sizes = visible, first, second, third
        self.a, self.b, self.c, self.d = (numbers(g, n, scale=scale) for n in sizes)
        units = {
            "v": unit("observed", "bernoulli", [visible], "v_given_g", ["g"]),
            "g": unit("latent", "bernoulli", [first], "g_given", ["v", "h"]),
            "h": unit("latent", "bernoulli", [second], "h_given", ["g", "k"]),
            "k": unit("latent", "bernoulli", [third], "k_given_h", ["h"]),
        }
        blocks = ("g", "k"), ("v", "h")
        self.declared = Energy(("v", "g", "h", "k"), None, units, blocks)

    def energy(self, v, g, h, k):
        pairs = ((v @ self.w) * g).sum(1) + ((g @ self.u) * h).sum(1) + ((h @ self.x) * k).sum(1)
        return -pairs - v @ self.a - g @ self.b - h @ self.c - k @ self.d

    def v_given_g(self, g):
        return g @ self.w.T + self.a

    def g_given(self, v, h):
        return v @ self.w + h @ self.u.T + self.b

    def h_given(self, g, k):
        return g @ self.u + k @ self.x.T + self.c

    def k_given_h(self, h):
        return h @ self.x + self.d


class Conditional(Rbm):
    """E = -v W h - a v - b h of which the biases are computed from x: a = A x, b = B x."""

    def __init__(self, visible, hidden, given, seed=0, scale=1.0):
        super().__init__(visible, hidden, seed, scale)
        g = torch.Generator().manual_seed(seed + 1000)
        self.u, self.t = numbers(g, given, visible), numbers(g, given, hidden)
        units = {
            "v": unit("observed", "bernoulli", [visible], "v_given", ["h", "c"]),
            "h": unit("latent", "bernoulli", [hidden], "h_given", ["v", "d"]),
        }
        lets = {"c": Let("visible", ("x",)), "d": Let("hidden", ("x",))}
        inputs = ("v", "h", "c", "d"), ("v", "c", "d")
        self.declared = Energy(*inputs, units, (("h",), ("v",)), lets)

    def visible(self, x):
        return x @ self.u

    def hidden(self, x):
        return x @ self.t

    def energy(self, v, h, c, d):
        return -((v @ self.w) * h).sum(1) - (v * c).sum(-1) - (h * d).sum(-1)

    def free_energy(self, v, c, d):
        return -(v * c).sum(-1) - nn.functional.softplus(self.h_given(v, d)).sum(-1)

    def h_given(self, v, d):
        return v @ self.w + d

    def v_given(self, h, c):
        return h @ self.w.T + c

    def log_z(self, x):
        """Log Z of each row, by enumeration of v."""
        with torch.no_grad():
            v = binary(len(self.a))
            rows = [self.free_energy(v, self.visible(r), self.hidden(r)) for r in x]
        return torch.stack([(-each).logsumexp(0) for each in rows])


class Documents(Rbm):
    """Counts with a total that is given, by which the biases of h are multiplied."""

    def __init__(self, words, hidden, seed=0, scale=1.0):
        super().__init__(words, hidden, seed, scale)
        kind = "total_count", "logits"
        units = {
            "v": Unit("observed", "multinomial", (words,), "v_given", ("h", "n"), kind),
            "h": unit("latent", "bernoulli", [hidden], "h_given", ["v", "n"]),
        }
        self.declared = Energy(("v", "h", "n"), ("v", "n"), units, (("h",), ("v",)))

    def energy(self, v, h, n):
        return -((v @ self.w) * h).sum(1) - v @ self.a - n * (h @ self.b)

    def free_energy(self, v, n):
        return -v @ self.a - nn.functional.softplus(self.h_given(v, n)).sum(1)

    def h_given(self, v, n):
        return v @ self.w + n[..., None] * self.b

    def v_given(self, h, n):
        return n, h @ self.w.T + self.a

    def log_z(self, n):
        """Log Z of each row, by enumeration of the counts."""
        every = counts(len(self.a), int(n.max()))
        found = []
        for total in n:
            v = every[every.sum(1) == total]
            base = torch.lgamma(total + 1) - torch.lgamma(v + 1).sum(1)
            with torch.no_grad():
                found.append((base - self.free_energy(v, total.expand(len(v)))).logsumexp(0))
        return torch.stack(found)


class Surface(nn.Module):
    """E = f(x) + |x|^2 / 4 - h (W x) of points of the plane, with a network f.

    No closed form draws x; the latent h is Bernoulli, or left out with no hidden units.
    """

    def __init__(self, hidden=0, seed=0):
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.first, self.last = numbers(g, 2, 16, scale=1.5), numbers(g, 16)
        self.bias, self.w = numbers(g, 16), numbers(g, 2, hidden)
        x = Unit("observed", "normal", (2,), "", (), ())
        if hidden:
            units = {"x": x, "h": unit("latent", "bernoulli", [hidden], "h_given_x", ["x"])}
            self.declared = Energy(("x", "h"), ("x",), units, (("h",), ("x",)))
        else:
            self.declared = Energy(("x",), None, {"x": x}, (("x",),))

    def network(self, x):
        return torch.tanh(x @ self.first + self.bias) @ self.last + x.square().sum(-1) / 4

    def energy(self, x, h=None):
        found = self.network(x)
        return found if h is None else found - (h * (x @ self.w)).sum(-1)

    def free_energy(self, x):
        return self.network(x) - nn.functional.softplus(self.h_given_x(x)).sum(-1)

    def h_given_x(self, x):
        return x @ self.w

    def log_z(self):
        """Log of the integral of exp(-F) by a grid of 1,000 x 1,000 points of [-12, 12]^2."""
        axis = torch.linspace(-12, 12, GRID, dtype=torch.float64)
        x = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).flatten(0, 1)
        with torch.no_grad():
            logs = -(self.free_energy(x) if "h" in self.declared.units else self.energy(x))
        return (logs.logsumexp(0) + 2 * (axis[1] - axis[0]).log()).item()


def binary(count):
    """All states of `count` binary units: [2^count, count]."""
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=count)), dtype=torch.float64)


def every(module):
    """All states of all units of a module with Bernoulli units."""
    sizes = {name: own.shape[0] for name, own in module.declared.units.items()}
    rows = binary(sum(sizes.values()))
    return dict(zip(sizes, rows.split(list(sizes.values()), 1), strict=True))


def brute_log_z(module):
    """Log of the sum of exp(-E) over all states of all units, which are binary."""
    with torch.no_grad():
        return (-module.energy(**every(module))).logsumexp(0).item()


def brute_free_energy(module, v):
    """-log of the sum of exp(-E) over all states of the latents, row by row."""
    sizes = {n: own.shape[0] for n, own in module.declared.units.items() if n != "v"}
    rows = binary(sum(sizes.values()))
    latents = dict(zip(sizes, rows.split(list(sizes.values()), 1), strict=True))
    wide = {name: value.repeat(len(v), 1) for name, value in latents.items()}
    with torch.no_grad():
        energy = module.energy(v.repeat_interleave(len(rows), 0), **wide)
    return -(-energy).reshape(len(v), len(rows)).logsumexp(1)


def flip(module, name):
    """Gives the conditional of a unit a sign error: the terms of the other units are negated."""
    own = module.declared.units[name]
    right = getattr(module, own.method)

    def flawed(*given):
        alone = right(*(torch.zeros_like(value) for value in given))
        found = right(*given)
        if own.distribution == "poisson":
            return alone**2 / found
        if isinstance(found, tuple):
            return (2 * alone[0] - found[0], *found[1:])
        return 2 * alone - found

    setattr(module, own.method, flawed)


def gaussian_log_z(module):
    """Log Z of a `GaussianRbm`: with v integrated, a sum over h of a completed square.

    For each v: int exp(-(v - a)^2 / (2 s^2) + v c / s) dv = s sqrt(2 pi) exp(a c / s + c^2 / 2),
    where c = W h.
    """
    with torch.no_grad():
        h = binary(len(module.b))
        c = h @ module.w.T
        size = (module.s.log() + 0.5 * math.log(2 * math.pi)).sum()
        logs = (module.a * c / module.s + c**2 / 2).sum(1) + h @ module.b + size
        return logs.logsumexp(0).item()


def counts(values, most):
    """All vectors of `values` counts from 0 to `most`."""
    every = itertools.product(range(most + 1), repeat=values)
    return torch.tensor(list(every), dtype=torch.float64)


def count_log_z(module, v):
    """Log of the sum over the given counts v and all h of exp(-E) / prod v!."""
    base = -torch.lgamma(v + 1).sum(1)
    if module.total is not None:
        base = base + math.lgamma(module.total + 1)
    return (base - brute_free_energy(module, v)).logsumexp(0).item()
