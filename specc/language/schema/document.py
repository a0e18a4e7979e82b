"""The pydantic model of a spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from specc.language.expressions import tree
from specc.language.nested import Numbers
from specc.language.schema.data import DataSpec, FieldSpec, Sources
from specc.language.schema.digests import documentation, math, parameters, steering
from specc.language.schema.digests import training as training_field
from specc.language.schema.link import LinkSpec
from specc.language.schema.metric import MetricFigure
from specc.language.schema.node import Node
from specc.language.schema.objective import Objective, Stage, Stages, WrittenLoss, written_losses
from specc.language.schema.sampler import ChainSpec, SamplerSpec
from specc.language.schema.train import Evaluation, TrainSpec
from specc.language.schema.value import Expression, Value


class Scan(Value):
    """A plate in each row: a sequence with ordered steps, or a set, whose elements have no order.

    In a sequence a node may use its previous step. `steps` is None if the data state it.
    """

    steps: Expression | None = math(about="The largest number of steps, or of elements.")
    lengths: str | None = math(
        default=None, about="A given node with the number of steps or elements of each row."
    )
    is_ordered: bool = math(default=True, about="Whether it is a sequence.")


Constant = int | float | str | Numbers


class Document(Value):
    """A spec: programs, links, data, objective and training."""

    specc: Literal[1] = math(about="The version of the language: 1.")
    name: str = documentation(about="The name of the model, and of its generated package.")
    doc: str = documentation(default="", about="A description of the model, in a sentence.")
    constants: Mapping[str, Constant] = math(
        default={}, about="Named numbers, words or (nested) lists; `--set` overrides them."
    )
    data: DataSpec | Sources | None = math(default=None, about="Where the data comes from.")
    plates: Mapping[str, Expression | Scan] = math(
        default={}, about="Repetitions, by name: their sizes, or the steps of a sequence."
    )
    model: Mapping[str, Node] = math(about="The generative model.")
    guide: Mapping[str, Node] | None = math(
        default=None, about="The inference network over the model's latents."
    )
    programs: Mapping[str, Mapping[str, Node]] = math(
        default={}, about="Further programs, by name."
    )
    links: Mapping[str, LinkSpec] = math(default={}, about="The neural networks, by name.")
    objective: Objective | None = math(default=None, about="The objective that training optimizes.")
    sampler: SamplerSpec | None = training_field(
        default=None,
        about="The Markov chains that draw the latents of the model, in place of an objective or "
        "for it.",
        late=True,
    )
    train: TrainSpec = training_field(default=TrainSpec(), about="How the model is trained.")
    evaluate: Mapping[str, Evaluation | MetricFigure] = steering(
        default={}, about="The metrics to compute after training, by name."
    )
    moved: Mapping[str, str] = parameters(
        default={}, about="Old names of tensors in a checkpoint, with their new names."
    )

    @property
    def posterior(self) -> SamplerSpec | None:
        """The sampler whose draws are the result, in place of an objective."""
        return None if isinstance(self.sampler, ChainSpec) else self.sampler

    @property
    def chain(self) -> ChainSpec | None:
        """The sampler that draws latents for the objective."""
        return self.sampler if isinstance(self.sampler, ChainSpec) else None

    @property
    def sources(self) -> Mapping[str, DataSpec]:
        """The sources of the data by name; a single one has the name ""."""
        if isinstance(self.data, Sources):
            return self.data.sources
        return {} if self.data is None else {"": self.data}

    @property
    def fields(self) -> Mapping[str, FieldSpec]:
        """The fields of all sources, by name."""
        return {name: f for own in self.sources.values() for name, f in own.fields.items()}

    def programs_by_name(self) -> Iterator[tuple[str, Mapping[str, Node]]]:
        """All programs with their nodes, the model first."""
        yield "model", self.model
        if self.guide is not None:
            yield "guide", self.guide
        yield from self.programs.items()

    def player_settings(self) -> dict[str, dict[str, Any]]:
        """The settings of single losses that differ from `train`, by loss and key."""
        found = {loss.name: loss.settings.differing(self.train) for loss in self.losses()}
        return {name: settings for name, settings in found.items() if settings}

    def losses(self) -> tuple[WrittenLoss, ...]:
        """The losses of the objective as they are written."""
        return tuple(written_losses(self.objective))

    def stage_lengths(self) -> dict[str, int]:
        """The number of epochs of each stage that states it."""
        return {stage.name: stage.epochs for stage in self.stages if stage.epochs is not None}

    def stage_rows(self) -> dict[str, dict[str, tuple[int, ...]]]:
        """The classes by field of the rows of each stage that is not of all rows."""
        return {stage.name: dict(stage.rows) for stage in self.stages if stage.rows is not None}

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of the objective; none if it is a single one."""
        return self.objective.stages if isinstance(self.objective, Stages) else ()

    def expressions(self) -> Iterator[tree.Expression]:
        """All expressions of the document."""
        for _, nodes in self.programs_by_name():
            for node in nodes.values():
                yield from node.expressions()
        for plate in self.plates.values():
            size = plate.steps if isinstance(plate, Scan) else plate
            yield from () if size is None else (size,)
        yield from (each for loss in self.losses() for each in loss.expressions)
