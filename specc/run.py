"""A trained run in this process: samples, densities, metrics, predictions.

torch is imported only when it is needed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from specc.engine.storage.loaded_run import LoadedRun
    from specc.evaluate.classification import ClassificationMetrics
    from specc.evaluate.denoising import Denoising
    from specc.evaluate.impute import Filled
    from specc.evaluate.predict import Prediction
    from specc.evaluate.sampling import Chain
    from specc.evaluate.units import Units
    from specc.report.evaluated import Evaluation
    from specc.runtime.program import Program

    Fields = Tensor | Mapping[str, Tensor]


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

    def sample(
        self,
        rows: int,
        *,
        seed: int = 0,
        units: Units = "data",
        chain: Chain | None = None,
        denoising: Denoising | None = None,
    ) -> dict[str, Tensor]:
        """Draw `rows` samples from the model: the value of every node by name, [rows, *shape].

        `units` are those of standardized fields: of the `data`, or the standardized ones of the
        `model`. `chain` has the steps and the start of the chain of an energy, and `denoising` the
        sampler and the steps of a noising chain.

        Raises RunFailure E0805 if the program cannot be sampled, E0840 or E0531 if it has no such
        chain.
        """
        from specc.evaluate.sampling import sample

        found = sample(self._opened, rows, seed, chain=chain, denoising=denoising)
        return dict((found.in_data_units(self._opened) if units == "data" else found).values)

    def encode(
        self, x: Fields, *, particles: int | None = None, seed: int = 0, units: Units = "data"
    ) -> dict[str, Tensor]:
        """Draw the latents given data, from the guide: each [rows, *shape].

        Latents that are summed or integrated out are drawn from their posterior, exactly.
        With `particles` there are that many draws for each row: [particles, rows, *shape]. `x` is
        the tensor of the only field that the guide depends on, or a mapping of all fields by name,
        in these `units`.

        Raises RunFailure: E0805 if there are no such draws, E0510 if a field is missing.
        """
        from specc.evaluate.user_rows import encode

        found = encode(self._opened, x, particles or 1, seed, units)
        return found if particles is not None else {name: v[0] for name, v in found.items()}

    def posterior_probs(self, x: Fields, *, units: Units = "data") -> dict[str, Tensor]:
        """Return p(z = s | x) of each value of the finite latents that are summed out.

        Each is [rows, ..., values]; of latents of elements [elements, ..., values], and of those
        of all rows [..., values]. `x` is as in `encode`.

        Raises RunFailure: E0805 if no finite latent is summed out, E0845 if one is given draws of a
        guide, E0510 if a field is missing.
        """
        from specc.evaluate.user_rows import latent_probs

        return latent_probs(self._opened, x, units)

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

        Raises RunFailure: E0819 if no field may be missing, E0805 if no latents can be drawn.
        """
        from specc.evaluate.impute import ImputationRequest, impute
        from specc.evaluate.user_rows import rows_of

        given = None if x is None else rows_of(self._opened, x, units)
        part = part or self._opened.held_out
        found = impute(self._opened, ImputationRequest(draws, sweeps, part, rows, seed), given)
        if units == "model":
            return found
        return {name: filled.in_data_units(self._opened) for name, filled in found.items()}

    def evaluate(
        self,
        *,
        estimator: str | None = None,
        particles: int | None = None,
        part: str | None = None,
        rows: int | None = None,
        seed: int | None = None,
    ) -> Evaluation:
        """Compute the metrics of `evaluate:` again, the terms of the loss and metrics of labels.

        What is given replaces the options of every metric that has them. Without metrics in the
        spec it is the likelihood of `part`, by default of the held-out one.

        Raises RunFailure: E0509 if the data has no such part, E0813 if the program does not allow
        the estimator.
        """
        from specc.report.evaluated import measured

        given = {"estimator": estimator, "particles": particles, "part": part, "rows": rows}
        given["seed"] = seed
        changes = {name: value for name, value in given.items() if value is not None}
        own, opened = self._opened, opener(self.folder.parent, str(self._opened.device))
        return measured(own, own.manifest.evaluate, changes, opened)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the run as one HTML page, by default `report.html` in its folder; return the path.

        Raises OSError if it cannot be written.
        """
        from specc.engine.storage import file_io
        from specc.report.page import page

        out = self.folder / "report.html" if path is None else Path(path)
        file_io.deliver(out, page(self._opened).encode())
        return out

    def predict(
        self,
        data: str | Path | None = None,
        *,
        part: str | None = None,
        draws: int = 1000,
        quantiles: Sequence[float] = (0.05, 0.5, 0.95),
        rows: int | None = None,
        seed: int = 0,
        units: Units = "data",
    ) -> dict[str, Prediction]:
        """Predict the observed nodes from the values that the model conditions on, by node.

        The rows are those of the file `data`, which needs the columns of the `given` nodes, or of
        the split `part`, by default the held-out one. Each result has the `mean`, `sd` and
        `quantiles` of the predictive distribution, averaged over `draws` of the latents, in these
        `units`, or the `probabilities` of a label.

        Raises RunFailure: E05xx if the rows do not fit, E0838 if the model conditions on nothing.
        """
        from specc.evaluate.predict import PredictionRequest, predict

        part = part or self._opened.held_out
        request = PredictionRequest(draws, tuple(quantiles), part, rows, seed)
        return predict(self._opened, request, None if data is None else Path(data), units)

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
