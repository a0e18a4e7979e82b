"""`specc evaluate`: the likelihood of held-out data under a trained run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from specc.cli import exits, options
from specc.cli.run_folder import part_of, run_folder
from specc.counted import counted, noun

if TYPE_CHECKING:
    from specc.evaluate.classification import ClassificationMetrics
    from specc.report.evaluated import Evaluation, Summary

HELP = "Estimate the likelihood of data under a trained RUN, exactly or as a bound."

Estimator = Annotated[
    Literal["elbo", "iwae", "exact", "ais"] | None,
    typer.Option("--estimator", help="The estimator; that of the spec by default."),
]
Particles = Annotated[
    int | None,
    typer.Option(
        "--particles", min=1, metavar="K", help="Number of draws from the guide for each row."
    ),
]
Chains = Annotated[
    int | None,
    typer.Option("--chains", min=1, metavar="N", help="Number of chains of `ais`."),
]
Temperatures = Annotated[
    int | None,
    typer.Option("--temperatures", min=1, metavar="K", help="Number of temperatures of `ais`."),
]
Direction = Annotated[
    Literal["forward", "backward", "both"] | None,
    typer.Option("--direction", help="Direction of `ais`."),
]
Part = Annotated[
    str | None,
    typer.Option("--part", metavar="NAME", help="The part of the data; held-out rows by default."),
]
Rows = Annotated[
    int | None, typer.Option("--rows", min=1, metavar="N", help="Use only the first N rows.")
]
Metric = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="METRIC",
        help="A metric of samples instead: `mmd`, or `{metric: mmd, kernel: energy}`; repeatable.",
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, metavar="N", help="Random seed.")]


def command(
    run: options.Run,
    *,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    metric: Metric = None,
    estimator: Estimator = None,
    particles: Particles = None,
    chains: Chains = None,
    temperatures: Temperatures = None,
    direction: Direction = None,
    part: Part = None,
    rows: Rows = None,
    seed: Seed = None,
    as_json: options.Json = False,
) -> int:
    """Repeat the metrics of the spec's `evaluate`, with the changes of the options."""
    from specc.engine.device import prepare

    folder = run_folder(run)
    prepare()
    from specc.report.evaluated import measured
    from specc.run import open_run, opener

    given = {"estimator": estimator, "particles": particles, "part": part, "rows": rows}
    given |= {"chains": chains, "temperatures": temperatures, "direction": direction}
    changes = {key: value for key, value in {**given, "seed": seed}.items() if value is not None}
    opened = open_run(folder, data_dir=data_dir, device=device).loaded
    entries = written(folder, metric) if metric else opened.manifest.evaluate
    if not entries:
        changes["part"] = part_of(opened, part)
    found = measured(opened, entries, changes, opener(folder.parent, device), quiet=as_json)
    typer.echo(in_json(found) if as_json else "\n".join(in_words(found)))
    from specc.evaluate.finite_metrics import require_finite

    require_finite(found.numbers())
    return exits.DONE


def written(folder: Path, metrics: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """The metrics of the command line as entries of a manifest, by the names of the options.

    They are read as settings of the run's own spec. Raises `WrongSpec`.
    """
    from specc.cli.findings import sound
    from specc.codegen.manifest import manifest
    from specc.engine.storage import run_folder
    from specc.recompile import settings_of

    home = run_folder.home(folder, run_folder.facts_of(folder)[0])
    texts = [text if text.lstrip().startswith("{") else f"{{metric: {text}}}" for text in metrics]
    names = ["metric" if number == 0 else f"metric_{number + 1}" for number in range(len(texts))]
    more = (f"evaluate.{name}={text}" for name, text in zip(names, texts, strict=True))
    plan = sound(str(home / run_folder.SPEC), (*settings_of(home), *more)).plan
    assert plan is not None
    every = manifest(plan)["evaluate"]
    return {name: every[name] for name in names}


def in_json(found: Evaluation) -> str:
    """The evaluation as JSON: metrics by their names, beside the rest."""
    from specc.engine.storage import file_io

    more = {
        "not_measured": dict(found.refused),
        "parts": {
            name: {k: asdict(v) for k, v in terms.items()} for name, terms in found.parts.items()
        },
        "active_units": {
            name: {latent: {"active": n, "of": of} for latent, (n, of) in latents.items()}
            for name, latents in found.active.items()
        },
        "labels": {name: label.summary() for name, label in found.labels.items()},
    }
    return file_io.to_json({**found.metrics, **more}, indent=2)


def in_words(found: Evaluation) -> Iterator[str]:
    """The evaluation as text, line by line."""
    from specc.cli.train import metric_line
    from specc.report.likelihood_figures import normalizer_in_words
    from specc.report.sample_figures import is_of_samples
    from specc.report.standard_error import error_of

    for name, summary in found.metrics.items():
        yield metric_line(name, summary)
        if is_of_samples(summary):
            continue
        yield from (f"  {line}" for line in normalizer_in_words(summary))
        yield from (f"  {line}" for line in weights_in_words(summary))
    for name, reason in found.refused.items():
        yield f"{name}: not available; {reason}"
    for name, shares in found.parts.items():
        if shares:
            over = f", means over {found.averaged_over}" if found.averaged_over else ""
            yield f"terms of the loss on `{name}`{over}:"
        width = max(map(len, shares), default=0)
        for term, share in shares.items():
            error = error_of(share.standard_error)
            spread = "" if error is None else f" +- {error}"
            yield f"  {term:<{width}}  {share.value:10.3f}{spread}"
        for latent, (count, of) in found.active[name].items():
            yield f"  {latent}: {count} of {counted(of, 'unit')} active"
    yield from labels_in_words(found.labels)


def weights_in_words(summary: Summary) -> list[str]:
    """Diagnostics of the importance weights of a metric."""
    effective, share = summary["effective_sample_size"], summary["pareto_k_above_0.7"]
    if not isinstance(effective, float) or ("log_z" in summary and share is None):
        return []
    particles = summary["particles"]
    of = f"{particles} {noun(particles, 'particle')}"
    lines = [f"effective sample size {effective:.1f} of {of}"] if particles > 1 else []
    if isinstance(share, float):
        shown = f"{100 * share:.0f} %" if share >= 0.005 or share == 0 else "under 1 %"
        meaning = ": a better guide helps there, more particles do not" if share else ""
        lines.append(f"Pareto k above 0.7 in {shown} of the rows{meaning}")
    return lines


def labels_in_words(labels: Mapping[str, ClassificationMetrics]) -> list[str]:
    """A heading and a line of metrics for each label; empty without labels."""
    from specc.report.standard_error import with_error

    lines: list[str] = []
    for name, label in labels.items():
        if not lines:
            own = f", {label.particles} {noun(label.particles, 'particle')}"
            draws = "" if label.estimator == "exact" else own
            rows = f"{label.rows} {noun(label.rows, 'row')}"
            how = f"{label.estimator}{draws}, {rows} of `{label.part}`"
            lines.append(f"labels, given the other fields ({how}):")
        accuracy, score = label.accuracy, label.log_score
        lines.append(
            f"  {name}: accuracy {with_error(accuracy.value, accuracy.standard_error)}, "
            f"log score {with_error(score.value, score.standard_error, 'nats')}, "
            f"calibration error {label.calibration_error:.3f}"
        )
        if label.guide_accuracy is not None:
            guide = label.guide_accuracy
            shown = with_error(guide.value, guide.standard_error)
            lines.append(f"  {name}, by the guide: accuracy {shown}")
    return lines
