"""The facts that run.json stores at the start of a run: all that a resumed run must repeat."""

from __future__ import annotations

import platform
from typing import Any

import torch

from specc.data.load import LoadedData
from specc.engine.distributed import world
from specc.engine.settings import Settings
from specc.runtime.manifest import Manifest


def initial_facts(
    manifest: Manifest, settings: Settings, data: LoadedData, where: torch.device, threads: int
) -> dict[str, Any]:
    """Seed, digests, data, device, threads, micro-batches of a batch, and versions."""
    return {
        "name": manifest.name,
        "seed": settings.seed,
        "digests": dict(manifest.digests),
        "data_digest": data.digest,
        "data_record": dict(data.record),
        "device": str(where),
        "threads": threads,
        "pieces": max(settings.accumulate, world().size),
        "versions": {
            "specc": manifest.specc,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
