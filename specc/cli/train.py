"""`specc train`: a spec is compiled, trained and measured, and the run keeps everything."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specc.cli import exits, options
from specc.cli.failure import Failure

if TYPE_CHECKING:
    from specc.report.conclude import Conclusion


@click.command(help="Train SPEC and measure it; everything is kept in a run folder.")
@options.one_spec
@options.settings
@options.data_dir
@options.device
@click.option("--out", metavar="RUN", help="The run folder; runs/NAME-1, -2, ... by default.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out where it stopped.")
@click.option("--threads", type=click.IntRange(1, 4096), help="Threads of the processor.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@options.as_json
def command(
    spec: str,
    settings: tuple[str, ...],
    data_dir: str | None,
    device: str,
    out: str | None,
    resume: bool,
    threads: int | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Train, then print the figures of the spec's `evaluate` and where the pictures are."""
    from specc.cli.compile import compiled
    from specc.engine.device import prepare

    if resume and out is None:
        hint = "name the folder of the run: --out runs/NAME-1"
        raise Failure("--resume needs to know which run", hint, exits.WRONG)
    result = compiled(spec, settings)
    prepare()
    from specc.engine import record
    from specc.engine.train import Options, train
    from specc.report.conclude import conclude

    name = result.name
    run = Path(out) if out is not None else record.new_folder(Path("runs"), name)
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / name
        code.mkdir()
        for file, text in result.files.items():
            (code / file).write_text(text, encoding="utf-8")
        chosen = Options(
            data_dir=Path(data_dir) if data_dir else None,
            device=device,
            spec=result.source,
            resume=resume,
            quiet=quiet or as_json,
            threads=threads,
        )
        trained = train(code, run, chosen)
    conclusion = conclude(trained, quiet=quiet or as_json)
    click.echo(json.dumps({"run": str(run), **conclusion.result}) if as_json else words(conclusion))
    if not as_json:
        click.echo(f"run: {run}")
    return exits.DONE


def words(conclusion: Conclusion) -> str:
    """The figures and the pictures of a finished run, a line each."""
    lines = [figure(name, found.summary()) for name, found in conclusion.estimates.items()]
    lines += [f"{picture.stem}: {picture}" for picture in conclusion.pictures]
    return "\n".join(lines)


def figure(name: str, summary: dict[str, float | int | str | None]) -> str:
    """`test: log p(x) >= -22.75 +- 0.19 nats (iwae, 1000 particles, 359 rows)`."""
    exact = summary["estimator"] == "exact"
    relation = "=" if exact else ">="
    how = "exact" if exact else f"{summary['estimator']}, {summary['particles']} particles"
    value, error = summary["value"], summary["standard_error"]
    where = f"{summary['rows']} rows of `{summary['data']}`"
    return f"{name}: log p(x) {relation} {value:.3f} +- {error:.3f} nats a row ({how}, {where})"
