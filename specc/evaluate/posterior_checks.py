"""What a posterior is compared with: draws from the prior, and replicates of the training rows.

    prior                 w ~ p(w), [1, draw, *shape]
    prior_predictive      x ~ p(x | w) for draws w from the prior, [1, draw, row, *shape]
    posterior_predictive  the same for draws w from the posterior, by chains or by a guide

A posterior that is as wide as the prior has learnt nothing from the data. Replicates by the prior
should cover the data, and not much that is impossible. Replicates by the posterior that do not look
like the data show what the model does not explain (Gabry et al. 2019).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.element_draws import ElementDraws
from specc.evaluate.guide_draws import GuideDraws
from specc.evaluate.posterior_draws import PosteriorDraws
from specc.evaluate.sampling import SAMPLE
from specc.runtime.noise import Noise

PRIOR = "model.sample_prior"
PRIOR_DRAWS = 1000
REPLICATES = 100
MOST_NUMBERS = 10_000_000
"""Numbers of all replicates, or of all draws from the prior, above which they are left out."""

Arrays = dict[str, np.ndarray[Any, np.dtype[Any]]]


@torch.inference_mode()
def prior_draws(loaded: LoadedRun) -> Arrays:
    """Draws of the latents that rows share from their prior; empty if there is no way to draw."""
    nodes = loaded.manifest.nodes["model"].values()
    count = sum(np.prod(node.shape, initial=1.0) for node in nodes if node.is_global)
    if not loaded.program.can(PRIOR) or count * PRIOR_DRAWS > MOST_NUMBERS:
        return {}
    noise = noise_at(loaded.settings.seed, Stream.SAMPLE, 6, device=loaded.device)
    draw = loaded.program.require(PRIOR)
    with loaded.computing():
        found = [draw(noise) for _ in range(PRIOR_DRAWS)]
    return {n: np.stack([own[n].cpu().numpy() for own in found])[None] for n in found[0]}


@torch.inference_mode()
def replicates(loaded: LoadedRun, batch: Batch, posterior: PosteriorDraws | GuideDraws) -> Arrays:
    """Replicates of the observed nodes of a batch of all training rows; empty if they are large.

    Latents of elements, or of all rows, that are summed out are drawn from their posterior given
    each draw of the others.
    """
    if not _is_small(loaded, batch):
        return {}
    noise = noise_at(loaded.settings.seed, Stream.SAMPLE, 7, device=loaded.device)
    # The latents of a sampler are parameters of the model, those of a guide are arguments.
    each: Iterable[Mapping[str, Tensor]] = islice(posterior.each(), REPLICATES)
    if loaded.manifest.coupled:
        elements = ElementDraws.of(loaded)
        if elements is None:
            return {}
        each = elements.beside(each, noise)
    return _rows_at(loaded, batch, noise, each)


@torch.inference_mode()
def prior_replicates(loaded: LoadedRun, batch: Batch) -> Arrays:
    """Replicates of the observed nodes of a batch, each given draws of the latents from the prior.

    Empty if they are many numbers, if there is no way to draw, or if the prior is so wide that a
    node cannot be drawn.
    """
    program = loaded.program
    if not program.can(PRIOR) or not _is_small(loaded, batch):
        return {}
    noise = noise_at(loaded.settings.seed, Stream.SAMPLE, 8, device=loaded.device)
    draw = program.require(PRIOR)
    try:
        return _rows_at(loaded, batch, noise, (draw(noise) for _ in range(REPLICATES)))
    except (RuntimeError, ValueError):  # a rate of infinity, or a matrix that is not definite
        return {}


def _is_small(loaded: LoadedRun, batch: Batch) -> bool:
    """Whether the program can draw replicates of a batch, and they fit into memory."""
    numbers = sum(batch[name].numel() for name in _names(loaded, batch))
    return loaded.program.can(SAMPLE) and numbers * REPLICATES <= MOST_NUMBERS


def _names(loaded: LoadedRun, batch: Batch) -> list[str]:
    return [name for name in loaded.manifest.observed() if name in batch]


def _rows_at(
    loaded: LoadedRun, batch: Batch, noise: Noise, latents: Iterable[Mapping[str, Tensor]]
) -> Arrays:
    """The observed nodes of the rows of a batch for each of some latents."""
    program, names = loaded.program, _names(loaded, batch)
    given, rows = program.inputs(SAMPLE, batch), len(next(iter(batch.values())))
    draw, found = program.require(SAMPLE), []
    with loaded.computing():
        program.eval()
        for shared in latents:
            values = draw(noise, rows, **given, **shared)
            found.append({name: values[name].cpu().numpy().copy() for name in names})
    return {name: np.stack([own[name] for own in found])[None] for name in names}
