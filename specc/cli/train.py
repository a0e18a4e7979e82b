"""`specc train`: compiles, trains and evaluates a spec into a run folder."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from msgspec import Struct

from specc.cli import complete, exits, options
from specc.cli.failure import Failure
from specc.cli.run_folder import run_folder
from specc.counted import noun

if TYPE_CHECKING:
    from specc.run import Run

HELP = "Train SPEC and evaluate the result. All files go to a run folder."

Out = Annotated[
    str | None,
    typer.Option("--out", metavar="RUN", help="The run folder; runs/NAME-1, -2, ... by default."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the run in --out from its last checkpoint.")
]
Start = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="RUN",
        autocompletion=complete.runs,
        help="Start from the weights of RUN, where names and shapes agree.",
    ),
]
Precision = Annotated[
    Literal["float32", "fast", "float64"] | None,
    typer.Option("--precision", help="The floating-point precision; that of the spec by default."),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=4096,
        metavar="N",
        help="Number of CPU threads; by default it follows from sizes.",
    ),
]


def command(
    spec: options.Spec,
    *,
    settings: options.Settings,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    out: Out = None,
    resume: Resume = False,
    start: Start = None,
    precision: Precision = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="N,N,...", help="Train one run with each seed.")
    ] = None,
    threads: Threads = None,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard", help="Also write the curves to RUN/tensorboard for TensorBoard."
        ),
    ] = False,
    shard: Annotated[
        bool,
        typer.Option("--shard", help="Under torchrun, shard the parameters among the processes."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    as_json: options.Json = False,
) -> int:
    """Train, then print the metrics of the spec's `evaluate` and the paths of pictures."""
    if resume:
        _check_resume(out, start, seeds)
        out = str(run_folder(str(out)))
    if start is not None:
        start = str(run_folder(start))
    common = RunOptions(
        data_dir, device, resume, start, threads, tensorboard, shard, quiet or as_json
    )
    if precision is not None:
        settings = [*settings, f"train.precision={precision}"]
    if seeds is None:
        answers = [_train(spec, settings, out, common, as_json)]
    else:
        answers = [
            _train(spec, (*settings, f"train.seed={seed}"), _seeded(out, seed), common, as_json)
            for seed in _numbers(seeds)
        ]
    from specc.engine.distributed import world

    if not world().writes:
        return exits.DONE
    if as_json:
        typer.echo(json.dumps(answers[0] if seeds is None else answers))
    elif len(answers) > 1:
        typer.echo(over_seeds(answers))
    from specc.evaluate.finite_metrics import require_finite

    for answer in answers:
        require_finite({n: f["value"] for n, f in answer.get("evaluate", {}).items()})
    return exits.DONE


def _check_resume(out: str | None, start: str | None, seeds: str | None) -> None:
    """Refuse options that contradict `--resume`."""
    hint = "name the run to continue: --resume --out runs/NAME-1"
    if start is not None or seeds is not None:
        other = "--seeds" if start is None else "--from"
        raise Failure(f"--resume and {other} exclude each other", hint, exits.WRONG)
    if out is None:
        raise Failure("--resume needs --out", hint, exits.WRONG)


class RunOptions(Struct, frozen=True):
    """The options of the command line that all runs share."""

    data_dir: Path | None
    device: str
    resume: bool
    start: str | None
    threads: int | None
    tensorboard: bool
    shard: bool
    quiet: bool


def _train(
    spec: str, settings: Sequence[str], out: str | None, common: RunOptions, as_json: bool
) -> dict[str, Any]:
    """Train one run; return its result."""
    from specc.api import Model
    from specc.cli.findings import sound
    from specc.cli.run_summary import folder_line, is_first_process, lines
    from specc.engine.storage.run_folder import new_folder

    checked = sound(spec, settings)
    plan = checked.plan
    assert plan is not None
    if out is None:
        out = str(new_folder(Path("runs"), plan.experiment.name))
    shows = not common.quiet and is_first_process()
    folder = folder_line(Path(out), common.resume)
    for line in lines(plan) if shows else ():
        typer.echo(line, err=True)
    run = Model(plan, tuple(checked.diagnostics), tuple(settings)).train(
        out,
        data_dir=common.data_dir,
        device=common.device,
        resume=common.resume,
        start=common.start,
        threads=common.threads,
        tensorboard=common.tensorboard,
        shard=common.shard,
        quiet=common.quiet,
        say=lambda words: typer.echo(words, err=True),
        begun=lambda: typer.echo(folder, err=True) if shows else None,
    )
    from specc.engine.distributed import world

    if not as_json and world().writes:
        typer.echo(words(run))
        typer.echo(f"run: {run.folder}")
    return {"run": str(run.folder), **run.result}


