"""Population Monte Carlo for missing values.

In each sweep every member of a row's population draws

    z ~ q(z | x)    with the missing entries of x filled in,    w = p(x_known, z) / q(z | x)

Members are then resampled in proportion to w, and each draws x_missing ~ p(x_missing | z) for the
next sweep. E[w h(z)] = p(x_known) E[h(z) | x_known] for any completion of x. The weighted mean over
all members and sweeps therefore converges to the posterior mean for any guide, at the rate of the
effective sample size. A guide with `known(x)` among its inputs approximates q(z | x_known) and gets
the data with its missing entries in every sweep.

Cappe, Guillin, Marin and Robert (2004), Population Monte Carlo, section 2; for the first sweep
alone, Mattei and Frellsen (2019), MIWAE, eq. 10 to 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.evaluate.classification import guide_log_probs
from specc.evaluate.guide_draws import one_shared_draw
from specc.evaluate.importance_weights import LogSums
from specc.evaluate.sampling import GUIDE, MEAN
from specc.runtime.fields import Field
from specc.runtime.noise import Noise
from specc.runtime.program import Program

IMPUTE, JOINT, POSTERIOR = "model.impute", "model.log_joint", "model.sample_posterior"


@dataclass(slots=True)
class Population:
    """The populations of several rows as one batch: [members * rows, ...], the members in front.

    `data` are the rows with missing entries, `state` their current completion. `draws` has one
    posterior draw for each member, by the weights of all sweeps so far; `weights` has the sums of
    the weights.
    """

    program: Program
    fields: Mapping[str, Field]
    members: int
    data: Batch
    state: Batch
    weights: LogSums
    draws: Batch = field(default_factory=dict)
    means: dict[str, Tensor] = field(default_factory=dict)

    @staticmethod
    def of(program: Program, fields: Mapping[str, Field], members: int, batch: Batch) -> Population:
        """The population of these rows before the first sweep."""
        data = {n: v.repeat(members, *[1] * (v.ndim - 1)) for n, v in batch.items()}
        first = next(iter(batch.values()))
        weights = LogSums(len(first), first.device)
        return Population(program, fields, members, data, dict(data), weights)

    def sweep(self, noise: Noise) -> None:
        """Draws, weighs and completes every member once."""
        program = self.program
        latents, log_w = self._proposed(noise)
        before = self.weights.first
        self.weights.add(log_w)
        weight, rest = ((log - self.weights.first).exp() for log in (log_w.double(), before))
        self._update_means({**self.data, **self.state, **latents}, weight, rest)
        values = {**self.state, **self._resampled(noise, latents, log_w)}
        if program.can(IMPUTE):
            values |= program.require(IMPUTE)(noise, **program.inputs(IMPUTE, values))
        self.state |= {name: values[name] for name in self.fields}
        self._update_draws(noise, log_w)

    def _proposed(self, noise: Noise) -> tuple[Batch, Tensor]:
        """The latents and log w [members, rows]; without latents all weights are 1."""
        program, rows = self.program, len(self.weights.first)
        if not (program.can(GUIDE) or program.manifest.latents("model")):
            return {}, self.weights.first.new_zeros(self.members, rows)
        if program.can(POSTERIOR):  # exact draws given the data with missing entries
            latents = program.require(POSTERIOR)(noise, **program.inputs(POSTERIOR, self.data))
            return latents, self.weights.first.new_zeros(self.members, rows)
        infer = program.require(GUIDE, "imputation")
        shared = one_shared_draw(program, noise, 1)
        known = {**self.state, **self._incomplete(), **shared}
        drawn, log_q = infer(noise, 1, **program.inputs(GUIDE, known))
        latents = {name: value[0] for name, value in drawn.items()}
        joint = program.require(JOINT, "imputation")
        log_p = joint(**program.inputs(JOINT, {**self.data, **shared, **latents}))
        log_w = (log_p - log_q[0]).reshape(self.members, rows)
        possible = log_w.isfinite().any(0)
        return latents, torch.where(possible, log_w, 0.0)

    def _incomplete(self) -> Batch:
        """The data with missing entries, of fields whose mask is an input of the guide."""
        inputs = self.program.capabilities.get(GUIDE, ())
        missing = {n: own.missing for n, own in self.fields.items() if own.missing is not None}
        names = {n for n, own in missing.items() if not own.filled and own.known in inputs}
        return {name: self.data[name] for name in names}

    def _resampled(self, noise: Noise, latents: Batch, log_w: Tensor) -> Batch:
        """The latents of members drawn in proportion to w, with replacement, row by row."""
        members, rows = log_w.shape
        index = noise.classes(log_w.mT.softmax(-1), members).mT
        flat = (index * rows + torch.arange(rows, device=index.device)).flatten()
        return {name: value[flat] for name, value in latents.items()}

    def _update_draws(self, noise: Noise, log_w: Tensor) -> None:
        """Replaces each draw by that of this sweep, with the sweep's fraction of all weights."""
        probability = (log_w.double().logsumexp(0) - self.weights.first).exp()
        new = (noise.uniform(log_w.shape) < probability).flatten()
        for name in self.fields:
            drawn, old = self.state[name], self.draws.get(name, self.state[name])
            mask = new.reshape(-1, *[1] * (drawn.ndim - 1))
            self.draws[name] = torch.where(mask, drawn, old)

    def _update_means(self, values: Batch, weight: Tensor, rest: Tensor) -> None:
        """Updates the weighted means of E[x | z], of drawn values and of label probabilities."""
        program, found = self.program, {}
        if program.can(MEAN) and set(program.capabilities[MEAN]) <= set(values):
            found = program.require(MEAN)(**program.inputs(MEAN, values))
        log_probs = guide_log_probs(program, {**self.state, **self._incomplete()})
        for name, own in self.fields.items():
            assert own.missing is not None
            if own.missing.filled:
                self._add(name, values[name], weight, rest)
            elif name in found:
                self._add(name, found[name].expand(values[name].shape), weight, rest)
            if name in log_probs:
                self._add(f"{name}?", log_probs[name].exp(), weight, rest)

    def _add(self, name: str, value: Tensor, weight: Tensor, rest: Tensor) -> None:
        """Adds a sweep to the weighted mean of a value."""
        rows = value.reshape(*weight.shape, *value.shape[1:]).double()
        axes = (1,) * (rows.ndim - 2)
        mean = (weight.reshape(*weight.shape, *axes) * rows).sum(0)
        if name in self.means:
            mean = mean + rest.reshape(-1, *axes) * self.means[name]
        self.means[name] = mean

    def mean(self, name: str) -> Tensor:
        """The posterior mean of each row; for values without one, the mean of their draws."""
        if name in self.means:
            return self.means[name]
        draws = self.draws[name].double()
        return draws.reshape(self.members, -1, *draws.shape[1:]).mean(0)
