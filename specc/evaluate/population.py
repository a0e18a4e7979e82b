"""A population of proposals for what is missing, weighted by how well each goes with what is known.

In each sweep every member of a row's population draws

    z ~ q(z | x)    with the missing entries of x filled,    w = p(x_known, z) / q(z | x)

and, with members picked anew in proportion to w, fills x_missing ~ p(x_missing | z) for the next.
Whatever x was filled with, E[w h(z)] = p(x_known) E[h(z) | x_known]; so the weighted mean over all
members and sweeps goes to the posterior mean as their number grows, whatever the guide, and at the
rate that the effective sample size tells. A guide that is told which entries are missing, by
`known(x)`, has learnt q(z | x_known), and sees the holes in every sweep.

Cappe, Guillin, Marin and Robert (2004), Population Monte Carlo, section 2; for the first sweep
alone, Mattei and Frellsen (2019), MIWAE, eq. 10 to 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.evaluate.labels import predicted
from specc.evaluate.sampling import GUIDE, MEAN
from specc.evaluate.weights import LogSums
from specc.runtime.manifest import Field
from specc.runtime.noise import Noise
from specc.runtime.program import Program

COMPLETE, JOINT = "model.complete", "model.log_joint"


@dataclass(slots=True)
class Population:
    """The populations of some rows, side by side: [members * rows, ...], members in front.

    `data` has the holes, `state` what they are filled with. `kept` is a draw for each member, by
    the weights of all sweeps so far; `weights` are their sums.
    """

    program: Program
    fields: Mapping[str, Field]
    members: int
    data: Batch
    state: Batch
    weights: LogSums
    kept: Batch = field(default_factory=dict)
    means: dict[str, Tensor] = field(default_factory=dict)

    @staticmethod
    def of(program: Program, fields: Mapping[str, Field], members: int, batch: Batch) -> Population:
        """Of these rows, not filled yet."""
        data = {n: v.repeat(members, *[1] * (v.ndim - 1)) for n, v in batch.items()}
        first = next(iter(batch.values()))
        weights = LogSums(len(first), first.device)
        return Population(program, fields, members, data, dict(data), weights)

    def sweep(self, noise: Noise) -> None:
        """One draw, weight and completion of every member."""
        program = self.program
        latents, log_w = self._proposed(noise)
        before = self.weights.first
        self.weights.add(log_w)
        share, rest = ((log - self.weights.first).exp() for log in (log_w.double(), before))
        self._count({**self.data, **self.state, **latents}, share, rest)
        values = {**self.state, **self._picked(noise, latents, log_w)}
        if program.can(COMPLETE):
            values |= program.require(COMPLETE)(noise, **program.inputs(COMPLETE, values))
        self.state |= {name: values[name] for name in self.fields}
        self._keep(noise, log_w)

    def _proposed(self, noise: Noise) -> tuple[Batch, Tensor]:
        """The latents and log w [members, rows]; without latents all weights are 1."""
        program, rows = self.program, len(self.weights.first)
        if not (program.can(GUIDE) or program.manifest.latents("model")):
            return {}, self.weights.first.new_zeros(self.members, rows)
        infer = program.require(GUIDE, "imputation")
        given = {**self.state, **self._holes()}
        drawn, log_q = infer(noise, 1, **program.inputs(GUIDE, given))
        latents = {name: value[0] for name, value in drawn.items()}
        joint = program.require(JOINT, "imputation")
        log_p = joint(**program.inputs(JOINT, {**self.data, **latents}))
        log_w = (log_p - log_q[0]).reshape(self.members, rows)
        possible = log_w.isfinite().any(0)
        return latents, torch.where(possible, log_w, 0.0)

    def _holes(self) -> Batch:
        """The data that a guide which asks where there are holes sees with them."""
        asked = self.program.capabilities.get(GUIDE, ())
        missing = {n: own.missing for n, own in self.fields.items() if own.missing is not None}
        told = {n for n, own in missing.items() if not own.filled and own.known in asked}
        return {name: self.data[name] for name in told}

    def _picked(self, noise: Noise, latents: Batch, log_w: Tensor) -> Batch:
        """The latents of members picked in proportion to w, with replacement, row by row."""
        members, rows = log_w.shape
        index = noise.classes(log_w.mT.softmax(-1), members).mT
        flat = (index * rows + torch.arange(rows, device=index.device)).flatten()
        return {name: value[flat] for name, value in latents.items()}

    def _keep(self, noise: Noise, log_w: Tensor) -> None:
        """Replace what is kept by this sweep's draws with this sweep's share of all weights."""
        share = (log_w.double().logsumexp(0) - self.weights.first).exp()
        new = (noise.uniform(log_w.shape) < share).flatten()
        for name in self.fields:
            drawn, old = self.state[name], self.kept.get(name, self.state[name])
            wide = new.reshape(-1, *[1] * (drawn.ndim - 1))
            self.kept[name] = torch.where(wide, drawn, old)

    def _count(self, values: Batch, share: Tensor, rest: Tensor) -> None:
        """Weighted means of E[x | z], of drawn values, and of the probabilities of labels."""
        program, found = self.program, {}
        if program.can(MEAN) and set(program.capabilities[MEAN]) <= set(values):
            found = program.require(MEAN)(**program.inputs(MEAN, values))
        told = predicted(program, {**self.state, **self._holes()})
        for name, own in self.fields.items():
            assert own.missing is not None
            if own.missing.filled:
                self._add(name, values[name], share, rest)
            elif name in found:
                self._add(name, found[name].expand(values[name].shape), share, rest)
            if name in told:
                self._add(f"{name}?", told[name].exp(), share, rest)

    def _add(self, name: str, value: Tensor, share: Tensor, rest: Tensor) -> None:
        rows = value.reshape(*share.shape, *value.shape[1:]).double()
        axes = (1,) * (rows.ndim - 2)
        mean = (share.reshape(*share.shape, *axes) * rows).sum(0)
        if name in self.means:
            mean = mean + rest.reshape(-1, *axes) * self.means[name]
        self.means[name] = mean

    def mean(self, name: str) -> Tensor:
        """The posterior mean of each row; of what has no mean, that of the draws that are kept."""
        if name in self.means:
            return self.means[name]
        kept = self.kept[name].double()
        return kept.reshape(self.members, -1, *kept.shape[1:]).mean(0)
