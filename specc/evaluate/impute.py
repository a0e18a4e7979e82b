"""Missing values, filled: by the guide where it draws them, by a chain where they are left out.

Entries that a density leaves out are drawn by pseudo-Gibbs sampling (Rezende, Mohamed and Wierstra
2014, appendix F): with x the known values and a first guess of the others, each sweep draws

    z ~ q(z | x),    then    x_missing ~ p(x_missing | z)

and known entries never change. Were q the posterior, this would be Gibbs sampling, and the chain
would come to p(x_missing | x_known); how far q is from it is how far the draws may be off. The mean
is that of E[x | z] over the second half of the sweeps of all chains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.opened import OpenRun
from specc.engine.streams import Stream, noise_at
from specc.evaluate.labels import labels_of, predicted
from specc.evaluate.sampling import GUIDE, MEAN
from specc.evaluate.scoring import Advance, exact, fixed
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Field
from specc.runtime.places import located
from specc.runtime.program import Program

COMPLETE = "model.complete"
AT_ONCE = 4096
"""Rows of all chains that are computed together."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How many chains are run for each row, for how many sweeps, on which rows."""

    draws: int = 16
    sweeps: int = 100
    part: str = "test"
    rows: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Filled:
    """A field with its missing values filled.

    `known` is [rows, *mask]. `values` [rows, *shape] are the data where they are known; elsewhere
    the posterior mean, or the likeliest class of a label, whose `probabilities` are
    [rows, classes]. `draws` are [draws, rows, *shape]. `original` are the values before some were
    hidden, where that was for an experiment.
    """

    field: Field
    known: Tensor
    values: Tensor
    draws: Tensor
    probabilities: Tensor | None = None
    original: Tensor | None = None

    def summary(self) -> dict[str, Any]:
        """How many values were missing, and how well hidden ones were met, as JSON."""
        missing = ~self.known
        found: dict[str, Any] = {"rows": len(self.known), "missing": missing.double().mean().item()}
        if self.original is None or not missing.any():
            return found
        away = self.values[missing].double() - self.original[missing].double()
        if self.probabilities is not None:
            return {**found, "accuracy": (away == 0).double().mean().item()}
        return {**found, "squared_error": away.square().mean().item()}


@dataclass(slots=True)
class _Chain:
    """The chains of some rows, all side by side: [draws * rows, ...]."""

    program: Program
    state: Batch
    fields: Mapping[str, Field]
    draws: int
    sums: dict[str, Tensor] = field(default_factory=dict)
    counted: int = 0

    def sweep(self, noise: Any, counts: bool) -> None:  # noqa: ANN401
        """One sweep; the means count from the half on."""
        program, values = self.program, dict(self.state)
        if program.can(GUIDE) or program.manifest.latents("model"):
            infer = program.require(GUIDE, "imputation")
            latents, _ = infer(noise, 1, **program.inputs(GUIDE, self.state))
            values |= {name: value[0] for name, value in latents.items()}
        if program.can(COMPLETE):
            values |= program.require(COMPLETE)(noise, **program.inputs(COMPLETE, values))
        self.state |= {name: values[name] for name in self.fields}
        if counts:
            self._count(values)

    def _count(self, values: Batch) -> None:
        means: Batch = {}
        if self.program.can(MEAN) and set(self.program.capabilities[MEAN]) <= set(values):
            means = self.program.require(MEAN)(**self.program.inputs(MEAN, values))
        told = predicted(self.program, self.state)
        self.counted += 1
        for name, own in self.fields.items():
            assert own.missing is not None
            left_out = name in means and not own.missing.filled
            mean = means[name] if left_out else values[name]
            self._add(name, mean.reshape(values[name].shape))
            if name in told:
                self._add(f"{name}?", told[name].exp())

    def _add(self, name: str, value: Tensor) -> None:
        rows = value.reshape(self.draws, -1, *value.shape[1:]).double().mean(0)
        self.sums[name] = self.sums[name] + rows if name in self.sums else rows

    def mean(self, name: str) -> Tensor:
        """The mean over chains and sweeps, of each row."""
        return self.sums[name] / self.counted


@torch.inference_mode()
def impute(
    opened: OpenRun,
    asked: Asked,
    given: Batch | None = None,
    advance: Advance = lambda done: None,
) -> dict[str, Filled]:
    """Every field that may be missing, filled: of a part of the run's data, or of rows given here.

    Raises RunFailure: E0509 where there is no such part, E0805 where the program has latents and no
    guide to draw them, E0819 where no field may be missing.
    """
    data = opened.manifest.data
    fields = {n: own for n, own in (data.fields if data else {}).items() if own.missing is not None}
    if not fields:
        message = f"no data of `{opened.manifest.name}` may be missing"
        hint = "say in a node of the model what happens without a value: `missing: ...`"
        raise RunFailure("E0819", message, hint=hint, exit_code=USAGE)
    pieces: list[dict[str, Filled]] = []
    with opened.computing(), located(opened.program.folder):
        opened.program.eval()
        for start, batch, original, done in _batches(opened, asked, given):
            pieces.append(_some(opened, asked, fields, batch, original, start))
            advance(done)
    return {name: _joined([piece[name] for piece in pieces]) for name in fields}


