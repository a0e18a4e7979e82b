"""Layers of a catalog entry as torch modules, as generated code constructs them."""

from __future__ import annotations

from importlib import import_module

import torch
from torch import nn

from specc.catalog.entry import Initializer, Layer, Lowered


def resolve(target: str) -> object:
    if target.startswith("nn."):
        return getattr(nn, target.removeprefix("nn."))
    module, _, name = target.rpartition(".")
    return getattr(import_module(module), name)


def module(layer: Layer) -> nn.Module:
    children = [module(child) for child in layer.children]
    return resolve(layer.target)(*children, *layer.arguments, **layer.options)


def network(lowered: Lowered) -> nn.Module:
    built = nn.Sequential(*map(module, lowered.layers))
    start(built, lowered.init)
    return built


def start(built: nn.Module, init: Initializer | None) -> None:
    if init is not None:
        resolve(init.target)(built, **init.options)


def run(lowered: Lowered, inputs: tuple[int, ...], leading: tuple[int, ...]) -> torch.Tensor:
    return network(lowered)(torch.randn(*leading, *inputs))
