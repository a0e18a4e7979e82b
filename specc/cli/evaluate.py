"""`specc evaluate`: how probable held-out data is under a trained run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from specc.cli import exits, options
from specc.cli.run_folder import part_of, run_folder

if TYPE_CHECKING:
    from specc.engine.opened import OpenRun
    from specc.evaluate.anatomy import Share
    from specc.evaluate.labels import Label
    from specc.evaluate.scoring import Request

Summary = dict[str, float | int | str | None]
"""A figure as `Estimate.summary` has it."""


HELP = "Evaluate a trained RUN: the likelihood of data, exactly or as a bound."

Estimator = Annotated[
    Literal["elbo", "iwae", "exact"] | None,
    typer.Option("--estimator", help="The estimator; by default that of the spec."),
]
Particles = Annotated[
    int | None,
    typer.Option("--particles", min=1, metavar="K", help="Draws from the guide for each row."),
]
Part = Annotated[
    str | None,
    typer.Option("--part", metavar="NAME", help="The part of the data; held-out rows by default."),
]
Rows = Annotated[
    int | None, typer.Option("--rows", min=1, metavar="N", help="Use only the first N rows.")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, metavar="N", help="Random seed.")]


def command(
    run: options.Run,
    *,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    estimator: Estimator = None,
    particles: Particles = None,
    part: Part = None,
    rows: Rows = None,
    seed: Seed = None,
    as_json: options.Json = False,
) -> int:
    """Repeat the figures of the spec's `evaluate`, or one that the options describe."""
    from specc.engine.device import prepare

    folder = run_folder(run)
    prepare()
    from specc.api import open_run

    given = {"estimator": estimator, "particles": particles, "part": part, "rows": rows}
    changes = {key: value for key, value in {**given, "seed": seed}.items() if value is not None}
    found = measured(open_run(folder, data_dir=data_dir, device=device).opened, changes, as_json)
    typer.echo(in_json(found) if as_json else "\n".join(in_words(found)))
    from specc.evaluate.finite import require_finite

    require_finite(found.numbers())
    return exits.DONE


@dataclass(frozen=True, slots=True)
class Measured:
    """What is told of a run: figures by name, or why there is none; the rest by part of the data.

    `active` has the active units of each latent, and their number in all.
    """

    figures: Mapping[str, Summary]
    refused: Mapping[str, str]
    parts: Mapping[str, Mapping[str, Share]]
    active: Mapping[str, Mapping[str, tuple[int, int]]]
    labels: Mapping[str, Label]

    def numbers(self) -> dict[str, object]:
        """All that has to be a finite number, by name."""
        shares = [
            (part, term, share) for part, own in self.parts.items() for term, share in own.items()
        ]
        return {
            **{name: summary["value"] for name, summary in self.figures.items()},
            **{f"{term} on {part}": share.value for part, term, share in shares},
            **{f"log score of {name}": own.log_score.value for name, own in self.labels.items()},
        }


def measured(opened: OpenRun, changes: Mapping[str, Any], quiet: bool) -> Measured:
    """Measures a run by the figures of its spec, with the changes that the command line makes.

    Raises RunFailure E0509 where the data has no such part, E0813 where the estimator that is asked
    for by its name is not to be had.
    """
    from specc.evaluate import anatomy
    from specc.evaluate.scoring import Request
    from specc.report.conclude import measure, measure_labels, requests

    asked = requests(opened.manifest.evaluate)
    if not asked:
        part = part_of(opened, changes.get("part"))
        asked = {part: Request(part=part)}
    wanted = {name: replace(request, **changes) for name, request in asked.items()}
    # Who asks for nothing in particular is told what there is.
    refused = {} if "estimator" in changes else refusals(opened, wanted)
    possible = {name: request for name, request in wanted.items() if name not in refused}
    made = measure(opened, possible, quiet=quiet)
    looked_at = sorted({request.part for request in wanted.values()})
    first = next(iter(possible.values()), None)
    return Measured(
        figures={name: estimate.summary() for name, estimate in made.items()},
        refused=refused,
        parts={name: anatomy.parts(opened, name) for name in looked_at},
        active={name: anatomy.active_units(opened, name) for name in looked_at},
        labels={} if first is None else measure_labels(opened, first, quiet=quiet),
    )


