"""The latent space of a run: principal directions, and interpolations between rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.sampling import GUIDE, MEAN
from specc.evaluate.scoring import fixed_batch
from specc.evaluate.solver_checks import require_solutions
from specc.report.final_evaluation import PictureField
from specc.report.pictures import Pixels, grid
from specc.report.point_classes import Classes, classes_of

DRAWS = 16
ROWS = 1000
PAIRS, STEPS = 8, 12


@dataclass(frozen=True, slots=True)
class Latent:
    """The only local latent vector of a program: its name, and E[z | x] of rows of data.

    `classes` are the classes of the rows, if the data have any.
    """

    name: str
    means: Tensor
    classes: Classes | None = None


@torch.inference_mode()
def latent_of(loaded: LoadedRun, part: str, seed: int = 0) -> Latent | None:
    """The means of the latent vector; None if there is not exactly one real-valued vector."""
    program, manifest = loaded.program, loaded.manifest
    names = manifest.latents("model")
    nodes = manifest.nodes["model"]
    if len(names) != 1 or nodes[names[0]].is_global or not program.can(GUIDE):
        return None
    rows = loaded.rows(part, program.capabilities[GUIDE])
    with loaded.computing(), require_solutions(program.folder):
        program.eval()
        batch = fixed_batch(loaded, rows, slice(0, min(ROWS, len(rows))), seed)
        noise = noise_at(seed, Stream.SAMPLE, 3, device=loaded.device)
        latents, _ = program.require(GUIDE)(noise, DRAWS, **program.inputs(GUIDE, batch))
    value = latents[names[0]]
    if not value.is_floating_point() or value.dim() != 3:
        return None
    return Latent(names[0], value.mean(0), classes_of(loaded, part, batch))


def principal(latent: Latent) -> tuple[list[tuple[float, float]], float] | None:
    """The rows along the two directions of largest variance, and their fraction of the variance."""
    centred = (latent.means - latent.means.mean(0)).double().cpu()
    if centred.shape[-1] < 2 or len(centred) < 3 or not bool(centred.isfinite().all()):
        return None
    _, scales, directions = torch.linalg.svd(centred, full_matrices=False)
    places = (centred @ directions[:2].T).tolist()
    share = (scales[:2].square().sum() / scales.square().sum().clamp(min=1e-300)).item()
    return [(x, y) for x, y in places], share


@torch.inference_mode()
def between(loaded: LoadedRun, latent: Latent, shown: PictureField) -> Pixels | None:
    """Pictures of linear interpolations between the latents of pairs of rows, one pair per line.

    None if the means of the data need more than this latent.
    """
    program = loaded.program
    if not program.can(MEAN) or set(program.capabilities[MEAN]) != {latent.name}:
        return None
    if len(latent.means) < 2 * PAIRS:
        return None
    first, second = latent.means[:PAIRS], latent.means[PAIRS : 2 * PAIRS]
    share = torch.linspace(0, 1, STEPS, dtype=first.dtype, device=first.device)[None, :, None]
    line = (1 - share) * first[:, None] + share * second[:, None]
    with loaded.computing(), require_solutions(program.folder):
        program.eval()
        means = program.require(MEAN)(**{latent.name: line.flatten(0, 1)})
    return grid(means[shown.name], shown.picture, STEPS, shown.tones)
