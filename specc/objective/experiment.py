"""The parts of a spec besides its model and objective: name, data, training and evaluation.

Code generation reads these records instead of the document. They include default values, entries of
the catalog in place of their names, and settings as JSON values.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from specc.catalog.metric import Metric
from specc.catalog.sampler import Sampler
from specc.diagnostics.source import Source, Span


class DataSource(Struct, frozen=True):
    """The source of rows, as the manifest states it under `data`.

    `source` is the kind of source, which is also part of the digest of the mathematics; `options`
    are its options, and `split` maps each split to its rule. `subset` has the options by which
    training rows are chosen, none for all. Of several sources each has a `name`, and may have a
    `batch_size`.
    """

    source: str
    options: Mapping[str, object]
    split: Mapping[str, object]
    name: str = ""
    batch_size: int | None = None
    subset: Mapping[str, object] = field(default_factory=dict)


class PlayerTraining(Struct, frozen=True):
    """The settings of a player in the script of standalone code.

    `updates` is the number of its updates in each step of the run.
    """

    learning_rate: float
    updates: int = 1


class Training(Struct, frozen=True):
    """The settings of training.

    `settings` are those of the manifest under `train`. The others are for the script of standalone
    code: `shared` are for all players, `players` those of players that differ, and `lengths` the
    epochs of stages that state them. Without data, `batch_size` is the number of rows. `digested`
    is covered by the digest of the training; `fixed` maps paths of the spec to settings that must
    not change during a run. An update leaves out elements of the plates that are `subsampled`.
    """

    settings: Mapping[str, object]
    batch_size: int
    steps: int | None
    seed: int
    shared: PlayerTraining
    players: Mapping[str, PlayerTraining]
    digested: tuple[object, ...]
    fixed: Mapping[str, object]
    lengths: Mapping[str, int] = field(default_factory=dict)
    subsampled: tuple[str, ...] = ()

    def of(self, player: str) -> PlayerTraining:
        """Return the settings of a player."""
        return self.players.get(player, self.shared)


class LikelihoodEstimate(Struct, frozen=True):
    """An estimate of log p(x) after training; `span` is the position of its split in the spec."""

    settings: Mapping[str, object]
    span: Span


class SampleMetric(Struct, frozen=True):
    """A metric of samples after training, which compares values of `node` with data.

    `settings` are the options of all metrics, `options` those of this metric.
    """

    entry: Metric
    node: str
    settings: Mapping[str, object]
    options: Mapping[str, object]
    span: Span


class SamplerSettings(Struct, frozen=True):
    """The sampler of a spec with all of its options."""

    entry: Sampler
    options: Mapping[str, object]


class Experiment(Struct, frozen=True):
    """The parts of a spec that are not mathematics.

    `name` and `doc` (one line) appear in docstrings, in the manifest and in explanations; `source`
    is named in headers and comments, and digested. The manifest states `data`, `training` and,
    under `evaluate`, the `evaluations`. `long_form` is the text of an objective with a short name,
    and `derived` that of derived nodes of the guide, for explanations. The `sampler` draws the
    latents in place of an optimizer.
    """

    name: str
    doc: str
    source: Source
    data: tuple[DataSource, ...]
    training: Training
    evaluations: Mapping[str, LikelihoodEstimate | SampleMetric]
    long_form: str = ""
    derived: str = ""
    sampler: SamplerSettings | None = None
