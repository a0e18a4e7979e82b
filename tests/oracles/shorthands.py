"""Options of objectives that are short for several players, for the laws of their long forms.

A row is the value of `objective:` in the spec `SPEC`. Each option and each word of an option occurs
in a row.
"""

from __future__ import annotations

SPEC = """\
specc: 1
name: short
data: {source: npz, path: d.npz, fields: {x: {from: x}, y: {from: y}}}
model:
  y: {given: y, shape: [3]}
  b: {parameter: real, shape: [3]}
  h: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, loc: "down(h) + b", scale: 0.5, shape: [3]}
  s: {let: "make(h)", shape: [3]}
guide:
  h: {latent: normal, params: up(x)}
links:
  down: linear
  up: linear
  make: {mlp: [4]}
  d: {mlp: [4], activation: tanh}
  e: linear
"""

ENERGY = """\
specc: 1
name: short
data: {source: npz, path: d.npz, fields: {x: {from: x}, y: {from: y}}}
model:
  b: {parameter: real, shape: [3]}
  c: {parameter: real}
  x: {observed: normal, shape: [3], draw: {mala: {step_size: 0.1}}}
  s: {let: x - b}
  energy: "d(x) + sum(s ** 2) / 2 + c"
links:
  d: {mlp: [4], activation: tanh}
"""

ABOVE = """\
specc: 1
name: short
data: {source: npz, path: d.npz, fields: {x: {from: x}}}
model:
  b: {parameter: real, shape: [2]}
  w: {parameter: real, shape: [2, 2]}
  g: {latent: bernoulli, shape: [2]}
  h: {latent: bernoulli, shape: [2]}
  s: {let: 2 * h - 1}
  energy: "-(s @ w @ g) - b @ h"
  x: {observed: normal, loc: down(h), scale: 1, shape: [3]}
guide:
  h: {latent: bernoulli, logits: up(x)}
links:
  down: linear
  up: linear
"""

CONTRAST = "programs: {contrast: {x: {latent: normal, loc: 0, scale: 2, shape: [3]}}}\n"

ROWS: dict[str, tuple[str, ...]] = {
    "denoising_score_matching": ("{denoising_score_matching: {sigma: 0.3}}",),
    "gan": (
        "{gan: {critic: d}}",
        "{gan: {critic: d, sample: model.s, data: data.x, loss: minimax}}",
        "{gan: {critic: d, sample: model.x, loss: non_saturating, penalty: {r1: 2}}}",
        "{gan: {critic: d, loss: least_squares, penalty: {gradient: 0.5, clip: 2}, steps: 2}}",
        "{gan: {critic: d, loss: hinge, penalty: clip, steps: 1}}",
        "{gan: {critic: d, loss: wasserstein, given: [data.y], penalty: {gradient: 10}}}",
        "{gan: {critic: d, given: [data.y], penalty: {closed_loop: 0.5, buffer: 200}}}",
    ),
    "mmd": (
        "mmd",
        "{mmd: {sample: model.s, data: data.x, kernel: {rbf: {widths: [0.5, 2]}}, bandwidth: 0.3}}",
        "{mmd: {kernel: {rational_quadratic: {alphas: [0.2, 1]}}, given: [data.y]}}",
        "{mmd: {kernel: linear}}",
        "{mmd: {given: [data.y], conditional: {}, sample: model.s, data: data.x}}",
        "{mmd: {given: [data.y, data.x], conditional: {bandwidth: 0.1, regularization: 0.5}}}",
        "{mmd: {kernel: {energy: {exponent: 1.5}}}}",
    ),
    "noise_contrastive": ("{noise_contrastive: {noise: contrast.x}}",),
    "relativistic_gan": ("{relativistic_gan: {critic: d, sample: model.x, steps: 2}}",),
    "rws": (
        "rws",
        "{rws: {particles: 2, guide: wake}}",
        "{rws: {guide: sleep}}",
        "{rws: {particles: 3, guide: both}}",
    ),
    "score_matching": ("score_matching", "{score_matching: {}}"),
    "sliced_score_matching": ("sliced_score_matching",),
    "wake_sleep": (
        "wake_sleep",
        "{wake_sleep: {}}",
        "{wake_sleep: {steps: 3}}",
        "{wake_sleep: {steps: 2, persistent: true}}",
    ),
}

OF_ENERGY = ("score_matching", "noise_contrastive")
"""Parts of the names of objectives of an energy."""


def spec_of(short: str) -> str:
    """The spec for an objective."""
    if "steps" in short and "wake_sleep" in short:
        return ABOVE
    if not any(name in short for name in OF_ENERGY):
        return SPEC
    return ENERGY + CONTRAST if "contrast" in short else ENERGY
