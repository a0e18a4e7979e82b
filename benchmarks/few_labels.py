"""MNIST with 100 labels: some minutes of Triple-GAN, M2 and others, and labels alone.

    python -m benchmarks.few_labels --data-dir DATA --minutes 10

All networks are multilayer perceptrons of a size for one core. Each model makes as many steps as
fit into its minutes of processor time, by a trial of some steps; labels alone make 300. Prints the
error of the most probable class on the 10,000 test images. Published for 100 labels: 0.91 % for
Triple-GAN, with convolutions and 1,000 epochs (Li et al., 2017, table 1), 11.97 % for M2 (Kingma et
al., 2014), 1.36 % for virtual adversarial training (Miyato et al., 2018).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from string import Template

import torch

import specc
from benchmarks.m2 import M2
from specc.evaluate.scoring import fixed_batch

TWO_SOURCES = """data:
  sources:
    labelled:
      source: mnist
      fields: {x: {from: image}, y: {from: label}}
      subset: {rows: $labels, per_class: y, seed: $seed}
      batch_size: $labels
    unlabelled: {source: mnist, fields: {u: {from: image}}}
"""
ALONE = """specc: 1
name: labels_alone
data:
  source: mnist
  fields: {x: {from: image}, y: {from: label}}
  subset: {rows: $labels, per_class: y, seed: $seed}
model:
  x: {given: x}
  y: {observed: categorical, logits: classifier(x), classes: 10}
links: {classifier: {mlp: [300, 300]}}
objective: mle
train: {optimizer: {adam: {lr: 0.001}}, batch_size: $labels, schedule: linear}
"""
MEAN_TEACHER = f"""specc: 1
name: mean_teacher
{TWO_SOURCES}
model:
  x: {{given: x}}
  y: {{observed: categorical, logits: teacher(x), classes: 10}}
programs:
  few:
    y: {{latent: categorical, logits: student(data.x), classes: 10}}
  views:
    first: {{latent: normal, loc: data.u, scale: 0.3}}
    second: {{latent: normal, loc: data.u, scale: 0.3}}
    guess: {{let: student(first), shape: [10]}}
    target: {{let: teacher(second), shape: [10]}}
links:
  student: {{mlp: [300, 300]}}
  teacher: {{ema: {{of: student, decay: 0.99}}}}
objective:
  minimize: >-
    -log_prob(few.y, at=data)
    + 10 * clip(progress() / 0.1, 0, 1) * sum((softmax(views.guess) - softmax(views.target)) ** 2)
train: {{optimizer: {{adam: {{lr: 0.001}}}}, batch_size: 100, schedule: linear}}
"""
VIRTUAL = f"""specc: 1
name: virtual_adversarial
{TWO_SOURCES}
model:
  x: {{given: x}}
  y: {{observed: categorical, logits: classifier(x), classes: 10}}
programs:
  near:                         # the direction in which the guess at a row changes most
    e: {{latent: normal, loc: 0, scale: 1, shape: [784], plate: unlabelled}}
    v: {{let: "data.u + 0.1 * e / norm(e)"}}
    guess: {{let: "stop(softmax(classifier(data.u)))"}}
    slope: {{let: "stop(grad(sum(guess * log_softmax(classifier(v))), v))"}}
    worst: {{let: "data.u - 2 * slope / (norm(slope) + 1e-12)"}}
links:
  classifier: {{mlp: [300, 300], activation: leaky_relu}}
objective:
  minimize: >-
    -log_prob(model.y)
    - clip(progress() / 0.1, 0, 1) * sum(near.guess * log_softmax(classifier(near.worst)))
train: {{optimizer: {{adam: {{lr: 0.001}}}}, batch_size: 100, schedule: linear, ema: 0.99}}
"""
TRIPLE_GAN = f"""specc: 1
name: triple_gan
{TWO_SOURCES}
model:
  x: {{given: x}}
  y: {{observed: categorical, logits: classifier(x), classes: 10}}
programs:
  real:                         # noise keeps the players from learning these rows by heart
    v: {{latent: normal, loc: data.x, scale: 0.3}}
    of_labels: {{let: scores(v), shape: [10]}}
    score: {{let: "dot(one_hot(data.y, 10), of_labels)"}}
  few:
    y: {{latent: categorical, logits: classifier(real.v), classes: 10}}
  guessed:
    v: {{latent: normal, loc: data.u, scale: 0.3}}
    of_labels: {{let: scores(v), shape: [10]}}
    label: {{latent: categorical, logits: classifier(data.u), classes: 10, draw: enumerate}}
    score: {{let: "dot(one_hot(label, 10), of_labels)"}}
  made:
    label: {{latent: categorical, logits: 0, classes: 10, plate: unlabelled}}
    z: {{latent: normal, loc: 0, scale: 1, shape: [50], plate: unlabelled}}
    point: {{let: "sigmoid(generator(z, label))", shape: [784]}}
    v: {{latent: normal, loc: point, scale: 0.3}}
    of_labels: {{let: scores(v), shape: [10]}}
    score: {{let: "dot(one_hot(label, 10), of_labels)"}}
  read:
    label: {{latent: categorical, logits: classifier(made.v), classes: 10}}
