"""The Python interface of specc: `specc.load("vae.yaml").train().sample(64)`.

    model = specc.load("specs/vae.yaml", {"train.epochs": 20})    # checked; SpecError if wrong
    model.compile("generated/vae")                                # writes the code
    run = model.train("runs/vae")                                 # trained, evaluated, recorded
    z = run.encode(x)["z"]                                        # draws from q(z | x)
    bound = run.log_prob(x, particles=1000)                       # log p(x), or a bound on it

torch is imported only when it is needed. The command line uses these functions.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from specc.run import Run, opener

if TYPE_CHECKING:
    from specc.codegen.plan import Plan
    from specc.comparison.compare import Comparison
    from specc.compiler import Checked
    from specc.data.given_arrays import Columns
    from specc.diagnostics.diagnostic import Diagnostic
    from specc.engine.train import Options, Trained
    from specc.runtime.failure import RunFailure


class SpecError(Exception):
    """The exception for a spec with errors: `diagnostics`, and their text as in `specc check`."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        from specc.diagnostics.render_text import render

        super().__init__(render(list(diagnostics)))
        self.diagnostics = diagnostics


class Model:
    """A spec without errors; `warnings` are the diagnostics of its check."""

    def __init__(
        self, plan: Plan, warnings: tuple[Diagnostic, ...], settings: tuple[str, ...] = ()
    ) -> None:
        self._plan = plan
        self.warnings = warnings
        self.settings = settings

    @property
    def name(self) -> str:
        """The name of the model."""
        return self._plan.experiment.name

    @property
    def text(self) -> str:
        """The text of the spec."""
        return self._plan.experiment.source.text

    @property
    def files(self) -> Mapping[str, str]:
        """The text of each file of the generated package by its name."""
        from specc.codegen.package import package

        return package(self._plan)

    def data_dir(self, given: str | Path | None = None) -> Path | None:
        """Return the folder with the data files: `given`, or else the folder of the spec.

        None if the source reads no files.
        """
        from specc.catalog.registry import SOURCES

        if given is not None:
            return Path(given)
        spec = self._plan.graph.graph.spec
        sources, path = spec.document.sources.values(), Path(spec.source.path)
        reads = any(SOURCES[data.source].needs_folder for data in sources)
        return path.parent if reads and path.is_file() else None

    def explain(self) -> str:
        """Return the factorization, the objective, and every decision with its reason, as text."""
        from specc.codegen.explain import explain

        return explain(self._plan)

    def _extras(self) -> dict[str, str]:
        """Return the files of the compiler in a run folder: explanation, graph, settings."""
        from specc.engine.storage import run_folder
        from specc.graph.draw.image import draw

        drawing = draw(self._plan.graph, "svg").decode("utf-8")
        settings = json.dumps(list(self.settings), indent=2) + "\n"
        return {
            run_folder.EXPLAIN: self.explain(),
            run_folder.GRAPH: drawing,
            run_folder.SETTINGS: settings,
        }

    def compile(self, folder: str | Path | None = None) -> Path:
        """Write the generated package to `folder`, by default `generated/<name>`; return the path.

        Code that specc wrote there before and that the spec has no more is removed. Raises OSError
        if it cannot be written.
        """
        path = Path("generated") / self.name if folder is None else Path(folder)
        from specc.engine.storage import file_io
        from specc.stale_code import stale_code

        path.mkdir(parents=True, exist_ok=True)
        files = self.files
        for name, text in files.items():
            file_io.deliver(path / name, text.encode())
        for stale in stale_code(path, files):
            stale.unlink(missing_ok=True)
        return path

    def train(
        self,
        out: str | Path | None = None,
        *,
        data: Columns | None = None,
        data_dir: str | Path | None = None,
        device: str = "auto",
        resume: bool = False,
        start: str | Path | None = None,
        threads: int | None = None,
        tensorboard: bool = False,
        shard: bool = False,
        quiet: bool = True,
        say: Callable[[str], None] = lambda words: None,
        begun: Callable[[], None] = lambda: None,
    ) -> Run:
        """Train the model, compute the entries of `evaluate:`, and record everything in `out`.

        `out` is `runs/<name>-1`, `-2`, ... by default. `resume` continues the run in `out`. `start`
        is a run whose fitting weights are the initial ones. `tensorboard` also writes the curves
        for TensorBoard. `data_dir` is the folder of the data files, by default that of the spec.
        Under `torchrun`, `shard` distributes every parameter over the processes. `say` is called
        with each notice to the user, and `begun` once nothing is refused. `data` has the columns of
        the fields by name, as arrays or as a DataFrame, in place of the file in the spec; the run
        folder keeps them.

        Raises RunFailure: E05xx if the data does not fit, E08xx if the run cannot continue.
        """
        from specc.engine.device import prepare

        prepare()
        from specc.engine.storage import run_folder
        from specc.engine.train import Options
        from specc.report.snapshots import draw_snapshot

        run = run_folder.new_folder(Path("runs"), self.name) if out is None else Path(out)
        if resume and not os.path.lexists(run / run_folder.RUN):
            raise _no_run(run)
        model, arrays = self._reading(run, data, resume=resume)
        document = model._plan.graph.graph.spec.document
        self._check_runs(run.parent)
        options = Options(
            data_dir=None if resume and data_dir is None else model.data_dir(data_dir),
            device=device,
            spec=self.text,
            extras=model._extras(),
            resume=resume,
            quiet=quiet,
            threads=threads,
            tensorboard=tensorboard,
            shard=shard,
            start=None if start is None else Path(start),
            moved=document.moved,
            parts=tuple(figure.data for figure in document.evaluate.values()),
            say=say,
            begun=begun,
            snapshot=draw_snapshot,
        )
        return model._execute(run, options, arrays)

    def _reading(self, run: Path, data: Columns | None, *, resume: bool) -> tuple[Model, bytes]:
        """Return the model that reads arrays, and their file; this model and no file without.

        A run that resumes has its arrays. Raises RunFailure E0801 if it is given others.
        """
        from specc.data.given_arrays import as_file
        from specc.engine.storage import run_folder

        if data is not None and resume:
            raise _has_data(run)
        if resume and run_folder.ARRAYS in run_folder.facts_of(run)[0].get("files", {}):
            return self._of_arrays(run / run_folder.ARRAYS), b""
        if data is None:
            return self, b""
        file = as_file(data)
        return self._of_arrays(file), file

    def _execute(self, run: Path, options: Options, arrays: bytes) -> Run:
        """Train in the folder `run`, on the arrays of a file unless it is empty, and evaluate."""
        from specc.engine.storage import run_folder
        from specc.engine.train import train

        with tempfile.TemporaryDirectory() as folder:
            if arrays:
                (Path(folder) / run_folder.ARRAYS).write_bytes(arrays)
                extras = {**options.extras, run_folder.ARRAYS: arrays}
                options = replace(options, data_dir=Path(folder), extras=extras)
            trained = train(self.compile(Path(folder) / self.name), run, options)
        return _measured(trained, options)

    def _of_arrays(self, file: bytes | Path) -> Model:
        """Return the same spec with its data from the arrays in a file.

        Fields without a shape get that of their column.

        Raises SpecError if it has several sources, or fields that arrays do not have.
        """
        from specc.compiler import front
        from specc.data.given_arrays import SETTINGS, shapes_of

        shapes = shapes_of(io.BytesIO(file) if isinstance(file, bytes) else file)
        given = [*self.settings, *SETTINGS]
        for source in self._plan.graph.graph.spec.document.sources.values():
            given += [f"data.{key}=null" for key in sorted(set(source.options) - {"path"})]
            for name, field in source.fields.items():
                column = field.column if isinstance(field.column, str) else ""
                if field.shape is None and shapes.get(column) and field.one_hot is None:
                    given.append(f"data.fields.{name}.shape={list(shapes[column])}")
        return _sound(front(self._plan.experiment.source, given), tuple(given))

    def _check_runs(self, beside: Path) -> None:
        """Raise RunFailure E0802 before training if a run that a metric needs does not exist."""
        from specc.codegen.manifest import manifest
        from specc.evaluate.sample_metric import MetricRequest
        from specc.other_runs import find_run

        for entry in manifest(self._plan)["evaluate"].values():
            for word in MetricRequest.of(entry).runs() if "metric" in entry else ():
                find_run(word, beside)


