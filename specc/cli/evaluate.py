"""`specc evaluate`: how probable held-out data is under a trained run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from specc.cli import exits, options

if TYPE_CHECKING:
    from specc.evaluate.labels import Label


@click.command(help="Measure a trained RUN: a bound on the likelihood of data, or its exact value.")
@click.argument("run")
@options.data_dir
@options.device
@click.option("--estimator", type=click.Choice(("elbo", "iwae", "exact")), help="How.")
@click.option("--particles", type=click.IntRange(1), help="Draws from the guide for each row.")
@click.option("--part", help="The part of the data, such as test.")
@click.option("--rows", type=click.IntRange(1), help="The first rows of it only.")
@click.option("--seed", type=click.IntRange(0), help="The number that the draws follow from.")
@options.as_json
def command(
    run: str,
    data_dir: str | None,
    device: str,
    estimator: str | None,
    particles: int | None,
    part: str | None,
    rows: int | None,
    seed: int | None,
    as_json: bool,
) -> int:
    """Repeat the figures of the spec's `evaluate`, or one that the options describe."""
    from specc.engine.device import prepare

    prepare()
    from dataclasses import asdict, replace

    from specc.api import open_run
    from specc.cli.train import figure
    from specc.engine import files
    from specc.evaluate import anatomy
    from specc.evaluate.scoring import Request
    from specc.report.conclude import measure, measure_labels, requests

    opened = open_run(run, data_dir=data_dir, device=device).opened
    given = {"estimator": estimator, "particles": particles, "part": part, "rows": rows}
    changes = {key: value for key, value in {**given, "seed": seed}.items() if value is not None}
    asked = requests(opened.manifest.evaluate) or {"test": Request()}
    wanted = {name: replace(request, **changes) for name, request in asked.items()}  # type: ignore[arg-type]
    made = measure(opened, wanted, quiet=as_json)
    found = {name: estimate.summary() for name, estimate in made.items()}
    looked_at = {request.part for request in wanted.values()}
    split = {name: anatomy.parts(opened, name) for name in sorted(looked_at)}
    active = {name: anatomy.active_units(opened, name) for name in sorted(looked_at)}
    labels = measure_labels(opened, next(iter(wanted.values())), quiet=as_json)
    if as_json:
        more = {
            "parts": {name: {k: asdict(v) for k, v in own.items()} for name, own in split.items()},
            "active_units": {
                name: {latent: {"active": n, "of": of} for latent, (n, of) in own.items()}
                for name, own in active.items()
            },
            "labels": {name: label.summary() for name, label in labels.items()},
        }
        click.echo(files.to_json({**found, **more}, indent=2))
        return exits.DONE
    for name, summary in found.items():
        click.echo(figure(name, summary))
        for line in weights_in_words(summary):
            click.echo(f"  {line}")
    for name, shares in split.items():
        click.echo(f"parts of the loss on `{name}`:")
        width = max(map(len, shares), default=0)
        for term, share in shares.items():
            click.echo(f"  {term:<{width}}  {share.value:10.3f} +- {share.standard_error:.3f}")
        for latent, (count, of) in active[name].items():
            click.echo(f"  {latent}: {count} of {of} {'unit' if of == 1 else 'units'} active")
    for line in labels_in_words(labels):
        click.echo(line)
    return exits.DONE


def weights_in_words(summary: Mapping[str, float | int | str | None]) -> list[str]:
    """What the importance weights of a figure say of it."""
    effective, share = summary["effective_sample_size"], summary["pareto_k_above_0.7"]
    if not isinstance(effective, float):
        return []
    lines = [f"effective sample size {effective:.1f} of {summary['particles']} particles"]
    if isinstance(share, float):
        shown = f"{100 * share:.0f} %" if share >= 0.005 or share == 0 else "under 1 %"
        meaning = ": for those more particles do not help, a better guide does" if share else ""
        lines.append(f"Pareto k above 0.7 in {shown} of the rows{meaning}")
    return lines


def labels_in_words(labels: Mapping[str, Label]) -> list[str]:
    """A line of figures for each label, under one on what they are of; none without labels."""
    lines: list[str] = []
    for name, label in labels.items():
        if not lines:
            draws = "" if label.estimator == "exact" else f", {label.particles} particles"
            how = f"{label.estimator}{draws}, {label.rows} rows of `{label.part}`"
            lines.append(f"labels, given the other fields ({how}):")
        accuracy, score = label.accuracy, label.log_score
        lines.append(
            f"  {name}: accuracy {accuracy.value:.3f} +- {accuracy.standard_error:.3f}, "
            f"log score {score.value:.3f} +- {score.standard_error:.3f} nats, "
            f"calibration error {label.calibration_error:.3f}"
        )
    return lines
