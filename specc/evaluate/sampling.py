"""Samples from a program, and reconstructions of rows of data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from inspect import signature

import torch
from torch import Tensor

from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.denoising import Denoising, denoised
from specc.evaluate.element_draws import ElementDraws
from specc.evaluate.guide_draws import GuideDraws, one_shared_draw
from specc.evaluate.posterior_draws import PosteriorDraws
from specc.evaluate.scoring import fixed_batch
from specc.evaluate.solver_checks import require_solutions
from specc.evaluate.units import in_data_units
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.noise import Noise

SAMPLE = "model.sample"
CHAINS = ("model.gibbs", "model.chain")
"""The transitions of an energy, of which a program has one."""
MEAN = "model.conditional_mean"
GUIDE = "guide.sample_and_log_prob"
SHARED = "guide.sample_global"
DRAWS = 1000
"""The largest number of draws of shared latents from a guide; more rows than that share them."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Samples: `values` of all nodes, and `means` of observed nodes given the other nodes.

    The means are better for pictures of binary data. `shared` are the latents with one value for
    all rows, `given` the values that the model conditions on.
    """

    values: Mapping[str, Tensor]
    means: Mapping[str, Tensor]
    shared: tuple[str, ...] = ()
    given: Mapping[str, Tensor] = field(default_factory=dict)

    def in_data_units(self, loaded: LoadedRun) -> Drawn:
        """The same rows, with standardized fields in the units of the data."""
        every = (self.values, self.means, self.given)
        values, means, given = (in_data_units(loaded, found) for found in every)
        return Drawn(values, means, self.shared, given)

    def shown(self) -> dict[str, Tensor]:
        """All values for display: means instead of draws if they are known."""
        return {**self.values, **self.means}


@dataclass(frozen=True, slots=True)
class Chain:
    """The chains of an energy: their `steps`, by default those of the program, and their start.

    They start at noise, or `at_data`: at the observed units of rows. Latent units start as always.
    """

    steps: int | None = None
    at_data: bool = False


@torch.inference_mode()
def sample(
    loaded: LoadedRun,
    rows: int,
    seed: int = 0,
    part: str | None = None,
    chain: Chain | None = None,
    denoising: Denoising | None = None,
) -> Drawn:
    """`rows` samples from the model, conditioned on given values of rows of `part`.

    The default part is that of held-out rows. Latents that rows share are drawn from the posterior
    given the training rows by a sampler or a guide, another draw for each row. `chain` is for an
    energy; at data, it starts at rows of `part`. `denoising` is for a noising chain, in fewer steps
    than it has.

    Raises RunFailure: E0805, if the program cannot be sampled, E0840 or E0531, if it has no such
    chain.
    """
    program = loaded.program
    draw = program.require(SAMPLE, "sampling")
    if chain is not None:
        _check_chain(loaded, chain)
    with loaded.computing(), require_solutions(program.folder):
        noise = noise_at(seed, Stream.SAMPLE, device=loaded.device)
        program.eval()
        needs = program.capabilities[SAMPLE]
        batch = _rows(loaded, part or loaded.held_out, rows, seed, needs) if needs else {}
        given = program.inputs(SAMPLE, batch) if needs else {}
        if denoising is not None:
            return Drawn(denoised(loaded, denoising, noise, rows, given), {}, (), given)
        draws = PosteriorDraws.of(loaded, rows) or GuideDraws.of(loaded, min(rows, DRAWS), seed)
        elements = ElementDraws.of(loaded, seed)
        each: Iterable[Mapping[str, Tensor]] | None = None if draws is None else draws.each()
        count = min(rows, DRAWS) if draws is None else len(draws)
        if elements is not None:
            alone = elements.each(noise, count)
            each = alone if each is None else elements.beside(each, noise)
        if each is not None:
            return _over_draws(loaded, count, each, noise, rows, given)
        shared: dict[str, Tensor] = {}
        if program.can(SHARED):
            shared = program.require(SHARED)(noise_at(seed, Stream.SAMPLE, 2, device=loaded.device))
        more = {} if chain is None or chain.steps is None else {"steps": chain.steps}
        if chain is not None and chain.at_data:
            steps = more.get("steps", signature(draw).parameters["steps"].default)
            values = _from_data(loaded, noise, rows, seed, part or loaded.held_out, steps)
        else:
            values = draw(noise, rows, **given, **shared, **more)
        values = {name: value.detach() for name, value in values.items()}  # parameters, too
        nodes = loaded.manifest.nodes["model"]
        of_all = tuple(n for n in values if n in shared or (n in nodes and nodes[n].is_global))
        return Drawn(values, _means(loaded, {**given, **values}), of_all, given)


def _check_chain(loaded: LoadedRun, chain: Chain) -> None:
    """Raises E0840 if no chain samples the program, or if it cannot start at data."""
    declared, name = loaded.manifest.energy, loaded.manifest.name
    if declared is None:
        problem, hint = "no chain samples it", "`--steps` and `--start` are for an `energy:`"
        if loaded.manifest.chain is not None and not chain.at_data:
            hint = "add `--sampler ddim`, which takes fewer steps through the noising chain"
    elif chain.at_data and all(unit.role == "latent" for unit in declared.units.values()):
        problem, hint = "no node of its energy is data", "leave out `--start data`"
    else:
        return
    message = f"the program `{name}` has no such chain: {problem}"
    raise RunFailure("E0840", message, hint=hint, exit_code=USAGE)


def _from_data(
    loaded: LoadedRun, noise: Noise, rows: int, seed: int, part: str, steps: int
) -> dict[str, Tensor]:
    """The units of an energy after a chain that starts at rows of the data."""
    program, declared = loaded.program, loaded.manifest.energy
    assert declared is not None
    method = next(name for name in CHAINS if program.can(name))
    needs, units = program.capabilities[method], declared.units
    latent = [name for name in needs if name in units and units[name].role == "latent"]
    fields = [name for name in needs if name not in latent] or [
        name for name, unit in units.items() if unit.role == "observed"
    ]
    start = _rows(loaded, part, rows, seed, fields)
    for name in latent:
        draw = noise.normal if units[name].is_moved else noise.zeros
        start[name] = draw((rows, *units[name].shape))
    run = program.require(method)
    found: dict[str, Tensor] = run(noise, **program.inputs(method, start), steps=steps)
    return found


def _over_draws(
    loaded: LoadedRun,
    count: int,
    each: Iterable[Mapping[str, Tensor]],
    noise: Noise,
    rows: int,
    given: Mapping[str, Tensor],
) -> Drawn:
    """Samples of the posterior predictive distribution: each row has a draw of the latents.

    `each` has the latents that are arguments. If there are fewer draws than rows, rows next to each
    other share one.
    """
    draw, parts, means = loaded.program.require(SAMPLE), [], []
    nodes = loaded.manifest.nodes["model"]
    shared = [name for name in loaded.manifest.latents("model") if nodes[name].is_global]
    for piece, drawn in zip(torch.arange(rows).tensor_split(count), each, strict=True):
        own = {name: value[piece] for name, value in given.items()}
        values = draw(noise, len(piece), **own, **drawn)
        found = _means(loaded, {**own, **values})
        # A mean that shared latents alone determine has no rows.
        means.append(
            {
                n: m if m.dim() >= values[n].dim() else m.expand_as(values[n])
                for n, m in found.items()
            }
        )
        # A latent of the model is its parameter, which the next draw changes.
        wide = {n: v.expand(len(piece), *v.shape).clone() for n, v in values.items() if n in shared}
        parts.append({**values, **wide})
    values = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    joined = {name: torch.cat([part[name] for part in means]) for name in means[0]}
    return Drawn(values, joined, (), given)


@torch.inference_mode()
def reconstruct(loaded: LoadedRun, rows: int, seed: int = 0, part: str = "test") -> Drawn:
    """The first rows of a part of the data, as `values`, and `means` given their latents.

    Raises RunFailure: E0805, if the program has no guide or no means.
    """
    program = loaded.program
    infer = program.require(GUIDE, "reconstruction")
    program.require(MEAN, "reconstruction")
    with loaded.computing(), require_solutions(program.folder):
        noise = noise_at(seed, Stream.SAMPLE, 1, device=loaded.device)
        program.eval()
        batch = _rows(loaded, part, rows, seed, program.capabilities[GUIDE][:1])
        shared = one_shared_draw(program, noise, 1)
        latents, _ = infer(noise, 1, **program.inputs(GUIDE, {**batch, **shared}))
        means = _means(loaded, {**batch, **shared, **latents})
    return Drawn(batch, {n: v.reshape(batch[n].shape) for n, v in means.items() if n in batch})


@torch.inference_mode()
def rows_of_part(loaded: LoadedRun, part: str, rows: int, seed: int = 0) -> dict[str, Tensor]:
    """The first rows of a part of the data, at most `rows` of them from each source that has it."""
    sources = () if loaded.data is None else loaded.data.sources
    parts = [own.parts[part] for own in sources if part in own.parts] or [loaded.rows(part)]
    found: dict[str, Tensor] = {}
    for own in parts:
        found |= fixed_batch(loaded, own, slice(0, min(rows, len(own))), seed)
    return found


def _means(loaded: LoadedRun, known: Mapping[str, Tensor]) -> dict[str, Tensor]:
    program = loaded.program
    if not program.can(MEAN) or not set(program.capabilities[MEAN]) <= set(known):
        return {}
    means: dict[str, Tensor] = program.require(MEAN)(**program.inputs(MEAN, known))
    return means


def _rows(
    loaded: LoadedRun, part: str, count: int, seed: int, fields: Iterable[str]
) -> dict[str, Tensor]:
    """The first rows of the part, repeated from the start if it has fewer.

    Of several sources those with the fields, side by side.
    """
    found: dict[str, Tensor] = {}
    for name in fields:
        if name in found:
            continue
        rows = loaded.rows(part, (name,))
        batch = fixed_batch(loaded, rows, slice(0, min(count, len(rows))), seed)
        again = torch.arange(count, device=loaded.device) % len(rows)
        found |= {own: value[again] for own, value in batch.items()}
    return found
