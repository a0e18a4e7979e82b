"""What the memory of a variational autoencoder gains, and which slots each class of digits uses.

    python -m benchmarks.memory --out OUT --seeds 0 1 2
    python -m benchmarks.memory --out OUT --seeds 0 --mnist --data-dir DATA --epochs 20

Trains specs/mem_vae.yaml, the same model without memory and without local errors, and one without
memory that has as many parameters, each with every seed. Prints the bound of log p(x) of the test
rows, and the mean difference from the model with memory. Of the first run with memory it draws to
OUT/slots.png how the mean use of each slot differs by class (lines), and prints for how many digits
the nearest mean is that of their class.

With `--mnist` the model has 50 latents and layers of 500 units.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from sklearn.datasets import load_digits

import specc

Array = npt.NDArray[np.float64]
SPEC = Path(__file__).parents[1] / "specs" / "mem_vae.yaml"
SIZE = {"digits": 200, "mnist": 500}
# The size of the layers with as many parameters as the model with memory, to 1 %.
WIDE = {"digits": 238, "mnist": 526}
SCALE = 8


def spec(kind: str, data: str, particles: int) -> str:
    """The text of a spec: with `memory`, `without`, or `wide` without."""
    text = SPEC.read_text(encoding="utf-8").replace("particles: 1000", f"particles: {particles}")
    if data == "mnist":
        text = text.replace("source: digits", "source: mnist").replace("shape: [16]", "shape: [50]")
    if kind != "memory":
        text = re.sub(r"\n +(slots|use|attend)\d: .*", "", text)
        text = re.sub(r" \+ use\d @ slots\d", "", text)
        text = re.sub(r"\n +#.*\n +local: .*", "", text).replace(" + 0.1 * guide.local", "")
    return text.replace("200]", f"{WIDE[data] if kind == 'wide' else SIZE[data]}]")


def trained(kind: str, seed: int, options: argparse.Namespace) -> specc.Run:
    """The run of a spec with a seed; a finished one is opened."""
    data = "mnist" if options.mnist else "digits"
    path = options.out / f"{data}_{kind}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(spec(kind, data, options.particles), encoding="utf-8")
    folder = options.out / f"{data}_{kind}_{seed}"
    if not (folder / "result.json").is_file():
        settings = {"train.seed": seed, "train.epochs": options.epochs}
        specc.load(path, settings).train(folder, data_dir=options.data_dir, threads=1)
    return specc.open_run(folder, device="cpu", data_dir=options.data_dir)


def bound(run: specc.Run) -> tuple[float, float]:
    """The bound of log p(x) of a test row, and its standard error."""
    found = run.result["evaluate"]["test"]
    return found["value"], found["standard_error"]


def slots_of(run: specc.Run) -> tuple[Array, Array]:
    """The use of each slot for each of scikit-learn's digits, [rows, slots], and the classes."""
    digits = load_digits()
    pixels = torch.tensor(digits.data / 16).float()
    x = torch.bernoulli(pixels, generator=torch.Generator().manual_seed(0))
    model, guide = run.program.model, run.program.guide
    with torch.no_grad():
        z, _ = guide.z_loc_scale(guide.r2(guide.r1(x)))
        g2 = model.g2(z)
        use2 = model.use2(g2)
        use1 = model.use1(model.g1(model.h2(g2, use2)))
    return torch.cat([use2, use1], -1).numpy(), digits.target


def draw_use(run: specc.Run, path: Path) -> None:
    """Draw the mean use by class, less the mean of all; print how often it tells the class."""
    use, labels = slots_of(run)
    means = np.stack([use[labels == label].mean(0) for label in range(10)])
    nearest = ((use[:, None] - means) ** 2).sum(-1).argmin(1)
    print(f"the nearest mean use is that of the class for {(nearest == labels).mean():.3f}")
    print(f"standard deviation of the use of a slot {use.std(0).mean():.3f}", end=", ")
    print(f"between the means of classes {means.std(0).mean():.3f}")
    shown = means - use.mean(0)
    grey = np.clip(128 + 127 * shown / np.abs(shown).max(), 0, 255).astype(np.uint8)
    tall, wide = grey.shape
    Image.fromarray(grey).resize((SCALE * wide, SCALE * tall), Image.Resampling.NEAREST).save(path)


def main() -> None:
    """Train all models, and print the bounds and the use of the slots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("memory"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--particles", type=int, default=1000)
    parser.add_argument("--mnist", action="store_true")
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--kinds", nargs="+", default=["memory", "without", "wide"])
    options = parser.parse_args()
    bounds = {}
    for kind in options.kinds:
        runs = [trained(kind, seed, options) for seed in options.seeds]
        bounds[kind] = np.array([bound(run)[0] for run in runs])
        count = sum(p.numel() for p in runs[0].program.parameters())
        if kind == "memory" and not options.mnist:
            draw_use(runs[0], options.out / "slots.png")
        print(f"{kind:8}", np.round(bounds[kind], 3), f"nats, {count:,} parameters", flush=True)
    for kind in [kind for kind in bounds if kind != "memory" and "memory" in bounds]:
        gain = bounds["memory"] - bounds[kind]
        error = gain.std(ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else float("nan")
        print(f"memory gains {gain.mean():.3f} +- {error:.3f} nats over {kind}")


if __name__ == "__main__":
    main()
