"""What a posterior is compared with: draws from the prior, and replicates of the training rows.

    prior                 w ~ p(w), [1, draw, *shape]
    posterior_predictive  x ~ p(x | w) for draws w from the posterior, [1, draw, row, *shape]

A posterior that is as wide as the prior has learnt nothing from the data, and replicates that do
not look like the data show what the model does not explain (Gabry et al. 2019).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from specc.data.load import Batch
from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.posterior_draws import PosteriorDraws
from specc.evaluate.sampling import SAMPLE

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
def replicates(loaded: LoadedRun, batch: Batch) -> Arrays:
    """Replicates of the observed nodes of a batch; empty if they are many numbers."""
    program, observed = loaded.program, loaded.manifest.observed()
    names = [name for name in observed if name in batch]
    numbers = sum(batch[name].numel() for name in names)
    posterior = PosteriorDraws.of(loaded, REPLICATES)
    if posterior is None or not program.can(SAMPLE) or numbers * len(posterior) > MOST_NUMBERS:
        return {}
    noise = noise_at(loaded.settings.seed, Stream.SAMPLE, 7, device=loaded.device)
    given, rows = program.inputs(SAMPLE, batch), len(next(iter(batch.values())))
    draw, found = program.require(SAMPLE), []
    with loaded.computing():
        program.eval()
        for _ in posterior.each():
            values = draw(noise, rows, **given)
            found.append({name: values[name].cpu().numpy().copy() for name in names})
    return {name: np.stack([own[name] for own in found])[None] for name in names}