def _numbers(seeds: str) -> list[int]:
    parts = [part.strip() for part in seeds.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise Failure(
            f"--seeds cannot be `{seeds}`",
            "write numbers separated by commas, such as 0,1,2",
            exits.WRONG,
        )
    return list(dict.fromkeys(int(part) for part in parts))


def _seeded(out: str | None, seed: int) -> str | None:
    return None if out is None else f"{out}-seed{seed}"


def over_seeds(answers: list[dict[str, Any]]) -> str:
    """The metrics of several seeds, each as its mean and standard deviation over seeds."""
    from specc.report.sample_figures import is_of_samples

    lines = []
    for name in answers[0]["evaluate"]:
        figures = [answer["evaluate"][name] for answer in answers]
        unit = "" if is_of_samples(figures[0]) else " nats a row"
        lines.append(f"{name}: {_over_seeds([own['value'] for own in figures], unit)}")
    return "\n".join(lines)


def _over_seeds(values: list[float | None], unit: str) -> str:
    finite = [v for v in values if v is not None and math.isfinite(v)]
    if len(finite) < len(values):
        return f"not finite for {len(values) - len(finite)} of {len(values)} seeds"
    mean = f"{statistics.mean(finite):.3f}{unit}"
    if len(finite) == 1:
        return f"{mean} (no standard deviation: one seed)"
    return f"{mean}, standard deviation {statistics.stdev(finite):.3f} ({len(finite)} seeds)"


def words(run: Run) -> str:
    """The metrics and pictures of a finished run, a line each."""
    from specc.report.guide import guide_lines
    from specc.report.posterior import posterior_lines

    lines = list(posterior_lines(run.result.get("posterior"), MOST_ROWS))
    lines += guide_lines(run.result.get("guide"), MOST_ROWS)
    lines += shared_lines(run.result.get("shared", {}))
    lines += [metric_line(name, summary) for name, summary in run.result["evaluate"].items()]
    lines += [f"{picture.stem}: {picture}" for picture in run.pictures]
    return "\n".join(lines)


def shared_lines(probs: dict[str, list[Any]]) -> list[str]:
    """`switch given the training rows: 41 (0.24), 40 (0.16), ...`, a line for each latent."""
    from specc.report.latent_table import most_probable

    single = {n: v for n, v in probs.items() if v and isinstance(v[0], float)}
    return [
        f"{name} given the training rows: "
        + most_probable({str(value): p for value, p in enumerate(values)})
        for name, values in single.items()
    ]


MOST_ROWS = 30
"""The rows of a table of latents; result.json has all of them."""


def metric_line(name: str, summary: dict[str, Any]) -> str:
    """`test: log p(x) >= -22.75 +- 0.19 nats (iwae, 1000 particles, 359 rows)`."""
    from specc.report.likelihood_figures import how_of, relation_of
    from specc.report.sample_figures import is_of_samples, line
    from specc.report.standard_error import error_of, own_units, with_error, without_error

    if is_of_samples(summary):
        return line(name, summary)
    of, relation, how = summary["of"], relation_of(summary), how_of(summary)
    value, error = summary["value"], summary["standard_error"]
    rows = summary["rows"]
    where = f"{rows} {noun(rows, 'row')} of `{summary['data']}`"
    if value is None:
        return f"{name}: {of} is not finite ({how}, {where})"
    nats = with_error(value, error, "nats a row")
    shown = f"{name}: {of} {relation} {nats} ({how}, {where})"
    if summary.get("impossible"):
        shown += ", which is impossible: `specc evaluate RUN` says why"
    scale = summary.get("log_scale")
    if isinstance(scale, (int, float)):
        shown += f" of transformed data, {own_units(scale)}"
    if "value_per_step" not in summary:
        return shown
    each, spread = summary["value_per_step"], summary["standard_error_per_step"]
    if error_of(error) is None:
        return f"{shown}; {without_error(each, 'a step')}"  # the reason is said once
    return f"{shown}; {with_error(each, spread, 'a step')}"
