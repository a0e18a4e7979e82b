"""What a spec states beside its model and its objective: its name, data, training and evaluation.

Code generation reads it in place of the document. Defaults are in place, an entry of the catalog
stands for its name, and a setting is a plain value, as JSON has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from specc.catalog.metric import Metric
from specc.diagnostics.source import Source, Span


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where rows come from: what the manifest states under `data`.

    `source` is the kind of source, which the digest of the mathematics covers, too; `options` are
    its own, and `split` are the parts of the data with their rules.
    """

    source: str
    options: Mapping[str, object]
    split: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PlayerTraining:
    """How a player is trained, as far as the script of standalone code says it.

    `updates` are those that it makes in each step of the run.
    """

    learning_rate: float
    updates: int = 1


@dataclass(frozen=True, slots=True)
class Training:
    """How a run goes.

    `settings` is what the manifest states under `train`. The script of standalone code takes the
    others out of it: `shared` is for all players, and `players` for those of several that differ.
    Rows without data are as many as `batch_size`. `digested` is what the digest of the training
    covers; `fixed` is what a run holds on to, by where it stands in the spec.
    """

    settings: Mapping[str, object]
    batch_size: int
    steps: int | None
    seed: int
    shared: PlayerTraining
    players: Mapping[str, PlayerTraining]
    digested: tuple[object, ...]
    fixed: Mapping[str, object]

    def of(self, player: str) -> PlayerTraining:
        """How one of several players is trained."""
        return self.players.get(player, self.shared)


@dataclass(frozen=True, slots=True)
class LikelihoodEstimate:
    """An estimate of log p(x) after training; `span` is where its part of the data is named."""

    settings: Mapping[str, object]
    span: Span


@dataclass(frozen=True, slots=True)
class SampleMetric:
    """A metric of samples after training, which compares values of `node` with those of the data.

    `settings` are the options that every metric has, `options` those of this one.
    """

    entry: Metric
    node: str
    settings: Mapping[str, object]
    options: Mapping[str, object]
    span: Span


@dataclass(frozen=True, slots=True)
class Experiment:
    """The parts of a spec that are no mathematics, resolved.

    `name` and `doc`, in one line, are in docstrings, in the manifest and in what is explained;
    `source` is named in headers and comments, and digested. The manifest states `data`, `training`
    and, under `evaluate`, the `evaluations`. What is explained also has the `long_form` of an
    objective with a short name.
    """

    name: str
    doc: str
    source: Source
    data: DataSource | None
    training: Training
    evaluations: Mapping[str, LikelihoodEstimate | SampleMetric]
    long_form: str = ""
