"""The Python interface of specc: `specc.load("vae.yaml").train().sample(64)`.

    model = specc.load("specs/vae.yaml", {"train.epochs": 20})    # checked; SpecError if wrong
    model.compile("generated/vae")                                # writes the code
    run = model.train("runs/vae")                                 # trained, evaluated, recorded
    z = run.encode(x)["z"]                                        # draws from q(z | x)
    bound = run.log_prob(x, particles=1000)                       # log p(x), or a bound on it

torch is imported only when it is needed. The command line uses these functions.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from specc.codegen.plan import Plan
    from specc.diagnostics.diagnostic import Diagnostic
    from specc.engine.storage.loaded_run import LoadedRun
    from specc.engine.train import Options, Trained
    from specc.evaluate.classification import ClassificationMetrics
    from specc.evaluate.impute import Filled
    from specc.evaluate.units import Units
    from specc.runtime.failure import RunFailure
    from specc.runtime.program import Program

    Fields = Tensor | Mapping[str, Tensor]


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

        Raises OSError if it cannot be written.
        """
        path = Path("generated") / self.name if folder is None else Path(folder)
        from specc.engine.storage import file_io

        path.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            file_io.deliver(path / name, text.encode())
        return path

    def train(
        self,
        out: str | Path | None = None,
        *,
        data_dir: str | Path | None = None,
        device: str = "auto",
        resume: bool = False,
        start: str | Path | None = None,
        threads: int | None = None,
        tensorboard: bool = False,
        shard: bool = False,
        quiet: bool = True,
        say: Callable[[str], None] = lambda words: None,
    ) -> Run:
        """Train the model, compute the entries of `evaluate:`, and record everything in `out`.

        `out` is `runs/<name>-1`, `-2`, ... by default. `resume` continues the run in `out`. `start`
        is a run whose fitting weights are the initial ones. `tensorboard` also writes the curves
        for TensorBoard. `data_dir` is the folder of the data files, by default that of the spec.
        Under `torchrun`, `shard` distributes every parameter over the processes. `say` is called
        with each notice to the user.

        Raises RunFailure: E05xx if the data does not fit, E08xx if the run cannot continue.
        """
        from specc.engine.device import prepare

        prepare()
        from specc.engine.storage import run_folder
        from specc.engine.train import Options, train
        from specc.report.snapshots import draw_snapshot

        run = run_folder.new_folder(Path("runs"), self.name) if out is None else Path(out)
        if resume and not os.path.lexists(run / run_folder.RUN):
            raise _no_run(run)
        document = self._plan.graph.graph.spec.document
        self._check_runs(run.parent)
        options = Options(
            data_dir=None if resume and data_dir is None else self.data_dir(data_dir),
            device=device,
            spec=self.text,
            extras=self._extras(),
            resume=resume,
            quiet=quiet,
            threads=threads,
            tensorboard=tensorboard,
            shard=shard,
            start=None if start is None else Path(start),
            moved=document.moved,
            parts=tuple(figure.data for figure in document.evaluate.values()),
            say=say,
            snapshot=draw_snapshot,
        )
        with tempfile.TemporaryDirectory() as folder:
            trained = train(self.compile(Path(folder) / self.name), run, options)
        return _measured(trained, options)

    def _check_runs(self, beside: Path) -> None:
        """Raise RunFailure E0802 before training if a run that a metric needs does not exist."""
        from specc.codegen.manifest import manifest
        from specc.evaluate.sample_metric import MetricRequest
        from specc.other_runs import find_run

        for entry in manifest(self._plan)["evaluate"].values():
            for word in MetricRequest.of(entry).runs() if "metric" in entry else ():
                find_run(word, beside)


