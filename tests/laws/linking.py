"""Random energies with affine links, and these links in numpy.

A link is evaluated by the definition of its layers: a matrix product, or the sum over the places of
a kernel. Its transpose is that of the matrix of its values at unit vectors.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from torch import nn

from specc.runtime.links.fold_leading import FoldLeading
from specc.runtime.links.squeeze import Squeeze
from tests.laws.energizing import Maker, Unit


class Link:
    """f(x) = W x + b from the layers of a module, for an x of a shape; `T` is its transpose."""

    def __init__(self, module, input):
        self.layers = list(_layers(module))
        self.input = input

    def __call__(self, x):
        x = np.broadcast_to(np.asarray(x, dtype=float), self.input)
        x = x.reshape(-1) if isinstance(self.layers[0], nn.Linear) else x
        for layer in self.layers:
            x = _applied(layer, x)
        return x

    def T(self, y):  # noqa: N802 - the name in a spec
        """W' y: entry i is sum(y * (f(e_i) - f(0)))."""
        units = np.eye(math.prod(self.input)).reshape(-1, *self.input)
        middle = self(np.zeros(self.input))
        found = [np.sum(y * (self(unit) - middle)) for unit in units]
        return np.array(found).reshape(self.input)


def _layers(module):
    if isinstance(module, FoldLeading):
        yield from _layers(module.module)
    elif isinstance(module, nn.Sequential):
        for part in module:
            yield from _layers(part)
    else:
        yield module


def _applied(layer, x):
    """The result of one layer at an event."""
    if isinstance(layer, nn.Linear):
        bias = 0.0 if layer.bias is None else layer.bias.detach().numpy()
        return layer.weight.detach().numpy() @ x + bias
    if isinstance(layer, nn.Conv2d):
        return _convolved(layer, x)
    if isinstance(layer, Squeeze):
        return x[0]
    if isinstance(layer, nn.Identity):
        return x
    if isinstance(layer, nn.Flatten):
        return x.reshape(-1)
    return x[None] if layer.dim == -2 else x.reshape(layer.unflattened_size)


def _convolved(layer, x):
    weight, (step, _), (cut, _) = layer.weight.detach().numpy(), layer.stride, layer.padding
    x = np.pad(x, ((0, 0), (cut, cut), (cut, cut)))
    side = weight.shape[-1]
    rows, columns = ((n - side) // step + 1 for n in x.shape[1:])
    found = np.zeros((len(weight), rows, columns))
    for k, i, j in itertools.product(*map(range, found.shape)):
        window = x[:, i * step : i * step + side, j * step : j * step + side]
        found[k, i, j] = np.sum(weight[k] * window)
    if layer.bias is not None:
        found += layer.bias.detach().numpy()[:, None, None]
    return found


class LinkMaker(Maker):
    """Makes a random energy in which links join the nodes, of which some are images."""

    def __init__(self, seed):
        super().__init__(seed)
        self.kernel = (2, 1, 0)

    def units(self):
        """The first node is an image, and a convolution of it has the shape of the second."""
        found = super().units()
        if self.random.random() < 0.6:
            side, step, cut = self.random.choice(((2, 1, 0), (2, 2, 0), (1, 1, 0), (3, 2, 1)))
            image = self.random.choice(((1, 2, 2), (1, 2, 3), (1, 3, 2), (2, 2, 2)))
            sides = tuple((n + 2 * cut - side) // step + 1 for n in image[1:])
            self.kernel = side, step, cut
            shapes = image, (2 if math.prod(sides) < 3 else 1, *sides)
            found[:2] = [Unit(n, "bernoulli", s) for n, s in zip("vh", shapes, strict=True)]
            del found[3:]
        return found

    def link(self, input, output):
        """The name of a new link between two shapes."""
        name = f"f{next(self.numbers)}"
        kinds = ["linear", "{linear: true, bias: false}", "{mlp: [2], activation: identity}"]
        side, step, cut = self.kernel
        if len(input) == len(output) == 3:
            maps = tuple((n + 2 * cut - side) // step + 1 for n in input[1:])
            if maps == output[1:]:
                bias = self.random.choice(("", ", bias: false"))
                sizes = f"stride: {step}, padding: {cut}{bias}"
                kinds = [f"{{convolution: {side}, {sizes}}}"] * 3
                kinds += [f"{{conv: [2], activation: identity, kernel: {side}, {sizes}}}", "linear"]
        if len(input) == 3 and len(output) < 2:
            kinds.append("{conv: [2], activation: identity, kernel: 2, stride: 1, padding: 1}")
        self.made.links[name] = self.random.choice(kinds)
        self.made.inputs[name] = input
        return name

    def linear(self, unit):
        """Also a number that a link returns."""
        if self.random.random() < 0.6:
            return super().linear(unit)
        x = self.moved(unit.name)
        output = self.random.choice(((), (), (2,), (1, 2)))
        f = self.link(unit.shape, output)
        if not output:
            return self.random.choice((f"{f}({x})", f"{self.number()} * {f}({x})"))
        return f"sum({self.parameter(output)} * {f}({x}))"

    def pair(self, one, other):
        """Also a link from one to the other, or its transpose."""
        if self.random.random() < 0.2:
            return super().pair(one, other)
        if self.random.random() < 0.3 and self.kernel is not None and len(one.shape) != 3:
            one, other = other, one
        x, y = self.moved(one.name), self.moved(other.name)
        f = self.link(one.shape, other.shape)
        a, c = self.number(), self.parameter(other.shape)
        forms = [
            f"sum({y} * {f}({x}))",
            f"sum({a} * {f}({x}) * {y})",
            f"sum(({f}({x}) + {c}) * {y})",
            f"sum({y} * {f}({x} / 2))",
        ]
        if self.made.links[f] == "linear" or "convolution" in self.made.links[f]:
            forms += [f"sum({f}.T({y}) * {x})", f"sum({x} * {f}.T({a} * {y}))"]
        if len(other.shape) == 1:
            forms.append(f"{f}({x}) @ {y}")
        if self.random.random() < 0.2:
            forms = [f"sum({self.let(f'{f}({x})', other.shape)} * {y})"]
        return self.random.choice(forms)