links:
  classifier: {{mlp: [300, 300], activation: leaky_relu}}
  generator: {{mlp: [300, 300], normalization: batch}}
  scores: {{mlp: [300, 300], activation: leaky_relu}}
objective:
  players:
    discriminator:
      minimize: >-
        0.1 * softplus(-real.score) + 0.9 * softplus(-guessed.score)
        + 0.5 * softplus(guessed.score) + 0.5 * softplus(made.score)
      links: [scores]
      optimizer: {{adam: {{lr: 0.0003, betas: [0.5, 0.999]}}}}
    generator:
      minimize: "softplus(-made.score)"
      links: [generator]
      optimizer: {{adam: {{lr: 0.0003, betas: [0.5, 0.999]}}}}
    classifier:
      minimize: >-
        -log_prob(few.y, at=data) - 0.03 * softplus(guessed.score)
        - 0.5 * clip(10 * progress() - 1, 0, 1) * log_prob(read.label, at=made)
      links: [classifier]
      schedule: linear
train: {{optimizer: {{adam: {{lr: 0.001}}}}, batch_size: 100, ema: 0.99}}
"""
OF_M2 = {
    "source": "mnist",
    "x": "from: image, binarize: sample",
    "seen": "",
    "y": "from: label, hide: {keep: $labels, per_class: true, seed: $seed}",
    "given": "",
    "sees": "x",
    "density": "bernoulli, logits",
    "repeat": 60,
    "style": 50,
    "units": 300,
    "alpha": 0.1,
    "lr": 0.001,
    "low": 0.0003,
    "batch": 100,
    "epochs": 1,
}
SPECS = {
    "labels_alone": ALONE,
    "mean_teacher": MEAN_TEACHER,
    "virtual_adversarial": VIRTUAL,
    "triple_gan": TRIPLE_GAN,
    "m2": M2.format(**OF_M2),
}
TRIAL = 200
ENOUGH = 300
"""The steps of labels alone, after which the loss of the labelled rows is near 0."""


def error(run: specc.Run) -> float:
    """The fraction of test images that a run classifies wrongly."""
    rows = run.loaded.rows("test")
    batch = fixed_batch(run.loaded, rows.revealed(), slice(0, len(rows)), 0)
    guide = getattr(run.program, "guide", None)
    with torch.no_grad():
        if guide is None:
            scores = run.program.model.y_logits(batch["x"])
        else:
            scores = guide.predict_log_proba(x=batch["x"])["y"]
    return float((scores.argmax(-1) != batch["y"]).double().mean())


def within(minutes: float, path: Path, folder: Path, options: argparse.Namespace) -> str:
    """Train a spec for some minutes, and return its error with the number of steps."""

    def train(steps: int, out: Path) -> tuple[specc.Run, float]:
        settings = {"train.steps": steps, "train.epochs": None, "train.seed": options.seed}
        began = time.process_time()
        model = specc.load(path, settings)
        run = model.train(out, data_dir=options.data_dir, threads=options.threads, device="cpu")
        return run, time.process_time() - began

    if path.stem == "labels_alone":
        return f"error {100 * error(train(ENOUGH, folder / 'run')[0]):.2f} % after {ENOUGH} steps"
    # The second trial is longer, so that reading the data does not count.
    shorter, longer = (train(steps, folder / f"{steps}")[1] for steps in (TRIAL, 3 * TRIAL))
    each = max(longer - shorter, 1e-3) / (2 * TRIAL)
    steps = max(TRIAL, int((60 * minutes - shorter) / each))
    run, seconds = train(min(steps, options.most), folder / "run")
    return (
        f"error {100 * error(run):.2f} % after {min(steps, options.most):,} steps, {seconds:.0f} s"
    )


def main() -> None:
    """Print a line for each model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10, help="of each model")
    parser.add_argument("--models", nargs="+", choices=SPECS, default=list(SPECS))
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--most", type=int, default=200_000, help="the largest number of steps")
    parser.add_argument("--seed", type=int, default=0, help="of the labels, weights and batches")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    for name in options.models:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.yaml"
            text = Template(SPECS[name]).substitute(labels=options.labels, seed=options.seed)
            path.write_text(text, encoding="utf-8")
            found = within(options.minutes, path, Path(folder), options)
            print(f"{name:20}{found}", flush=True)


if __name__ == "__main__":
    main()
