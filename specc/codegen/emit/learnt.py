"""Learnt tensors: unconstrained numbers, and the property that maps them onto their support."""

from __future__ import annotations

import math

from specc.codegen.plan import Learnt
from specc.codegen.writer import Writer

START = 0.1
"""The standard deviation with which an array without `init:` starts, so that its entries differ."""


def write_learnt(item: Learnt, out: Writer, imports: set[str]) -> None:
    """`self.w = nn.Parameter(torch.zeros(10))`."""
    imports.add("torch")
    out.statement(f"self.{item.raw} = nn.Parameter({_start(item)})")


def _start(item: Learnt) -> str:
    sizes = ", ".join(map(str, item.shape)) if item.shape else "()"
    shape = f"({sizes},)" if len(item.shape) == 1 else f"({', '.join(map(str, item.shape))})"
    init = item.node.init
    if isinstance(init, tuple):
        values = [item.constrainer.inverse(v) for v in init]
        return f"torch.tensor({values!r}).expand({sizes}).clone()"
    if isinstance(init, (int, float)):
        return f"torch.full({shape}, {item.constrainer.inverse(float(init))!r})"
    if init == "normal":
        return f"torch.randn({sizes})"
    if init == "zeros" or math.prod(item.shape) == 1:
        return f"torch.zeros({sizes})"
    return f"{START} * torch.randn({sizes})"


def write_property(item: Learnt, out: Writer, imports: set[str]) -> None:
    """`noise`, as exp of what is learnt."""
    if item.constrainer.runtime:
        imports.add(item.constrainer.runtime)
    with out.about(f"{item.node.program}.{item.node.name}"):
        out.line("@property")
        out.line(f"def {item.attribute}(self) -> Tensor:")
        with out.indented():
            shown = f"[{', '.join(map(str, item.shape))}]"
            out.docstring(f"{item.node.name}, learnt without bounds as `{item.raw}`: {shown}.")
            out.statement(f"return {item.constrainer.code.format('self.' + item.raw)}")
