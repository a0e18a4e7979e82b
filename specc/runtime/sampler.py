"""The sampler in the manifest: its options, and the tensors that it moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specc.runtime.json_object import JsonObject, ManifestError


@dataclass(frozen=True, slots=True)
class Sampler:
    """A sampler: what draws the latents of the model by Markov chains.

    `options` are those that the catalog declares for its name. `latents` maps each latent, an
    attribute of the model, to the parameter of the program with its unconstrained numbers. Those
    of `rows` have a value for each training row, and `data` maps each column that the ends of their
    supports depend on to the buffer of the program with its training rows.
    """

    name: str
    options: Mapping[str, Any]
    latents: Mapping[str, str]
    rows: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)

    @property
    def chains(self) -> int:
        """The number of chains."""
        return int(self.options["chains"])

    @property
    def warmup(self) -> int:
        """The number of transitions that adapt."""
        return int(self.options["warmup"])

    @property
    def draws(self) -> int:
        """The number of draws of each chain."""
        return int(self.options["draws"])


def parse_sampler(item: JsonObject) -> Sampler:
    """The sampler in a manifest; raises ManifestError."""
    latents = item.child("latents").value
    options = item.get("options", dict)
    for name in ("chains", "warmup", "draws"):
        if not isinstance(options.get(name), int):
            raise ManifestError(f"`{item.path}.options` has no number of {name}")
    names = {key: str(value) for key, value in latents.items()}
    rows = item.names("rows") if "rows" in item.value else ()
    columns = item.child("data").value if "data" in item.value else {}
    data = {key: str(value) for key, value in columns.items()}
    return Sampler(item.get("name", str), options, names, rows, data)