def refusals(opened: OpenRun, wanted: Mapping[str, Request]) -> dict[str, str]:
    """Why the program allows no estimate for a figure, for each for which it allows none."""
    from specc.evaluate.scoring import choose
    from specc.runtime.failure import RunFailure

    found = {}
    for name, request in wanted.items():
        try:
            choose(opened.manifest, request.estimator)
        except RunFailure as failure:
            found[name] = failure.message
    return found


def in_json(found: Measured) -> str:
    """All of it for a program: the figures by their names, beside the rest."""
    from specc.engine import files

    more = {
        "not_measured": dict(found.refused),
        "parts": {
            name: {k: asdict(v) for k, v in own.items()} for name, own in found.parts.items()
        },
        "active_units": {
            name: {latent: {"active": n, "of": of} for latent, (n, of) in own.items()}
            for name, own in found.active.items()
        },
        "labels": {name: label.summary() for name, label in found.labels.items()},
    }
    return files.to_json({**found.figures, **more}, indent=2)


def in_words(found: Measured) -> Iterator[str]:
    """All of it for a person, line by line."""
    from specc.cli.train import figure
    from specc.report.errors import error_of

    for name, summary in found.figures.items():
        yield figure(name, summary)
        yield from (f"  {line}" for line in weights_in_words(summary))
    for name, reason in found.refused.items():
        yield f"{name}: no figure; {reason}"
    for name, shares in found.parts.items():
        yield f"parts of the loss on `{name}`:"
        width = max(map(len, shares), default=0)
        for term, share in shares.items():
            error = error_of(share.standard_error)
            spread = "" if error is None else f" +- {error}"
            yield f"  {term:<{width}}  {share.value:10.3f}{spread}"
        for latent, (count, of) in found.active[name].items():
            yield f"  {latent}: {count} of {of} {'unit' if of == 1 else 'units'} active"
    yield from labels_in_words(found.labels)


def weights_in_words(summary: Summary) -> list[str]:
    """What the importance weights of a figure say of it."""
    effective, share = summary["effective_sample_size"], summary["pareto_k_above_0.7"]
    if not isinstance(effective, float):
        return []
    lines = [f"effective sample size {effective:.1f} of {summary['particles']} particles"]
    if isinstance(share, float):
        shown = f"{100 * share:.0f} %" if share >= 0.005 or share == 0 else "under 1 %"
        meaning = ": there a better guide helps, and more particles do not" if share else ""
        lines.append(f"Pareto k above 0.7 in {shown} of the rows{meaning}")
    return lines


def labels_in_words(labels: Mapping[str, Label]) -> list[str]:
    """A line of figures for each label, under one on what they are of; none without labels."""
    from specc.report.errors import with_error

    lines: list[str] = []
    for name, label in labels.items():
        if not lines:
            draws = "" if label.estimator == "exact" else f", {label.particles} particles"
            rows = f"{label.rows} {'row' if label.rows == 1 else 'rows'}"
            how = f"{label.estimator}{draws}, {rows} of `{label.part}`"
            lines.append(f"labels, given the other fields ({how}):")
        accuracy, score = label.accuracy, label.log_score
        lines.append(
            f"  {name}: accuracy {with_error(accuracy.value, accuracy.standard_error)}, "
            f"log score {with_error(score.value, score.standard_error, 'nats')}, "
            f"calibration error {label.calibration_error:.3f}"
        )
        if label.guided is not None:
            own = label.guided
            shown = with_error(own.value, own.standard_error)
            lines.append(f"  {name}, by the guide: accuracy {shown}")
    return lines
