"""Programs whose rows depend on each other, so that a batch must have all of them."""

from __future__ import annotations

from specc.engine.distributed import world
from specc.engine.settings import Settings
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest


def require_all_rows(manifest: Manifest, settings: Settings, rows: int) -> None:
    """Check that each batch of training has all rows, if latents of elements are summed out.

    The logarithm of a sum over such a latent has the product of all rows of an element, of which
    some rows give no unbiased estimate. A sampler computes all rows in any case.

    Raises RunFailure: E0441.
    """
    if not manifest.coupled or manifest.sampler is not None:
        return
    name = manifest.coupled[0]
    message = f"the sum over `{name}` needs all rows that share a value of it together, and "
    if settings.batch_size < rows:
        message += f"a batch has {settings.batch_size:,} of {rows:,} rows"
        hint = f"write `batch_size: {rows}` in `train:`, or more"
    elif settings.accumulate > 1 or world().size > 1:
        count = max(settings.accumulate, world().size)
        message += f"a batch is divided into {count} micro-batches"
        hint = "leave out `accumulate`, and train in one process"
    else:
        return
    hint += f"; under `elbo` with a guide that draws `{name}`, batches may be smaller"
    raise RunFailure("E0441", message, hint=hint, exit_code=USAGE)
