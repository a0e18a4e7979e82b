"""Probabilities of finite latents that are summed out, given the data: p(z = s | x).

They are derivatives of log p(x). With a sampler they are averages over its draws of the other
latents, p(z = s | x) = E_w[p(z = s | x, w)].
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.posterior_draws import PosteriorDraws
from specc.evaluate.scoring import fixed_batch
from specc.evaluate.solver_checks import require_solutions
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.program import Program

PROBS = "model.posterior_probs"

MOST_DRAWS = 1000
"""Draws of a sampler that are averaged over."""

ROWS_AT_ONCE = 1024

MOST_SHARED = 10_000
"""The largest number of probabilities of shared latents that result.json has."""


def posterior_probs(loaded: LoadedRun, batch: Batch) -> dict[str, Tensor]:
    """The probability of each value of the latents: [rows, ..., values] of those of rows, on a CPU.

    Of those of elements it is [elements, ..., values], of those of all rows [..., values].
    Raises RunFailure: E0805, if the program sums out no finite latent; E0845, if it does given
    latents that a guide draws.
    """
    program = require_probs(loaded)
    probs = program.require(PROBS)
    given = program.inputs(PROBS, batch)
    with loaded.computing(), require_solutions(program.folder):
        program.eval()
        draws = PosteriorDraws.of(loaded, MOST_DRAWS)
        if draws is None:
            return {name: value.cpu() for name, value in probs(**given).items()}
        total: dict[str, Tensor] = {}
        for _ in draws.each():
            found = probs(**given)
            total = {n: total[n] + v if n in total else v for n, v in found.items()}
        return {name: (value / len(draws)).cpu() for name, value in total.items()}


def require_probs(loaded: LoadedRun) -> Program:
    """The program, which has the probabilities of latents that are summed out.

    Raises RunFailure: E0805 or E0845, if it has none.
    """
    program, manifest = loaded.program, loaded.manifest
    if program.can(PROBS):
        return program
    nodes = manifest.nodes.get("model", {})
    summed = [nodes[n].name for n in manifest.summed() if nodes[n].is_discrete]
    drawn = [nodes[n].name for n in manifest.latents("guide") if n in nodes]
    if not summed:
        message = f"`{manifest.name}` sums out no finite latent, so there are no probabilities"
        hint = "`run.encode` draws latents, and `specc impute` without `--latents` missing values"
        raise RunFailure("E0805", message, hint=hint)
    given = " and ".join(f"`{name}`" for name in drawn) or "others"
    message = (
        f"`{summed[0]}` is summed out given {given}, which the guide draws, so that its "
        "probabilities given the data alone are not known"
    )
    hint = f"let the guide draw `{summed[0]}`, too, or sum out or sample all latents of the model"
    raise RunFailure("E0845", message, hint=hint, exit_code=USAGE)


def of_part(loaded: LoadedRun, part: str, rows: int | None = None) -> dict[str, Tensor]:
    """The probabilities of a part of the data, of the first `rows` of them.

    Raises RunFailure: E0509 if there is no such part, E0805 or E0845 if there are none.
    """
    require_probs(loaded)
    found = loaded.rows(part, loaded.manifest.observed())
    count = len(found) if rows is None else min(rows, len(found))
    size = count if loaded.manifest.coupled else ROWS_AT_ONCE
    slices = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    pieces = [posterior_probs(loaded, fixed_batch(loaded, found, index, 0)) for index in slices]
    return {n: torch.cat([piece[n] for piece in pieces]) for n in pieces[0]}


def of_shared(loaded: LoadedRun) -> dict[str, list[Any]]:
    """The probabilities of latents that rows share, given the training rows, as JSON.

    It has none that the program does not sum out, and not more than 10,000 numbers.
    """
    names = loaded.manifest.coupled
    if not names or not loaded.program.can(PROBS) or loaded.data is None:
        return {}
    found = of_part(loaded, "train")
    kept = {n: v for n, v in found.items() if n in names and v.numel() <= MOST_SHARED}
    found = loaded.manifest.named_as_in_spec(kept)
    return {name: value.double().tolist() for name, value in found.items()}