class Run:
    """A trained run, loaded in this process."""

    def __init__(self, opened: LoadedRun, pictures: tuple[Path, ...] = ()) -> None:
        self._opened = opened
        self.pictures = pictures

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._opened.folder

    @property
    def loaded(self) -> LoadedRun:
        """The loaded run, as the functions of `specc.evaluate` and `specc.report` expect it."""
        return self._opened

    @property
    def program(self) -> Program:
        """The model, the guide and the losses, as one torch module."""
        return self._opened.program

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """A record for each epoch: loss, terms, learning rate, time."""
        from specc.engine.storage import run_folder

        return run_folder.read_metrics(self.folder)

    @property
    def result(self) -> dict[str, Any]:
        """The results at the end of training, as in result.json; empty before."""
        from specc.engine.storage import run_folder

        return dict(run_folder.result_of(self.folder))

    def sample(self, rows: int, *, seed: int = 0, units: Units = "data") -> dict[str, Tensor]:
        """Draw `rows` samples from the model: the value of every node by name, [rows, *shape].

        `units` are those of standardized fields: of the `data`, or the standardized ones of the
        `model`.

        Raises RunFailure E0805 if the program cannot be sampled.
        """
        from specc.evaluate.sampling import sample

        found = sample(self._opened, rows, seed)
        return dict((found.in_data_units(self._opened) if units == "data" else found).values)

    def encode(
        self, x: Fields, *, particles: int | None = None, seed: int = 0, units: Units = "data"
    ) -> dict[str, Tensor]:
        """Draw the latents from the guide given data: each [rows, *shape].

        With `particles` there are that many draws for each row: [particles, rows, *shape]. `x` is
        the tensor of the only field that the guide depends on, or a mapping of all fields by name,
        in these `units`.

        Raises RunFailure: E0805 if no guide draws latents, E0510 if a field is missing.
        """
        from specc.evaluate.user_rows import encode

        found = encode(self._opened, x, particles or 1, seed, units)
        return found if particles is not None else {name: v[0] for name, v in found.items()}

    def log_prob(
        self, x: Fields, *, particles: int = 1000, seed: int = 0, units: Units = "data"
    ) -> Tensor:
        """Return log p(x) of each row, [rows]: exact if the program has it, else a lower bound.

        The bound is log 1/K sum_k p(x, z_k) / q(z_k | x) with K `particles` (Burda et al. 2016,
        equation 8). `x` is in these `units`, and the result is a density in these units: for a
        standardized field in units of the data it is that of the model minus the sum of the
        logarithms of the standard deviations.

        Raises RunFailure E0805 or E0813 if the program computes neither.
        """
        from specc.evaluate.user_rows import log_prob

        return log_prob(self._opened, x, particles, seed, units)

    def impute(
        self,
        *,
        part: str | None = None,
        x: Fields | None = None,
        draws: int = 16,
        sweeps: int = 100,
        rows: int | None = None,
        seed: int = 0,
        units: Units = "data",
    ) -> dict[str, Filled]:
        """Impute the missing values of every field that may have some; the result is by field.

        The rows are those of the split `part`, by default the held-out one, or those of `x`, in
        these `units`, with NaN for missing values. Each result has the imputed `values`, several
        `draws`, and for a label its `probabilities`.

        Raises RunFailure: E0819 if no field may be missing, E0805 if latents have no guide.
        """
        from specc.evaluate.impute import ImputationRequest, impute
        from specc.evaluate.user_rows import rows_of

        given = None if x is None else rows_of(self._opened, x, units)
        part = part or self._opened.held_out
        found = impute(self._opened, ImputationRequest(draws, sweeps, part, rows, seed), given)
        if units == "model":
            return found
        return {name: filled.in_data_units(self._opened) for name, filled in found.items()}

    def labels(
        self, *, part: str = "test", particles: int = 1000, rows: int | None = None, seed: int = 0
    ) -> dict[str, ClassificationMetrics]:
        """Classify each label given the other fields of its row; the result is by label.

        A label is a finite observed node, such as a class. The result has the accuracy, the mean of
        log p(y | rest), the expected calibration error, and the `probabilities` p(y = c | rest),
        [rows, classes]. They are computed from log p as in `log_prob`.

        Raises RunFailure: E0509 if the data has no split `part`, E0813 if the program computes no
        log p.
        """
        from specc.evaluate.classification import classification_metrics
        from specc.evaluate.scoring import Request

        return classification_metrics(self._opened, Request("iwae", particles, part, rows, seed))


def load(spec: str | Path, settings: Mapping[str, object] | None = None) -> Model:
    """Load the spec in a file; `settings` override its values: `{"train.epochs": 20}`.

    Raises SpecError with all errors of the spec.
    """
    from specc.compiler import front
    from specc.diagnostics.report import severity
    from specc.reading import read

    source, findings = read(str(spec))
    if source is None:
        raise SpecError(tuple(findings))
    given = tuple(f"{key}={_written(value)}" for key, value in (settings or {}).items())
    checked = front(source, given)
    if checked.plan is None:
        raise SpecError(tuple(d for d in checked.diagnostics if severity(d) == "error"))
    return Model(checked.plan, tuple(checked.diagnostics), given)


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


def _written(value: object) -> str:
    """Return a value as text of a spec."""
    return value if isinstance(value, str) else json.dumps(value)


def opener(beside: Path, device: str) -> Callable[[str], LoadedRun]:
    """Return a cached function that loads the runs that metrics name, by path or from `beside`."""

    @cache
    def opened(word: str) -> LoadedRun:
        from specc.other_runs import find_run

        return open_run(find_run(word, beside), device=device).loaded

    return opened


def open_run(run: str | Path, *, data_dir: str | Path | None = None, device: str = "auto") -> Run:
    """Load a run from its folder, with the weights of the last checkpoint.

    The spec in the folder is compiled again, and the result is executed; the Python files in the
    folder are not.

    Raises RunFailure: E0802 or E0803 if there is no run or no intact checkpoint; E0801 or E0816 if
    the spec does not belong to the weights.
    """
    from specc.engine.device import prepare

    prepare()
    from specc.engine.storage.loaded_run import load_run as opened
    from specc.recompile import recompile

    given = None if data_dir is None else Path(data_dir)
    with tempfile.TemporaryDirectory() as folder:
        code = recompile(Path(run), Path(folder))
        return Run(opened(Path(run), code=code, data_dir=given, device_name=device))
