"""Log p of single rows, exactly or by a bound, in chunks that fit into the cache.

    exact   log p(x), if the program computes it (`model.log_prob`) or has no latents
    iwae    log 1/K sum_k p(x, z_k) / q(z_k | x), z_k ~ q(z | x)    (Burda et al. 2016, eq. 8)
            log 1/K sum_k p(x, z_k | w_k) / q(z_k | x, w_k), w_k ~ q(w), if a guide draws w for
            all rows: a bound of the log of the mean of p(x | w)
    elbo    1/K sum_k log p(x, z_k) / q(z_k | x), or log p(x, z_k | w_k) / q(z_k | x, w_k)
    predictive   log 1/K sum_k p(x | w_k), w_k draws of a sampler from p(w | training rows), or of
            a guide that approximates it
    ais     log p(x) with log Z by annealed importance sampling, for a program with an energy; else
            with chains over the latents of each row

Estimators depend on the capabilities of a program alone, not on families of models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from specc.counted import counted, noun
from specc.data.load import Batch, RowIndex, Rows
from specc.data.unpaired import Unpaired
from specc.engine.order.streams import Stream, noise_at
from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.energies.choice import ANNEALED, choose, differs_between_rows
from specc.evaluate.energies.density import TOP, EnergyDensity
from specc.evaluate.energies.log_z import CHAINS, TEMPERATURES, Annealing, Direction, Latents
from specc.evaluate.guide_draws import (
    MANY,
    GuideDraws,
    has_shared_guide,
    shared_draw_per_particle,
)
from specc.evaluate.importance_weights import LogSums
from specc.evaluate.memory import BUDGET, GPU_BUDGET, ChunkSize, chunk_size_for, largest
from specc.evaluate.pareto import Tail
from specc.evaluate.posterior_annealing import PosteriorAnnealing, Simulated
from specc.evaluate.posterior_draws import PosteriorDraws
from specc.evaluate.solver_checks import require_solutions
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest
from specc.runtime.noise import Noise
from specc.runtime.program import Program

GUIDE = "guide.sample_and_log_prob"
PROBE_PARTICLES = 4
PREDICTIVE = "predictive"
"""The log of the mean of p(x | w) over draws w of a sampler, or of a guide for all rows."""

Advance = Callable[[float], None]
"""Called with the fraction of the work that is done; it may raise to stop the work."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for an estimate: the estimator, its particles, and the rows.

    Annealing has chains, temperatures and a direction instead of particles.
    """

    estimator: str = "iwae"
    particles: int = 1000
    part: str = "test"
    rows: int | None = None
    seed: int = 0
    chains: int = CHAINS
    temperatures: int = TEMPERATURES
    direction: Direction = "forward"
    latents: Latents = "mean_field"

    def counted(self) -> str:
        """`1000 particles`, or `100 chains, 10,000 temperatures`."""
        if self.estimator == ANNEALED:
            return f"{counted(self.chains, 'chain')}, {counted(self.temperatures, 'temperature')}"
        return f"{self.particles} {noun(self.particles, 'particle')}"

    def annealing(self) -> Annealing:
        """The options of annealed importance sampling."""
        options = Annealing(self.chains, self.temperatures, self.direction, seed=self.seed)
        return replace(options, latents=self.latents)


@dataclass(frozen=True, slots=True)
class Scored:
    """Log p of some rows: [rows], in float64.

    `effective` is the effective sample size of each row, and `shapes` the Pareto shape of its
    weights; they are None if there are no weights, or too few.
    """

    values: Tensor
    effective: Tensor | None = None
    shapes: Tensor | None = None


class Scorer:
    """Scores the rows of a request, within the context `scoring` that creates it."""

    def __init__(self, loaded: LoadedRun, rows: Rows, request: Request, estimator: str) -> None:
        self.loaded = loaded
        self.rows = rows
        self.estimator = estimator
        self.seed = request.seed
        self.density = EnergyDensity.of(loaded, estimator, request.annealing())
        self.draws: PosteriorDraws | GuideDraws | None
        self.top = EnergyDensity.of_top(loaded, request.annealing())
        self.draws = PosteriorDraws.of(loaded, request.particles)
        if estimator == PREDICTIVE and self.draws is None:
            self.draws = GuideDraws.of(loaded, request.particles, request.seed)
        counts = {"exact": 1, ANNEALED: request.chains}
        self.particles = counts.get(estimator, request.particles)
        if self.draws is not None:
            self.particles = len(self.draws)
        self.annealing = self._posterior(request)
        self.limit = len(rows) if request.rows is None else min(request.rows, len(rows))
        self.piece = self._fitting()
        if loaded.manifest.coupled:
            self.piece = replace(self.piece, rows=self.limit)

    def batches(self, advance: Advance) -> Iterator[tuple[int, Batch, Advance]]:
        """The rows in order: the number of the first, the batch, and its progress function.

        Binarized values are drawn once for each row, independently of the size of the chunks.
        """
        for start in range(0, self.limit, self.piece.rows):
            stop = min(start + self.piece.rows, self.limit)
            batch = fixed_batch(self.loaded, self.rows, slice(start, stop), self.seed)
            yield start, batch, progress_between(advance, start / self.limit, stop / self.limit)

    def score(self, batch: Batch, start: int, advance: Advance) -> Scored:
        """Log p of a batch; its draws depend on the number of its first row."""
        if self.density is not None:
            found = self.density.log_prob(batch, start)
            advance(1.0)
            return Scored(found.values)
        if self.draws is not None:
            values = self.draws.log_prob(batch)
            advance(1.0)
            return Scored(values)
        if self.estimator == "exact":
            values = exact(self.loaded.program, batch).double()
            advance(1.0)
            return Scored(values)
        sums = LogSums(len(next(iter(batch.values()))), self.loaded.device)
        if self.annealing is not None:
            sums.add(self.annealing.log_weights(batch, start, advance))
            return Scored(sums.log_mean(), sums.effective())
        tail = Tail(self.particles)
        while sums.particles < self.particles:
            count = min(self.piece.particles, self.particles - sums.particles)
            log_p, log_q = proposed(self.loaded, batch, count, self.seed, start, sums.particles)
            sums.add(log_p - log_q)
            tail.add(log_p, log_q)
            advance(sums.particles / self.particles)
        values = sums.log_mean() if self.estimator == "iwae" else sums.mean_log()
        if self.top is not None:
            values = values - self.top.log_z().value
        return Scored(values, sums.effective(), tail.shape())

    def simulated(self, advance: Advance) -> Simulated:
        """Both directions of annealing on as many rows of the model as there are in a chunk."""
        assert self.annealing is not None
        batch = fixed_batch(self.loaded, self.rows, slice(0, self.piece.rows), self.seed)
        return self.annealing.simulated(batch, advance)

    def _posterior(self, request: Request) -> PosteriorAnnealing | None:
        """The annealing of the latents of rows, if that is the estimator."""
        if self.estimator != ANNEALED or self.density is not None:
            return None
        return PosteriorAnnealing(self.loaded, request.chains, request.temperatures, request.seed)

    def _fitting(self) -> ChunkSize:
        """The size of a chunk, from a probe with a few particles of one row."""
        loaded, few = self.loaded, min(PROBE_PARTICLES, self.particles)
        budget = BUDGET if loaded.device.type == "cpu" else GPU_BUDGET
        if self.density is not None:
            return chunk_size_for(self.density.bytes_of_row(), self.limit, 1, budget)
        batch = fixed_batch(loaded, self.rows, slice(0, 1), self.seed)
        if isinstance(draws := self.draws, GuideDraws):
            bytes_of_row = largest(lambda: draws.log_prob(batch))
            return chunk_size_for(bytes_of_row, self.limit, 1, budget)
        if isinstance(draws, PosteriorDraws):
            one = replace(draws, positions=draws.positions[:1])
            return chunk_size_for(largest(lambda: one.log_prob(batch)), self.limit, 1, budget)
        annealing = self.annealing
        if annealing is not None and not loaded.program.can(GUIDE):
            found = largest(lambda: annealing.probe(batch, few))
        elif self.estimator in ("exact", PREDICTIVE):
            found = largest(lambda: exact(loaded.program, batch))
        else:
            found = largest(lambda: log_weights(loaded, batch, few, self.seed))
        if self.annealing is not None:
            rows = int(budget / max(1.0, found / few * self.particles))
            return ChunkSize(max(1, min(self.limit, rows)), self.particles)
        particles = 1 if self.draws is not None else self.particles
        return chunk_size_for(found / few, self.limit, particles, budget)


@contextmanager
def scoring(loaded: LoadedRun, request: Request) -> Iterator[Scorer]:
    """A context with the scorer of a request, in the precision and with the threads of the run.

    Raises RunFailure: E0509 if the data has no such part, E0813 if the program does not allow the
    estimate.
    """
    program = loaded.program
    rows = loaded.rows(request.part, program.manifest.observed())
    estimator = choose_estimator(program.manifest, request.estimator)
    program.eval()
    with loaded.computing(), torch.inference_mode(), require_solutions(program.folder):
        yield Scorer(loaded, rows, request, estimator)


def choose_estimator(manifest: Manifest, requested: str) -> str:
    """The estimator to use: the exact value if the program has one, else the requested bound.

    Raises RunFailure: E0813, if the program allows neither. The compiler refuses such entries of
    `evaluate:` before, for the same reasons.
    """
    # The latents of the guide include data with missing values, which it draws.
    drawn, known = manifest.latents("model") + manifest.latents("guide"), manifest.capabilities
    if manifest.sampler is not None or has_shared_guide(manifest):
        return PREDICTIVE
    anneals = manifest.energy is not None and requested == ANNEALED
    has_density = "model.log_prob" in known or (not drawn and "model.log_joint" in known)
    if has_density and not anneals:
        return "exact"
    refusal: tuple[str, str] | None
    if TOP in known:
        refusal = _above(manifest, requested)
    elif manifest.energy is not None:
        chosen = choose(manifest.energy, requested)
        if isinstance(chosen, str):
            return chosen
        refusal = chosen
    else:
        refusal = _refusal(manifest, requested)
    if refusal is None:
        return requested
    problem, hint = refusal
    name = manifest.name
    message = f"the estimate `{requested}` cannot be made for the program `{name}`: {problem}"
    raise RunFailure("E0813", message, hint=hint, exit_code=USAGE)


def has_bound(manifest: Manifest) -> bool:
    """Whether draws of the guide give a bound of log p of each row, and nothing is exact."""
    try:
        return choose_estimator(manifest, "iwae") == "iwae"
    except RunFailure:
        return False


def _above(manifest: Manifest, requested: str) -> tuple[str, str] | None:
    """The reason why a program with an energy above a directed net has no estimate, and a hint."""
    assert manifest.energy is not None
    if GUIDE not in manifest.capabilities:
        return "no guide draws the latents of a row", "the terms of the loss measure the fit"
    if requested in ("exact", ANNEALED):
        return "log p of a row is a sum over its latents", "`iwae` is a bound by draws of the guide"
    if (reason := differs_between_rows(manifest.energy)) is not None:
        return reason, "the terms of the loss measure the fit"
    return None


def _refusal(manifest: Manifest, requested: str) -> tuple[str, str] | None:
    """The reason why a program without an exact log p(x) has no such estimate, and a hint."""
    nodes, known = manifest.nodes["model"], manifest.capabilities
    guided = manifest.latents("guide") if {GUIDE, MANY} <= set(known) else ()
    for name in manifest.latents("model"):
        if nodes[name].is_global and name not in guided and name not in manifest.summed():
            why = f"`{name}` is shared by all rows, so a single row has no likelihood"
            return why, "the terms of the loss on held-out rows measure the fit"
    if not any(node.role == "observed" for node in nodes.values()):
        why = "the model has no density of the data"
        return why, "a `metric` compares samples with the data"
    if manifest.coupled and requested in ("iwae", ANNEALED):
        why = f"rows share `{manifest.coupled[0]}`, which is summed out"
        return why, "`elbo` is a bound for all rows together"
    needs_guide = requested != ANNEALED
    for capability in ("model.log_joint", GUIDE)[: 1 + needs_guide]:
        if capability not in known:
            return f"it has no `{capability}`", _instead(manifest)
    for name in manifest.latents("model") if needs_guide else ():
        if name in known["model.log_joint"] and name not in manifest.latents("guide"):
            why = f"the guide draws other latents, but not `{name}`, which is summed out"
            return why, f"let the guide draw `{name}`, too"
    if requested == ANNEALED and (lacking := _not_annealed(manifest)) is not None:
        return lacking
    if requested == "exact":
        return "it has no `model.log_prob`", "`iwae` is a bound by draws from the guide"
    return None


def _instead(manifest: Manifest) -> str:
    """A hint for a program without a guide of its latents."""
    if "model.log_joint" in manifest.capabilities and _not_annealed(manifest) is None:
        return "`ais` anneals the latents of each row"
    return f"it has {', '.join(sorted(manifest.capabilities)) or 'nothing'}"


def _not_annealed(manifest: Manifest) -> tuple[str, str] | None:
    """The reason why the latents of rows are not annealed, and a hint."""
    hint = "`iwae` is a bound by draws from the guide"
    nodes, known = manifest.nodes["model"], manifest.capabilities
    for name in (*manifest.latents("model"), *manifest.latents("guide")):
        if name in nodes and nodes[name].role == "observed":
            return f"`{name}` has no value in some rows", hint
        if name in nodes and nodes[name].is_global:
            return f"`{name}` is shared by all rows", hint
        if name in known["model.log_joint"] and nodes[name].is_discrete:
            return f"it moves the latents by gradients, and `{name}` has no continuous values", hint
    if "model.sample" not in known:
        return "it has no `model.sample`", hint
    return ("its rows are sequences", hint) if manifest.has_sequences else None


def exact(program: Program, batch: Batch) -> Tensor:
    """Log p(x) of each row, for a program that `choose_estimator` found to be exact: [rows]."""
    name = exact_name(program)
    value: Tensor = program.require(name)(**program.inputs(name, batch))
    return value


def exact_name(program: Program) -> str:
    """The capability that computes log p(x): without latents the joint density does."""
    return "model.log_prob" if program.can("model.log_prob") else "model.log_joint"


def log_weights(
    loaded: LoadedRun, batch: Batch, particles: int, seed: int, *counters: int
) -> Tensor:
    """Log p(x, z) - log q(z | x) of new particles: [particles, rows]."""
    log_p, log_q = proposed(loaded, batch, particles, seed, *counters)
    return log_p - log_q


def proposed(
    loaded: LoadedRun, batch: Batch, particles: int, seed: int, *counters: int
) -> tuple[Tensor, Tensor]:
    """Log p(x, z) and log q(z | x) of new particles: [particles, rows] each.

    Given draws of the latents that all rows share, if the guide draws some.
    """
    program = loaded.program
    noise = noise_at(seed, Stream.EVALUATE, *counters, device=loaded.device)
    shared = shared_draw_per_particle(program, noise, particles)
    return proposed_given(program, noise, particles, batch, shared)


def proposed_given(
    program: Program, noise: Noise, particles: int, batch: Batch, shared: Batch
) -> tuple[Tensor, Tensor]:
    """The same, given a value of each shared latent for each particle: [particles, 1, *shape]."""
    joint = TOP if program.can(TOP) else "model.log_joint"
    sample, log_joint = program.require(GUIDE), program.require(joint)
    latents, log_q = sample(noise, particles, **program.inputs(GUIDE, {**batch, **shared}))
    known = {**batch, **shared, **latents}
    return log_joint(**program.inputs(joint, known)), log_q


def fixed_batch(loaded: LoadedRun, rows: Rows | Unpaired, index: RowIndex, seed: int) -> Batch:
    """The rows at `index`, with draws that depend on the seed and the row's number alone."""
    if isinstance(rows, Unpaired):
        assert isinstance(index, tuple)
        pairs = zip(rows.sources, index, strict=True)
        found = [fixed_batch(loaded, own, part, seed) for own, part in pairs]
        return {name: value for batch in found for name, value in batch.items()}
    assert isinstance(index, slice)
    parts = []
    for row in range(index.start, index.stop):
        noise = noise_at(seed, Stream.DATA, row, device=loaded.device)
        parts.append(rows.batch(slice(row, row + 1), noise))
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def progress_between(advance: Advance, first: float, last: float) -> Advance:
    """The progress of a part of the work that is between the fractions `first` and `last`."""
    return lambda fraction: advance((1.0 - fraction) * first + fraction * last)
