"""Reading of `sampler:`."""

from __future__ import annotations

from specc.catalog.chain import moves_of
from specc.catalog.registry import CHAINS, SAMPLERS
from specc.language.located import Located
from specc.language.schema.read_named import read_named
from specc.language.schema.reading import Reading
from specc.language.schema.sampler import ChainSpec, SamplerSpec
from specc.language.schema.single import read_single
from specc.language.schema.spec import Path

SAMPLER = "the name of a sampler, such as `nuts`"
CHAIN = "the name of a chain, such as `hmc`"


def read_sampler(reading: Reading, value: Located, path: Path) -> SamplerSpec | None:
    """The sampler with all of its options; None if a part of it is invalid."""
    if reading.has_objective:
        return _in_objective(reading, value, path)
    forms = {name: entry.Options for name, entry in SAMPLERS.items()}
    named = read_named(reading, value, path, SAMPLER, forms)
    return None if named is None else SamplerSpec(name=named[0], options=named[1])


def _in_objective(reading: Reading, value: Located, path: Path) -> SamplerSpec | None:
    """The chain that draws latents for the objective; reports other samplers (E0482)."""
    single = read_single(reading, value, path, CHAIN)
    if single is None:
        return None
    word, _ = single
    if word.text in SAMPLERS and word.text not in CHAINS:
        shown = ", ".join(f"`{name}`" for name in CHAINS)
        return reading.report("E0482", word.span, sampler=word.text, chains=shown)
    forms = {name: moves_of(entry.Options) for name, entry in CHAINS.items()}
    named = read_named(reading, value, path, CHAIN, forms)
    if named is None:
        return None
    return ChainSpec(name=named[0], options=named[1])
