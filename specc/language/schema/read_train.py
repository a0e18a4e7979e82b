"""Reading of `train:` and `evaluate:`."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Label
from specc.language.located import Entry, Located, Mapping
from specc.language.schema.identifiers import is_identifier
from specc.language.schema.metric import MetricFigure
from specc.language.schema.read_metric import KEY, read_metric
from specc.language.schema.read_optimizer import read_settings
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path
from specc.language.schema.train import Evaluation, TrainSpec
from specc.language.schema.validation import read_model, report_problem


def read_train(reading: Reading, value: Located, path: Path) -> TrainSpec | None:
    """The training settings; None if one of them is invalid."""
    keys = reading.mapping(value, path, "write such as `train: {epochs: 100}`")
    if keys is None:
        return None
    before = reading.errors()
    _check_length(reading, keys)
    read = read_settings(reading, TrainSpec, keys, path)
    if read is None or reading.errors() > before:
        return None
    return read if read.steps is None else read.model_copy(update={"epochs": None})


def _check_length(reading: Reading, keys: Mapping) -> None:
    """Report `epochs` beside `steps`."""
    lengths = [entry.key for entry in keys.entries if entry.name in ("epochs", "steps")]
    if len(lengths) == 2:
        first, second = lengths
        label = Label(first.span, "the other one")
        reading.report("E0118", second.span, labels=[label], first=first.text, second=second.text)


Figure = Evaluation | MetricFigure


def read_evaluations(reading: Reading, value: Located, path: Path) -> dict[str, Figure] | None:
    """The metrics of the spec by name; None if one of them is invalid."""
    entries = reading.mapping(value, path, "write such as `{test: {estimator: iwae}}`")
    if entries is None:
        return None
    read = {entry.name: _evaluation(reading, entry, path) for entry in entries.entries}
    known = {name: evaluation for name, evaluation in read.items() if evaluation is not None}
    return known if len(known) == len(read) else None


def _evaluation(reading: Reading, entry: Entry, path: Path) -> Figure | None:
    if not is_identifier(reading, entry.key, "evaluation"):
        return None
    place = (*path, entry.name)
    hint = f"write `{entry.name}: {{estimator: iwae, particles: 1000}}`"
    if entry.name in Evaluation.model_fields:
        hint = f"every metric has a name: write `{{test: {{{entry.name}: ...}}}}`"
    keys = reading.mapping(entry.value, place, hint)
    if keys is not None and keys.get(KEY) is not None:
        return read_metric(reading, keys, place)
    return None if keys is None else read_model(reading, Evaluation, keys, place, report_problem)
