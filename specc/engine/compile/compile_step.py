"""The updates of a step as compiled graphs."""

from __future__ import annotations

from specc.engine.step.player import NotCompiled
from specc.engine.step.step import MicroBatch, Step


def compile_step(step: Step, *, only_cpp: bool = False) -> None:
    """Compiles the updates of a step on full batches; smaller batches are computed eagerly.

    With `only_cpp` an update that has no C++ of its own, which takes longer, is not compiled: the
    first step raises NotCompiled.

    Raises NotCompiled, with the reason, if a step cannot be compiled.
    """
    if step.has_dropout:
        raise NotCompiled("it has dropout, and a graph would draw other masks")
    if step.is_sharded:
        raise NotCompiled("its parameters are sharded")
    if any(own.of_rows for player in step.players for own in player.loss.state):
        raise NotCompiled("the chain of each row has a state of its own")
    if step.pieces > 1 or not step.rows.is_full(step.size):
        raise NotCompiled("its batches come in pieces")
    # Torch's compiler takes more than a second to import, so it is imported where it is needed.
    from specc.engine.compile.compiled_update import CompiledUpdate

    for number, player in enumerate(step.players):
        state = step.state.tensors[player.loss.name]
        batch, noise, scalars = step.example(number)
        with step.elements_of([MicroBatch(0, 1.0, batch, slice(None))]) as (piece,):
            step.compiled[number] = CompiledUpdate(
                step.program,
                player,
                state,
                piece.batch,
                noise,
                scalars,
                step.matmul_precision,
                moves_alone=not step.is_simultaneous,
                only_cpp=only_cpp,
            )