def _batches(
    opened: OpenRun, asked: Asked, given: Batch | None
) -> Iterator[tuple[int, Batch, Batch, float]]:
    """The rows in pieces: the number of the first, the rows, what was hidden, the share done."""
    rows = None if given is not None else opened.rows(asked.part)
    count = len(rows) if rows is not None else len(next(iter((given or {}).values())))
    count = count if asked.rows is None else min(count, asked.rows)
    size = max(1, AT_ONCE // asked.draws)
    for start in range(0, count, size):
        index = slice(start, min(start + size, count))
        if rows is None:
            batch, original = {n: v[index] for n, v in (given or {}).items()}, {}
        else:
            batch = fixed(opened, rows, index, asked.seed)
            shown = fixed(opened, rows.revealed(), index, asked.seed)
            original = {n: shown[n] for n, own in rows.fields.items() if own.hides}
        yield start, batch, original, index.stop / count


def _some(
    opened: OpenRun,
    asked: Asked,
    fields: Mapping[str, Field],
    batch: Batch,
    original: Batch,
    start: int,
) -> dict[str, Filled]:
    program = opened.program
    state = {n: v.repeat(asked.draws, *[1] * (v.ndim - 1)) for n, v in batch.items()}
    chain = _Chain(program, state, fields, asked.draws)
    sweeps = asked.sweeps if program.can(COMPLETE) else 1
    for number in range(sweeps):
        noise = noise_at(asked.seed, Stream.SAMPLE, 3, start, number, device=opened.device)
        chain.sweep(noise, number >= sweeps // 2)
    return {n: _filled(opened, chain, own, batch, original) for n, own in fields.items()}


def _filled(opened: OpenRun, chain: _Chain, own: Field, batch: Batch, original: Batch) -> Filled:
    assert own.missing is not None
    name, known = own.name, batch[own.missing.known]
    classes = labels_of(opened.manifest).get(name, range(0)) if own.missing.filled else range(0)
    probabilities = None
    if classes:
        probabilities = _probabilities(chain, name, classes, batch, own.missing.known)
        mean = (probabilities.argmax(-1) + classes.start).to(batch[name].dtype)
    else:
        mean = chain.mean(name)
    draws = chain.state[name].reshape(chain.draws, *batch[name].shape)
    wide = known.reshape(*known.shape, *[1] * (batch[name].ndim - known.ndim))
    return Filled(
        field=own,
        known=known,
        values=torch.where(wide, batch[name].to(mean.dtype), mean),
        draws=torch.where(wide, batch[name], draws.to(batch[name].dtype)),
        probabilities=probabilities,
        original=original.get(name),
    )


def _probabilities(chain: _Chain, name: str, classes: range, batch: Batch, mask: str) -> Tensor:
    """The probability of each class of a label; of one that is known it is 1."""
    if f"{name}?" in chain.sums:
        found = chain.mean(f"{name}?")
    elif not chain.program.manifest.latents("model"):
        found = _exact(chain.program, name, classes, batch, mask)
    else:
        drawn = chain.state[name].reshape(chain.draws, -1).long() - classes.start
        found = torch.nn.functional.one_hot(drawn, len(classes)).double().mean(0)
    own = torch.nn.functional.one_hot(batch[name].long() - classes.start, len(classes))
    return torch.where(batch[mask][:, None], own.to(found.dtype), found)


def _exact(program: Program, name: str, classes: range, batch: Batch, mask: str) -> Tensor:
    """p(y = c | rest) by Bayes' rule, where log p is exact."""
    there = torch.ones_like(batch[mask])
    log_p = [
        exact(program, {**batch, name: torch.full_like(batch[name], c), mask: there})
        for c in classes
    ]
    return torch.stack(log_p, -1).double().softmax(-1)


def _joined(pieces: list[Filled]) -> Filled:
    def every(key: str, axis: int = 0) -> Tensor | None:
        found = [getattr(piece, key) for piece in pieces]
        return None if found[0] is None else torch.cat(found, axis).cpu()

    known, values, draws = every("known"), every("values"), every("draws", 1)
    assert known is not None and values is not None and draws is not None
    return Filled(
        field=pieces[0].field,
        known=known,
        values=values,
        draws=draws,
        probabilities=every("probabilities"),
        original=every("original"),
    )
