"""Two moons with three labels a class: a mean teacher, and Triple-GAN, against labels alone.

    python -m benchmarks.semi_supervised
    python -m benchmarks.semi_supervised --models mean_teacher --first 100
    python -m benchmarks.semi_supervised --picture moons.png --first 2

A seed chooses the six labelled rows, the initial weights and the batches; for each of ten seeds the
gallery spec is trained, and a classifier with the same network on the labelled rows alone. Prints
the errors on 4,000 test rows, their means, and the mean of the paired difference with its 95 %
interval (Student's t). The settings of the specs were chosen with other labelled rows and weights.
With --picture it draws the boundaries of one seed instead.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
import yaml
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from scipy import stats

import specc
from specc.runtime.noise import Noise

SPECS = Path(__file__).parents[1] / "specs"
COLOURS = ListedColormap(["#2f6db3", "#d2691e"])
NETWORKS = {"mean_teacher": "student", "triple_gan": "classifier"}
"""The link of each spec that classifies."""


def with_labels_alone(name: str) -> str:
    """The spec of a classifier with the network of a gallery spec, on its labelled rows."""
    of = yaml.safe_load((SPECS / f"{name}.yaml").read_text(encoding="utf-8"))
    labelled = dict(of["data"]["sources"]["labelled"])
    del labelled["batch_size"]
    spec = {
        "specc": 1,
        "name": "supervised",
        "data": labelled,
        "model": {
            "x": {"given": "x"},
            "y": {"observed": "categorical", "logits": "net(x)", "classes": 2},
        },
        "links": {"net": of["links"][NETWORKS[name]]},
        "objective": "mle",
        "train": {"optimizer": {"adam": {"lr": 0.01}}, "batch_size": 6, "steps": 500},
    }
    return yaml.safe_dump(spec, sort_keys=False)


class Trained:
    """The runs of one seed, which chooses the labelled rows, the weights and the batches."""

    def __init__(self, seed: int, changes: dict[str, object], threads: int) -> None:
        self.seed, self.changes, self.threads = seed, changes, threads

    def alone(self, name: str, folder: Path) -> specc.Run:
        """The network of a gallery spec, trained on the labelled rows."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "supervised.yaml"
        path.write_text(with_labels_alone(name), encoding="utf-8")
        settings = {"train.seed": self.seed, "data.subset.seed": self.seed}
        return self._run(path, folder / f"alone-{self.seed}", settings)

    def model(self, name: str, folder: Path) -> specc.Run:
        """A gallery spec."""
        subset = {"data.sources.labelled.subset.seed": self.seed, "evaluate": None}
        settings = {"train.seed": self.seed, **subset, **self.changes}
        return self._run(SPECS / f"{name}.yaml", folder / f"{name}-{self.seed}", settings)

    def _run(self, path: Path, out: Path, settings: dict[str, object]) -> specc.Run:
        return specc.load(path, settings).train(out, threads=self.threads, device="cpu")


def rows_of(run: specc.Run, part: str) -> dict[str, torch.Tensor]:
    """The rows with labels of a part."""
    rows = run.loaded.rows(part)
    return rows.batch(slice(0, len(rows)), Noise.at(0, 1))


def error(run: specc.Run) -> float:
    """The fraction of test rows that a run classifies wrongly."""
    batch = rows_of(run, "test")
    with torch.no_grad():
        guess = run.program.model.y_logits(batch["x"]).argmax(-1)
    return float((guess != batch["y"]).double().mean())


def compare(name: str, seeds: range, changes: dict[str, object], threads: int) -> None:
    """Print a line for each seed, and the paired difference."""
    print(f"{name}\nseed  labels alone  {name}", flush=True)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            trained = Trained(seed, changes, threads)
            first = error(trained.alone(name, Path(folder)))
            second = error(trained.model(name, Path(folder)))
            found.append((first, second))
            print(f"{seed:4}  {100 * first:10.2f} %  {100 * second:6.2f} %", flush=True)
    errors = 100 * np.array(found)
    less = errors[:, 0] - errors[:, 1]
    width = stats.t.ppf(0.975, len(less) - 1) * stats.sem(less)
    print(f"mean  {errors[:, 0].mean():10.2f} %  {errors[:, 1].mean():6.2f} %")
    print(f"difference {less.mean():.2f} +- {width:.2f} points, {(less > 0).sum()} of {len(less)}")


def draw(names: list[str], trained: Trained, out: Path) -> None:
    """Draw the points, the labelled rows and the boundary of each model, side by side."""
    with tempfile.TemporaryDirectory() as folder:
        runs = {"labels alone": trained.alone(names[0], Path(folder))}
        runs |= {name: trained.model(name, Path(folder)) for name in names}
    figure = Figure(figsize=(3.2 * len(runs), 2.6), layout="constrained")
    for axes, (name, run) in zip(figure.subplots(1, len(runs)), runs.items(), strict=True):
        test, few = rows_of(run, "test"), rows_of(run, "train")
        low, high = test["x"].amin(0) - 0.2, test["x"].amax(0) + 0.2
        across, up = (torch.linspace(low[i], high[i], 200) for i in (0, 1))
        with torch.no_grad():
            logits = run.program.model.y_logits(torch.cartesian_prod(across, up))
        shares = logits.softmax(-1)[:, 1].reshape(200, 200).T
        axes.contourf(across, up, shares, levels=[0, 0.5, 1], colors=["#dbe7f5", "#f8e3d3"])
        points, labelled = test["x"][:600].T, few["x"].T
        axes.scatter(*points, s=3, c=test["y"][:600], cmap=COLOURS, linewidths=0)
        marked = {"s": 60, "edgecolors": "black", "linewidths": 1.2}
        axes.scatter(*labelled, c=few["y"], cmap=COLOURS, **marked)
        axes.set(title=f"{name}, {100 * error(run):.1f} % wrong", xticks=[], yticks=[])
    figure.savefig(out, dpi=90)


def main() -> None:
    """Compare each of the models with labels alone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="of the spec")
    parser.add_argument("--picture", type=Path, help="draw the first seed, in this file")
    options = parser.parse_args()
    changes = {key: yaml.safe_load(value) for key, value in (s.split("=", 1) for s in options.set)}
    if options.picture is not None:
        trained = Trained(options.first, changes, options.threads)
        draw(options.models, trained, options.picture)
        return
    for name in options.models:
        compare(name, range(options.first, options.first + options.seeds), changes, options.threads)


if __name__ == "__main__":
    main()