def load(spec: str | Path, settings: Mapping[str, object] | None = None) -> Model:
    """Load the spec in a file; `settings` override its values: `{"train.epochs": 20}`.

    Raises SpecError with all errors of the spec.
    """
    from specc.compiler import front
    from specc.reading import read

    source, findings = read(str(spec))
    if source is None:
        raise SpecError(tuple(findings))
    given = tuple(f"{key}={_written(value)}" for key, value in (settings or {}).items())
    return _sound(front(source, given), given)


def _sound(checked: Checked, settings: tuple[str, ...]) -> Model:
    from specc.diagnostics.report import severity

    if checked.plan is None:
        raise SpecError(tuple(d for d in checked.diagnostics if severity(d) == "error"))
    return Model(checked.plan, tuple(checked.diagnostics), settings)


def _measured(trained: Trained, options: Options) -> Run:
    """Evaluate a trained run unless it has its results already; only the first process writes."""
    from specc.engine.distributed import world
    from specc.report.final_evaluation import evaluate_at_end, finished_pictures

    if not world().writes:
        return Run(trained.loaded)
    pictures = finished_pictures(trained) if options.resume else None
    if pictures is None:
        open_run = opener(trained.loaded.folder.parent, options.device)
        found = evaluate_at_end(trained, open_run=open_run, quiet=options.quiet)
        return Run(trained.loaded, found.pictures)
    folder, steps = trained.loaded.folder, trained.counters.total
    options.say(f"the run {folder} is finished, with {steps} steps; it stays as it is")
    return Run(trained.loaded, pictures)


