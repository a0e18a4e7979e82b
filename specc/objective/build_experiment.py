"""Builds the experiment from the document: name, data, training and evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel

from specc.catalog.metric import MetricOptions
from specc.catalog.registry import METRICS, SAMPLERS
from specc.diagnostics.source import Span
from specc.graph.graph import TypedGraph
from specc.language.schema.data import DataSpec, SourceSpec
from specc.language.schema.document import Document
from specc.language.schema.metric import MetricFigure
from specc.language.schema.spec import Spec
from specc.language.schema.train import Evaluation, Optimizer, Schedule
from specc.language.schema.training_digest import digested, fixed
from specc.objective.experiment import (
    DataSource,
    Experiment,
    LikelihoodEstimate,
    PlayerTraining,
    SampleMetric,
    SamplerSettings,
    Training,
)
from specc.objective.passes.sample_metrics import compared

SAMPLED: Mapping[str, object] = MappingProxyType({"precision": "float64", "compile": "auto"})
"""The defaults under a sampler: trajectories add up many small steps of short computations."""


def build_experiment(typed: TypedGraph) -> Experiment:
    """Return the parts of the spec that are not mathematics."""
    spec = typed.graph.spec
    document = spec.document
    evaluations = {name: _evaluation(typed, spec, name) for name in document.evaluate}
    return Experiment(
        name=document.name,
        doc=" ".join(document.doc.split()),
        source=spec.source,
        data=tuple(_data(name, own) for name, own in document.sources.items()),
        training=_training(document),
        evaluations=MappingProxyType(evaluations),
        long_form=spec.long_form,
        derived=spec.derived,
        sampler=_sampler(document),
    )


def _sampler(document: Document) -> SamplerSettings | None:
    if document.posterior is None:
        return None
    options = MappingProxyType(dict(document.posterior.options))
    return SamplerSettings(SAMPLERS[document.posterior.name], options)


def _data(name: str, data: DataSpec) -> DataSource:
    options = {key: _json(value) for key, value in data.options.items()}
    split = {name: _json(rule) for name, rule in data.split.items()}
    size = data.batch_size if isinstance(data, SourceSpec) else None
    kept = MappingProxyType(options), MappingProxyType(split)
    subset = {} if data.subset is None else data.subset.model_dump(exclude_none=True)
    return DataSource(data.source, *kept, name=name, batch_size=size, subset=subset)


def _json(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    return value


def _training(document: Document) -> Training:
    train, own = document.train, document.player_settings()
    shared = PlayerTraining(_rate(train.optimizer))
    players = {
        name: PlayerTraining(_rate(each.get("optimizer", train.optimizer)), each.get("steps", 1))
        for name, each in own.items()
    }
    settings = _settings(dict(train))
    if document.posterior is not None:
        unsaid = {key: value for key, value in SAMPLED.items() if key not in train.model_fields_set}
        settings |= unsaid
    if own:
        settings["players"] = {name: _settings(each) for name, each in own.items()}
    lengths = document.stage_lengths()
    if lengths:
        settings["stages"] = {name: {"epochs": epochs} for name, epochs in lengths.items()}
    return Training(
        settings=MappingProxyType(settings),
        batch_size=train.batch_size,
        steps=train.steps,
        seed=train.seed,
        shared=shared,
        players=MappingProxyType(players),
        lengths=MappingProxyType(lengths),
        subsampled=train.subsample or (),
        digested=digested(document),
        fixed=MappingProxyType(fixed(document)),
    )


def _rate(optimizer: Optimizer) -> float:
    rate = optimizer.options["lr"]
    assert isinstance(rate, float)
    return rate


def _settings(settings: Mapping[str, object]) -> dict[str, object]:
    """Return the settings that have a value; a named entry becomes `{name: options}`."""
    return {key: _setting(value) for key, value in settings.items() if value is not None}


def _setting(value: object) -> object:
    if isinstance(value, (Optimizer, Schedule)):
        return {value.name: value.model_dump(mode="json")["options"]}
    if isinstance(value, tuple):
        return [_setting(item) for item in value]
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _evaluation(typed: TypedGraph, spec: Spec, name: str) -> LikelihoodEstimate | SampleMetric:
    """Return an entry of `evaluate:` with the position of its split in the spec."""
    entry, written = spec.document.evaluate[name], ("evaluate", name, "data")
    span = spec.spans.value(written) if written in spec.spans else spec.spans.key(written[:2])
    if isinstance(entry, Evaluation):
        stated = entry.model_dump(mode="json", exclude_none=True)
        return LikelihoodEstimate(MappingProxyType(stated), span)
    return _sample_metric(typed, entry, span)


def _sample_metric(typed: TypedGraph, entry: MetricFigure, span: Span) -> SampleMetric:
    """Return a metric, with the options of all metrics separate from its own."""
    metric, options = METRICS[entry.metric], entry.model_dump(mode="json")["options"]
    settings = {key: options.pop(key) for key in MetricOptions.model_fields}
    settings["rows"] = settings["rows"] or metric.rows
    del settings["node"]
    return SampleMetric(
        entry=metric,
        node=compared(typed, entry),
        settings=MappingProxyType(settings),
        options=MappingProxyType(options),
        span=span,
    )
