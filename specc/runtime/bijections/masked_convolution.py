"""Convolutions whose Jacobian is triangular, with a positive diagonal.

    z_0 = x,  z_k = tanh(a_k),  a_k = own_k(z_(k-1)) + earlier_k(z_(k-1)),  u = exp(t) x + a_last

`earlier_k` is a convolution over the entries before each entry, by row, pixel and channel, and
`own_k` a matrix of positive numbers for the units of the entry. So u_i depends on x_1, ..., x_i and
increases in x_i. Song, Meng and Ermon (2019), MintNet, sections 3.1 and 3.2; there the products of
own weights are positive, here each of them is.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from specc.runtime.bijections.bijection import Bijection
from specc.runtime.bijections.event import expand_to_context, total
from specc.runtime.bijections.root import root
from specc.runtime.causal_links.masked_conv import channel_groups
from specc.runtime.control_flow import data_dependent

START = 0.02
"""The initial share of the network in a slope."""


class EarlierConv2d(nn.Conv2d):
    """A convolution over the pixels before each pixel, and the channels before in the pixel.

    The maps are divided among the `channels`.
    """

    mask: Tensor

    def __init__(self, channels: int, before: int, after: int, window: tuple[int, int]) -> None:
        middle = (window[0] // 2, window[1] // 2)
        super().__init__(channels * before, channels * after, window, padding=middle)
        rows, columns = torch.meshgrid(*map(torch.arange, window), indexing="ij")
        earlier = (rows < middle[0]) | ((rows == middle[0]) & (columns < middle[1]))
        mask = earlier.to(self.weight).expand_as(self.weight).clone()
        of_after, of_before = (
            torch.tensor(channel_groups(channels * n, channels)) for n in (after, before)
        )
        mask[:, :, middle[0], middle[1]] = (of_before < of_after[:, None]).to(mask)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The convolution, [rows, channels after, height, width]."""
        padding = (self.kernel_size[0] // 2, self.kernel_size[1] // 2)
        return functional.conv2d(x, self.weight * self.mask, self.bias, padding=padding)


class MaskedConvolution(Bijection):
    """u_i = exp(t) x_i + a monotone network of x_i, whose shifts depend on the entries before.

    `shape` is a vector, or an image with or without channels. `inverse` is one pass. `forward`
    solves for all entries at once and repeats until they agree, at most once for each entry.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        depth: int,
        maps: int,
        kernel: int,
        reverse: bool,
        context: int = 0,
    ) -> None:
        super().__init__()
        self.shape, self.reverse, self.image = shape, reverse, (1, 1, *shape)[-3:]
        channels, *sides = self.image
        window = (kernel if sides[0] > 1 else 1, kernel if sides[1] > 1 else 1)
        sizes = [1, *[maps] * depth, 1]
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.log_own = nn.ParameterList(
            nn.Parameter(0.5 * torch.randn(channels, after, before) - math.log(before))
            for before, after in pairwise(sizes)
        )
        self.earlier = nn.ModuleList(
            EarlierConv2d(channels, before, after, window) for before, after in pairwise(sizes)
        )
        with torch.no_grad():
            self.log_own[-1] += math.log(START)
            self.earlier[-1].get_parameter("weight").mul_(START)
        size = depth * maps * channels
        self.context = nn.Linear(context, size, bias=False) if context else None

    def inverse(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The draw u and log |det du/dx|."""
        x = expand_to_context(x, context, len(self.shape))
        u, slope = self._pass(self._images(x), self._shifts(context, x))
        return self._events(u, x), total(self._events(slope.log(), x), len(self.shape))

    def forward(self, u: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The value x and log |det dx/du|."""
        x = self.forward_value(u, context)
        return x, -self.inverse(x, context)[1]

    def forward_value(self, u: Tensor, context: Tensor | None = None) -> Tensor:
        """The value x alone, with the derivative of the implicit function theorem.

        The graph contains u(x) - u with x constant; the backward pass multiplies the gradient by
        the inverse of the transposed Jacobian.
        """
        u = expand_to_context(u, context, len(self.shape))
        goal, shifts = self._images(u), self._shifts(context, u)
        fixed = [shift.detach() for shift in shifts]
        x = self._solved(goal.detach(), fixed)
        solution = x - (self._pass(x, shifts)[0] - goal)
        if solution.requires_grad:
            solution.register_hook(lambda grad: self._transposed(x, fixed, grad))  # type: ignore[no-untyped-call]
        return self._events(solution, u)

    def _pass(self, x: Tensor, shifts: list[Tensor]) -> tuple[Tensor, Tensor]:
        """u and its slopes du_i/dx_i, of images in the order of this map."""
        return self._increasing(x, self._rests(x, shifts))

    def _rests(self, x: Tensor, shifts: list[Tensor]) -> list[Tensor]:
        """What the entries before each entry add to each layer of its network."""
        z, found = x, []
        for k, earlier in enumerate(self.earlier):
            rest = earlier(z)
            if k < len(shifts):
                rest = rest + shifts[k]
            found.append(rest)
            z = torch.tanh(rest + self._own(k, z))
        return found

    def _increasing(self, x: Tensor, rests: list[Tensor]) -> tuple[Tensor, Tensor]:
        """The network of each entry and its slope, for what is added to its layers."""
        z, slope, last = x, torch.ones_like(x), len(rests) - 1
        for k, rest in enumerate(rests):
            a, slope = rest + self._own(k, z), self._own(k, slope)
            if k < last:
                z = torch.tanh(a)
                slope = (1 - z * z) * slope
        scale = self.log_scale.exp()[:, None, None]
        return scale * x + a, scale + slope

    def _own(self, k: int, z: Tensor) -> Tensor:
        """The positive matrices of layer k, for the units of each entry."""
        weight = self.log_own[k].exp()
        parts = z.reshape(len(z), weight.shape[0], weight.shape[2], -1)
        units: Tensor = weight @ parts
        return units.reshape(len(z), -1, *z.shape[-2:])

    @torch.no_grad()
    def _solved(self, u: Tensor, shifts: list[Tensor]) -> Tensor:
        """The x with u(x) = u: in each round the first entry that is not right becomes so."""
        data_dependent("entries are solved for until they agree")
        scale = self.log_scale.exp()[:, None, None]
        reach = self.log_own[-1].exp().sum((1, 2))[:, None, None]
        x = u / scale
        for _ in range(math.prod(self.image) + 1):
            rests = self._rests(x, shifts)
            middle = u - rests[-1]

            def excess(x: Tensor, rests: list[Tensor] = rests) -> tuple[Tensor, Tensor]:
                value, slope = self._increasing(x, rests)
                return value - u, slope

            new = root(excess, (middle - reach) / scale, (middle + reach) / scale)
            apart = (new - x).abs() > 2 * torch.finfo(x.dtype).eps * (1 + x.abs())
            x = new
            if not apart.any():
                break
        return x

    def _transposed(self, x: Tensor, shifts: list[Tensor], grad: Tensor) -> Tensor:
        """The v with J'v = grad, by substitution: the diagonal of J is `slope`."""
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            u, slope = self._pass(at, shifts)
        v = grad / slope
        for _ in range(math.prod(self.image)):
            (product,) = torch.autograd.grad(u, at, v, retain_graph=True)
            step = (grad - product) / slope
            v = (v + step).detach()
            if (step.abs() <= torch.finfo(v.dtype).eps * (1 + v.abs())).all():
                break
        return v.detach()

    def _images(self, x: Tensor) -> Tensor:
        """Events [..., *shape] as [rows, channels, height, width] in the order of this map."""
        images = x.reshape(-1, *self.image)
        return images.flip(-1, -2, -3) if self.reverse else images

    def _events(self, images: Tensor, like: Tensor) -> Tensor:
        images = images.flip(-1, -2, -3) if self.reverse else images
        return images.reshape(like.shape)

    def _shifts(self, context: Tensor | None, like: Tensor) -> list[Tensor]:
        """What the context adds to each hidden layer, [rows, maps, 1, 1]."""
        if self.context is None or context is None:
            return []
        leading = like.shape[: like.dim() - len(self.shape)]
        every = self.context(context)
        every = every.expand(*leading, every.shape[-1]).reshape(-1, every.shape[-1], 1, 1)
        return list(every.chunk(len(self.earlier) - 1, 1))