def _no_run(run: Path) -> RunFailure:
    """Return the failure to resume a run that does not exist, with a hint at a similar name."""
    from specc.diagnostics.nearest import nearest
    from specc.engine.storage import run_folder
    from specc.runtime.failure import USAGE, RunFailure

    found = [*run.parent.glob(f"*/{run_folder.RUN}"), *Path("runs").glob(f"*/{run_folder.RUN}")]
    beside = {path.parent.name: path.parent for path in found}
    meant = run.name if run.name in beside else nearest(run.name, beside)
    hint = f"did you mean `{beside[meant]}`?" if meant else "`specc runs` lists those there are"
    return RunFailure("E0802", f"there is no run {run}", hint=hint, exit_code=USAGE)


def _has_data(run: Path) -> RunFailure:
    """Return the failure to resume a run with other arrays."""
    from specc.runtime.failure import USAGE, RunFailure

    hint = "leave out `data`, or train in another folder"
    message = f"the run in {run} continues with the data that it has"
    return RunFailure("E0801", message, hint=hint, exit_code=USAGE)


def _written(value: object) -> str:
    """Return a value as text of a spec."""
    return value if isinstance(value, str) else json.dumps(value)


def diff(old: Model | str | Path, new: Model | str | Path) -> Comparison:
    """Compare two specs, models or run folders: what changed, and whether a run of `old` fits.

    Raises SpecError for a spec with errors, RunFailure E0802 or E0803 for a damaged run.
    """
    from specc.comparison.compare import compare

    return compare(_plan_of(old), _plan_of(new))


def _plan_of(spec: Model | str | Path) -> Plan:
    if isinstance(spec, Model):
        return spec._plan
    if Path(spec).is_dir():
        from specc.recompile import compiled

        return compiled(Path(spec)).plan
    return load(spec)._plan
