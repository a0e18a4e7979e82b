"""Bayesian networks of one hidden layer on the UCI regression sets, on the published splits.

    python -m benchmarks.bayesian_networks --data /path/to/uci --sets boston yacht --splits 20

The spec is `specs/bayesian_network.yaml`, a mean field over weights with a scale by fan-in; with
`--how nuts` or `--how sghmc` the weights are drawn by chains, and `--how map` is their mode. The
test figures are those of Hernandez-Lobato and Adams (2015): the root mean squared error of the
predictive mean, and the mean log-density of a row under the predictive distribution, in the units
of the data.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.device import prepare
from specc.engine.options import Options
from specc.engine.storage.loaded_run import LoadedRun
from specc.engine.train import train
from specc.evaluate.guide_draws import GuideDraws
from specc.evaluate.posterior_draws import PosteriorDraws

SPEC = Path(__file__).parents[1] / "specs" / "bayesian_network.yaml"
GUIDE = "guide: {sd: {auto: mean_field}, net: {auto: mean_field}}\n"
OBJECTIVE = "objective: {elbo: {particles: 10}}\n"
SAMPLERS = {
    "nuts": "sampler: {nuts: {chains: 2, warmup: 250, draws: 250}}\n",
    "sghmc": """\
sampler:
  sghmc: {step_size: 2e-8, friction: 0.01, chains: 5, warmup: 2000, draws: 200, thinning: 10}
train: {batch_size: 64}
""",
}
"""Chains start at uniform numbers, where a network has large gradients: hence small steps."""

DRAWS = 1000


def spec(size: int, inputs: int, how: str, epochs: int) -> str:
    """The spec for a set, with a part of the file in place of a random split."""
    text = SPEC.read_text(encoding="utf-8").split("evaluate:")[0]
    text = text.replace("boston.npz", "train.npz").replace("shape: [13]", f"shape: [{inputs}]")
    text = text.replace("  split: {test: 0.1}\n", "").replace("mlp: [50]", f"mlp: [{size}]")
    text = text.replace("epochs: 500", f"epochs: {epochs}")
    if how in SAMPLERS:
        text = text.split("train:")[0].replace(GUIDE, "")
        return text.replace(OBJECTIVE, SAMPLERS[how])
    if how == "map":
        return text.replace(GUIDE, "").replace(OBJECTIVE, "objective: map\n")
    return text


def run(text: str, features: np.ndarray, target: np.ndarray, seed: int) -> LoadedRun:
    """A trained run on some rows."""
    folder = Path(tempfile.mkdtemp())
    np.savez(folder / "train.npz", features=features, target=target)
    made = compile(Source(str(SPEC), text), [f"train.seed={seed}"])[0]
    assert made is not None
    code = folder / "code"
    code.mkdir()
    for name, content in made.files.items():
        (code / name).write_text(content, encoding="utf-8")
    options = replace(Options(quiet=True, threads=1), data_dir=folder)
    return train(code, folder / "run", options).loaded


def predicted(loaded: LoadedRun, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The predictive mean and log-density of each row, of standardized values."""
    mean = loaded.program.require("model.conditional_mean")
    needed = loaded.program.capabilities["model.conditional_mean"]
    with loaded.computing(), torch.no_grad():
        sampled = PosteriorDraws.of(loaded, DRAWS)
        drawn = None if sampled is not None else GuideDraws.of(loaded, DRAWS)
        if drawn is not None:
            each: Iterator[dict[str, Tensor]] = drawn.each()
            log_p = drawn.log_prob({"x": x, "y": y})
        elif sampled is not None:
            each, log_p = ({} for _ in sampled.each()), sampled.log_prob({"x": x, "y": y})
        else:
            each, log_p = iter([{}]), loaded.program.require("model.log_prob")(x=x, y=y)
        total, count = torch.zeros(len(x), dtype=torch.float64), 0
        for values in each:
            own = {n: v for n, v in values.items() if n in needed}
            points = {n: getattr(loaded.program.model, n) for n in needed if n not in {"x", *own}}
            total += mean(x=x, **own, **points)["y"].double()
            count += 1
    return total / count, log_p.double()


def split(
    data: dict[str, np.ndarray], number: int, how: str, size: int, epochs: int
) -> tuple[float, float, float]:
    """RMSE, log-density and seconds of processor time of one split."""
    began = time.process_time()
    test = data["is_test"][number]
    features, target = data["features"], data["target"]
    text = spec(size, features.shape[1], how, epochs)
    loaded = run(text, features[~test], target[~test], number)
    mean, sd = features[~test].mean(0), features[~test].std(0)
    sd[sd == 0] = 1.0
    at, scale = target[~test].mean(), target[~test].std()
    like = next(loaded.program.parameters())
    x = torch.from_numpy((features[test] - mean) / sd).to(like)
    y = torch.from_numpy((target[test] - at) / scale).to(like)
    found, log_p = predicted(loaded, x, y)
    error = scale * math.sqrt((found - y).square().mean().item())
    return error, log_p.mean().item() - math.log(scale), time.process_time() - began


def main() -> None:
    """Prints a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=["boston"])
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--how", choices=["guide", *SAMPLERS, "map"], default="guide")
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=math.inf, help="of a set, at most")
    given = parser.parse_args()
    prepare()
    for name in given.sets:
        data = dict(np.load(given.data / f"{name}.npz"))
        rows: list[tuple[float, float, float]] = []
        for number in range(min(given.splits, len(data["is_test"]))):
            if sum(row[2] for row in rows) < 60 * given.minutes:
                rows.append(split(data, number, given.how, given.size, given.epochs))
        table = np.array(rows)
        error = table.std(0, ddof=1) / len(table) ** 0.5 if len(table) > 1 else np.zeros(3)
        print(
            f"{name} ({given.how}, {len(table)} splits): RMSE {table[:, 0].mean():.3f} "
            f"+- {error[0]:.3f}, log-density {table[:, 1].mean():.3f} +- {error[1]:.3f}, "
            f"{table[:, 2].mean():.0f} s a split",
            flush=True,
        )


if __name__ == "__main__":
    main()
