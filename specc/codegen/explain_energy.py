"""What is derived from an energy, for `explain`: the blocks of a transition, and sums over units.

The units of a block are drawn together given all others. Log Z is a sum over the states of some
units, with the others summed out in closed form.
"""

from __future__ import annotations

from collections.abc import Iterator

from specc.codegen.plan import ProgramPlan
from specc.graph.blocks import blocks, conditions, couples_itself, hidden
from specc.graph.graph import FREE_ENERGY, Program

MOST_OF_Z = 20
"""The log2 of the most states that are summed for log Z."""

FEW = 10
"""The log2 of the most states whose number is written out."""

HEAD = ("block", "given", "because")


def block_rows(program: Program, plan: ProgramPlan) -> list[tuple[str, ...]]:
    """Return the blocks in the order in which they are drawn, what is given, and the reason."""
    if program.energy is None:
        return []
    return [(", ".join(b), _given(program, b), _reason(program, plan, b)) for b in blocks(program)]


def _given(program: Program, block: tuple[str, ...]) -> str:
    found = dict.fromkeys(name for unit in block for name in conditions(program, unit))
    return ", ".join(f"the rest of {n}" if n in block else n for n in found) or "nothing"


def _reason(program: Program, plan: ProgramPlan, block: tuple[str, ...]) -> str:
    parts = []
    for name in block:
        draw, colors = program.nodes[name].draw, plan.factors[name].colors
        if program.nodes[name].is_moved and draw is not None:
            parts.append(f"no closed form draws {name}: a transition of {draw.kind}")
        elif colors is not None:
            parts.append(
                f"the entries of {name} interact: color after color, {colors.count} colors"
            )
    if len(block) > 1:
        parts.append(f"{' and '.join(block)} do not interact")
    return "; ".join(parts) or f"the entries of {block[0]} do not interact"


def sums(program: Program) -> Iterator[str]:
    """Yield a sentence on each sum over units: the free energy, and log Z."""
    energy = program.energy
    if energy is None or energy.log_z is None:
        return
    inner, total = hidden(program), energy.log_z
    if FREE_ENERGY in program.nodes:
        yield f"free_energy has {_and(inner)} summed out in closed form"
    elif inner:
        interact = any(couples_itself(program, name) for name in inner) or len(inner) > 1
        why = "interact with each other" if interact else "have no sum in closed form"
        yield f"there is no free energy in closed form: the hidden units {_and(inner)} {why}"
    rest = tuple(name for name in program.units if name not in total.units)
    if total.log2_states == float("inf"):
        yield f"log Z is estimated: there are infinitely many states of {_and(total.units)}"
        return
    states = "2^" + f"{total.log2_states:.1f}".removesuffix(".0")
    if total.log2_states <= FEW:
        states = f"{round(2**total.log2_states):,}"
    closed = f", with {_and(rest)} summed out in closed form" if rest else ""
    what = f"{states} states of {_and(total.units)}" if total.units else "no states"
    few = "" if total.free else f": more than 2^{MOST_OF_Z}, so it is estimated"
    yield f"log Z is a sum over {what}{closed}{few}"


def _and(names: tuple[str, ...]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
