"""`specc evaluate`: how probable held-out data is under a trained run."""

from __future__ import annotations

import json
from pathlib import Path

import click

from specc.cli import exits, options


@click.command(help="Measure a trained RUN: a bound on log p(x), or its exact value.")
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
    from dataclasses import replace

    from specc.cli.train import figure
    from specc.engine.opened import open_run
    from specc.evaluate.estimate import Request
    from specc.report.conclude import measure, requests

    folder = Path(data_dir) if data_dir else None
    opened = open_run(Path(run), data_dir=folder, device_name=device)
    given = {"estimator": estimator, "particles": particles, "part": part, "rows": rows}
    changes = {key: value for key, value in {**given, "seed": seed}.items() if value is not None}
    asked = requests(opened.manifest.evaluate) or {"test": Request()}
    wanted = {name: replace(request, **changes) for name, request in asked.items()}  # type: ignore[arg-type]
    made = measure(opened, wanted, quiet=as_json)
    found = {name: estimate.summary() for name, estimate in made.items()}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return exits.DONE
    for name, summary in found.items():
        click.echo(figure(name, summary))
        if summary["effective_sample_size"] is not None:
            click.echo(f"  effective sample size {summary['effective_sample_size']:.1f}")
    return exits.DONE
