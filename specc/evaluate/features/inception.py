"""Features of Inception v3 from a file of its weights, through torchmetrics."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor

from specc.evaluate.featured import Rows
from specc.runtime.failure import USAGE, RunFailure

AT_ONCE = 64
"""The images of a chunk."""


def features(rows: Rows, *, weights: str, layer: int) -> tuple[tuple[Tensor, ...], str]:
    """The pooled features of images with values in [0, 1], and the name of the layer.

    Raises RunFailure: E0825 without torchmetrics or the file, or if rows are not images.
    """
    network = _network(weights, layer)
    found = []
    for own in rows.data:
        parts = torch.split(_pictures(own, rows.picture, rows.node), AT_ONCE)
        with torch.inference_mode():
            found.append(torch.cat([network(part).reshape(len(part), -1) for part in parts]))
    return tuple(found), f"Inception v3, {layer} features"


def _network(weights: str, layer: int) -> Callable[[Tensor], Tensor]:
    """The network with the weights of a file; raises RunFailure E0825."""
    try:
        module = import_module("torchmetrics.image.fid")
        network_type: Callable[..., Callable[[Tensor], Tensor]] = module.NoTrainInceptionV3
    except (ImportError, AttributeError) as error:
        message = "Inception features need torchmetrics and torch-fidelity"
        hint = "install them with `pip install 'specc[inception]'`"
        raise RunFailure("E0825", message, hint=hint, exit_code=USAGE) from error
    if not Path(weights).is_file():
        message = f"there is no file {weights} with the weights of Inception v3"
        hint = "state its path in `features: {inception: {weights: PATH}}`; none is downloaded"
        raise RunFailure("E0825", message, hint=hint, exit_code=USAGE)
    return network_type(
        name="inception-v3-compat",
        features_list=[str(layer)],
        feature_extractor_weights_path=weights,
    )


def _pictures(rows: Tensor, picture: tuple[int, ...] | None, node: str) -> Tensor:
    """Rows as bytes [rows, 3, height, width]."""
    if picture is None:
        message = f"`{node}` holds no pictures, which Inception features are of"
        hint = "use `features: raw` or the layer of a classifier"
        raise RunFailure("E0825", message, hint=hint, exit_code=USAGE)
    values = rows.reshape(len(rows), *picture)
    if len(picture) == 2:
        values = values[:, None]
    elif picture[0] not in (1, 3):
        values = values.permute(0, 3, 1, 2)
    levels = (values.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8).cpu()
    return levels.expand(-1, 3, -1, -1)
