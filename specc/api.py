"""specc from Python: `specc.load("vae.yaml").train().sample(64)`.

    model = specc.load("specs/vae.yaml", {"train.epochs": 20})    # checked; SpecError if wrong
    model.compile("generated/vae")                                # the code, to read or to keep
    run = model.train("runs/vae")                                 # trained, measured, recorded
    z = run.encode(x)["z"]                                        # draws from q(z | x)
    bound = run.log_prob(x, particles=1000)                       # log p(x), or a bound on it

Nothing here imports torch before it is needed. The command line is made of the same calls.
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
    """A spec that is wrong: its text is what `specc check` prints, `diagnostics` the findings."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        from specc.diagnostics.render_text import render

        super().__init__(render(list(diagnostics)))
        self.diagnostics = diagnostics


class Model:
    """A spec that was found sound."""

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
        """The spec as it was written."""
        return self._plan.experiment.source.text

    @property
    def files(self) -> Mapping[str, str]:
        """The generated package: the text of each file by its name."""
        from specc.codegen.package import package

        return package(self._plan)

    def data_dir(self, given: str | Path | None = None) -> Path | None:
        """The folder with the files of data: the one given, else that of the spec's own file.

        None where the source reads no files.
        """
        from specc.catalog.registry import SOURCES

        if given is not None:
            return Path(given)
        spec = self._plan.graph.graph.spec
        data, path = spec.document.data, Path(spec.source.path)
        reads = data is not None and SOURCES[data.source].needs_folder
        return path.parent if reads and path.is_file() else None

    def explain(self) -> str:
        """The factorization, the objective, and every decision with its reason."""
        from specc.codegen.explain import explain

        return explain(self._plan)

    def _extras(self) -> dict[str, str]:
        """What a run keeps of the compiler: the explanation, the drawing, the settings."""
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
        """Writes the generated package to `folder`, by default `generated/<name>`, and names it.

        Raises OSError where it cannot be written.
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
        """Trains, measures what the spec's `evaluate` asks for, and records all in `out`.

        `out` is `runs/<name>-1`, `-2`, ... by default. `resume` goes on with the run in `out`;
        `start` is a run whose weights are taken over where they fit. `tensorboard` writes the
        curves for it, too. `data_dir` is the folder with the files of data, by default that of the
        spec. Under `torchrun`, `shard` gives each process a part of every parameter.
        `say` is told what a person should know.

        Raises RunFailure: E05xx where the data does not fit, E08xx where the run cannot go on.
        """
        from specc.engine.device import prepare

        prepare()
        from specc.engine.storage import run_folder
        from specc.engine.train import Options, train

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
        )
        with tempfile.TemporaryDirectory() as folder:
            trained = train(self.compile(Path(folder) / self.name), run, options)
        return _measured(trained, options)

    def _check_runs(self, beside: Path) -> None:
        """The runs that figures name are there before hours of training: else RunFailure E0802."""
        from specc.codegen.manifest import manifest
        from specc.evaluate.sample_metric import MetricRequest
        from specc.other_runs import find_run

        for entry in manifest(self._plan)["evaluate"].values():
            for word in MetricRequest.of(entry).runs() if "metric" in entry else ():
                find_run(word, beside)


class Run:
    """A trained run, open in this process."""

    def __init__(self, opened: LoadedRun, pictures: tuple[Path, ...] = ()) -> None:
        self._opened = opened
        self.pictures = pictures

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._opened.folder

    @property
    def loaded(self) -> LoadedRun:
        """The run as `specc.evaluate` and `specc.report` take it."""
        return self._opened

    @property
    def program(self) -> Program:
        """The model, the guide and the losses, as one torch module."""
        return self._opened.program

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """A record for each epoch: loss, parts, learning rate, time."""
        from specc.engine.storage import run_folder

        return run_folder.read_metrics(self.folder)

    @property
    def result(self) -> dict[str, Any]:
        """The figures at the end of training, as result.json has them; empty before."""
        from specc.engine.storage import run_folder

        return dict(run_folder.result_of(self.folder))

    def sample(self, rows: int, *, seed: int = 0, units: Units = "data") -> dict[str, Tensor]:
        """`rows` draws from the model: every node by its name, each [rows, *shape].

        Standardized fields come in the `units` of the data, or in those of the model.

        Raises RunFailure: E0805 where the program cannot be sampled.
        """
        from specc.evaluate.sampling import sample

        found = sample(self._opened, rows, seed)
        return dict((found.in_data_units(self._opened) if units == "data" else found).values)

    def encode(
        self, x: Fields, *, particles: int | None = None, seed: int = 0, units: Units = "data"
    ) -> dict[str, Tensor]:
        """Draws of the latents from the guide, given data: each [rows, *shape].

        With `particles`, that many draws for each row: [particles, rows, *shape]. `x` is the tensor
        of the one field that the guide takes, or all of them by name, in these `units`.

        Raises RunFailure: E0805 where there is no guide to draw from, E0510 for a missing field.
        """
        from specc.evaluate.user_rows import encode

        found = encode(self._opened, x, particles or 1, seed, units)
        return found if particles is not None else {name: v[0] for name, v in found.items()}

    def log_prob(
        self, x: Fields, *, particles: int = 1000, seed: int = 0, units: Units = "data"
    ) -> Tensor:
        """log p(x) of each row: exact where the program computes it, else the bound of `particles`.

        The bound is log 1/K sum_k p(x, z_k) / q(z_k | x) (Burda et al. 2016, equation 8). Both `x`
        and its density are in these `units`: that of a standardized field in the units of the data
        is the model's less the sum of the logarithms of its standard deviations.

        Raises RunFailure: E0805 or E0813 where the program allows neither.
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
        """Every field that may be missing, with what is missing filled, by its name.

        The rows are those of a part of the data, held-out ones by default, or those given as `x`,
        missing where they are no numbers, in these `units`. Each field has its `values`, several
        `draws`, and a label its `probabilities`.

        Raises RunFailure: E0819 where no field may be missing, E0805 without a guide for latents.
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
        """How well the class of a row is told from its other fields, for each label by name.

        A label is an observed number out of finitely many, such as a class. Its figures are the
        accuracy, the mean log p(y | rest), the expected calibration error, and `probabilities`,
        p(y = c | rest) of each row: [rows, classes]. They come from log p as `log_prob` gives it.

        Raises RunFailure: E0509 where the data has no such part, E0813 where the program gives no
        log p.
        """
        from specc.evaluate.classification import classification_metrics
        from specc.evaluate.scoring import Request

        return classification_metrics(self._opened, Request("iwae", particles, part, rows, seed))


def load(spec: str | Path, settings: Mapping[str, object] | None = None) -> Model:
    """The model of a spec file; `settings` override its values: `{"train.epochs": 20}`.

    Raises SpecError with everything that is wrong with it.
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
    """A trained run with its figures, unless it had them before; one of several processes acts."""
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
    """The failure to resume a run that is not there, with the name of one that was meant."""
    from specc.diagnostics.nearest import nearest
    from specc.engine.storage import run_folder
    from specc.runtime.failure import USAGE, RunFailure

    found = [*run.parent.glob(f"*/{run_folder.RUN}"), *Path("runs").glob(f"*/{run_folder.RUN}")]
    beside = {path.parent.name: path.parent for path in found}
    meant = run.name if run.name in beside else nearest(run.name, beside)
    hint = f"did you mean `{beside[meant]}`?" if meant else "`specc runs` lists those there are"
    return RunFailure("E0802", f"there is no run {run}", hint=hint, exit_code=USAGE)


def _written(value: object) -> str:
    """A value as a spec writes it."""
    return value if isinstance(value, str) else json.dumps(value)


def opener(beside: Path, device: str) -> Callable[[str], LoadedRun]:
    """Opens the runs that figures name, each of them once; `beside` is where others lie."""

    @cache
    def opened(word: str) -> LoadedRun:
        from specc.other_runs import find_run

        return open_run(find_run(word, beside), device=device).loaded

    return opened


def open_run(run: str | Path, *, data_dir: str | Path | None = None, device: str = "auto") -> Run:
    """A run folder, as its last checkpoint left it.

    Its spec is compiled again, and that code is executed, not the files in the folder.

    Raises RunFailure: E0802 or E0803, where there is no run or no whole checkpoint in it; E0801 or
    E0816, where its spec is not that of its weights.
    """
    from specc.engine.device import prepare

    prepare()
    from specc.engine.storage.loaded_run import load_run as opened
    from specc.recompile import recompile

    given = None if data_dir is None else Path(data_dir)
    with tempfile.TemporaryDirectory() as folder:
        code = recompile(Path(run), Path(folder))
        return Run(opened(Path(run), code=code, data_dir=given, device_name=device))
