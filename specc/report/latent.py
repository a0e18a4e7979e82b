"""Looks into the latent space of a run: where rows lie in it, and what lies between two of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from specc.engine.opened import OpenRun
from specc.engine.streams import Stream, noise_at
from specc.evaluate.sampling import GUIDE, MEAN
from specc.evaluate.scoring import fixed
from specc.evaluate.solved import solved
from specc.report.colours import Classes, classes_of
from specc.report.conclude import Shown
from specc.report.pictures import Pixels, grid

DRAWS = 16
ROWS = 1000
PAIRS, STEPS = 8, 12


@dataclass(frozen=True, slots=True)
class Latent:
    """The one local latent vector of a program: its name, and E[z | x] of rows of data.

    `classes` are those of the rows, where the data have any.
    """

    name: str
    means: Tensor
    classes: Classes | None = None


@torch.inference_mode()
def latent_of(opened: OpenRun, part: str, seed: int = 0) -> Latent | None:
    """The means of the latent vector; None where there is not just one, of real numbers."""
    program, manifest = opened.program, opened.manifest
    names = manifest.latents("model")
    nodes = manifest.nodes["model"]
    if len(names) != 1 or nodes[names[0]].is_global or not program.can(GUIDE):
        return None
    rows = opened.rows(part)
    with opened.computing(), solved(program.folder):
        program.eval()
        batch = fixed(opened, rows, slice(0, min(ROWS, len(rows))), seed)
        noise = noise_at(seed, Stream.SAMPLE, 3, device=opened.device)
        latents, _ = program.require(GUIDE)(noise, DRAWS, **program.inputs(GUIDE, batch))
    value = latents[names[0]]
    if not value.is_floating_point() or value.dim() != 3:
        return None
    return Latent(names[0], value.mean(0), classes_of(opened, part, batch))


def principal(latent: Latent) -> tuple[list[tuple[float, float]], float] | None:
    """The rows along the two directions of largest variance, and the share that these have."""
    centred = (latent.means - latent.means.mean(0)).double().cpu()
    if centred.shape[-1] < 2 or len(centred) < 3 or not bool(centred.isfinite().all()):
        return None
    _, scales, directions = torch.linalg.svd(centred, full_matrices=False)
    places = (centred @ directions[:2].T).tolist()
    share = (scales[:2].square().sum() / scales.square().sum().clamp(min=1e-300)).item()
    return [(x, y) for x, y in places], share


@torch.inference_mode()
def between(opened: OpenRun, latent: Latent, shown: Shown) -> Pixels | None:
    """Pictures on the straight lines between the latents of pairs of rows, a pair a line.

    None where the means of the data need more than this latent.
    """
    program = opened.program
    if not program.can(MEAN) or set(program.capabilities[MEAN]) != {latent.name}:
        return None
    if len(latent.means) < 2 * PAIRS:
        return None
    first, second = latent.means[:PAIRS], latent.means[PAIRS : 2 * PAIRS]
    share = torch.linspace(0, 1, STEPS, dtype=first.dtype, device=first.device)[None, :, None]
    line = (1 - share) * first[:, None] + share * second[:, None]
    with opened.computing(), solved(program.folder):
        program.eval()
        means = program.require(MEAN)(**{latent.name: line.flatten(0, 1)})
    return grid(means[shown.name], shown.picture, STEPS, shown.tones)
