"""Statements about data that may be missing: what fills it, and in which rows a density counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.codegen.layout import over_last
from specc.objective.terms import Rows

if TYPE_CHECKING:
    from specc.codegen.emit.body import Body
    from specc.codegen.plan import Factor, Missing


def _wide(mask: str, axes: int) -> str:
    """A mask with further axes of an event behind its own."""
    return mask if axes == 0 else f"{mask}[..., {', '.join(['None'] * axes)}]"


def fill(body: Body, factor: Factor, missing: Missing) -> None:
    """`y = torch.where(y_known, y, y_drawn)`."""
    body.imports.add("torch")
    value = body.python(factor.node.name)
    known = _wide(missing.known, len(factor.type.shape) - missing.rank)
    body.out.statement(f"{value} = torch.where({known}, {value}, {missing.drawn})")


def agree(body: Body, factor: Factor, missing: Missing) -> None:
    """`y_fits = (y == y_data) | ~y_known`, for every value that y may have."""
    rank = len(factor.type.shape)
    known = _wide(missing.known, rank - missing.rank)
    every = f".flatten(-{rank}).all(-1)" if rank > 1 else ".all(-1)" * rank
    same = f"({body.python(factor.node.name)} == {missing.data}) | ~{known}"
    body.out.statement(f"{missing.fits} = {f'({same}){every}' if every else same}")


def masked_log_prob(
    body: Body, factor: Factor, missing: Missing, local: str, rows: Rows, arguments: list[str]
) -> None:
    """A log-density in the rows without a value, as a mean over those with one, or of entries."""
    out = body.out
    value = body.python(factor.node.name)
    if rows == "known" and factor.node.name in body.layout.enumerated:
        value = missing.data
    together = factor.event_axes - missing.rank
    out.call(f"{local} = {body.called(factor, 'log_prob')}", [value, *arguments], "")
    if together:
        out.statement(f"{local} = {local}{over_last(together)}")
    if factor.members > 1:
        body.imports.add("specc.runtime.functions.logmeanexp")
        out.statement(f"{local} = logmeanexp({local}, dim=0)")
    plated = body.over_plates(factor, local)
    steps = len(factor.type.plates) - 1 if plated and factor.lengths is None else 0
    summed = over_last(missing.rank + steps)
    pair = f"0.0, {local}" if rows == "missing" else f"{local}, 0.0"
    share = f" / {missing.share}" if rows == "known" else ""
    body.imports.add("torch")
    out.statement(f"{local} = torch.where({missing.known}, {pair}){summed}{share}")
    if plated and not steps:
        out.statement(f"{local} = {plated}")
