"""Pictures of prior draws: a grid of classes by draws of the latents, and interpolations.

The draws are those of `model.sample`, and the pictures are means of the data, so the model needs no
guide. Interpolations are spherical: from z_0 to z_1, with the angle w between them,

    z_t = (sin((1 - t) w) z_0 + sin(t w) z_1) / sin w

keeps the norm that draws of a standard normal prior have, unlike a straight line (White 2016,
section 2.1).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from specc.engine.storage.loaded_run import LoadedRun
from specc.evaluate.sampling import MEAN, SAMPLE, sample
from specc.evaluate.solver_checks import require_solutions
from specc.report.final_evaluation import PictureField
from specc.report.pictures import Pixels, grid
from specc.runtime.fields import Field

STYLES = 12
MOST_CLASSES = 20
PAIRS, STEPS = 6, 12


@torch.inference_mode()
def class_grid(loaded: LoadedRun, shown: PictureField) -> tuple[Pixels, str] | None:
    """A grid with a row for each class and a column for each draw of the latents; the node's name.

    The class is a given node of the model. None if the model has no such node, or if the means of
    the data depend on more than the latents and the class.
    """
    label = _label(loaded)
    if label is None:
        return None
    name, classes = label
    latents = _latents(loaded, (name,))
    if latents is None:
        return None
    drawn = sample(loaded, STYLES).values
    styles = {own: _repeated(drawn[own], len(classes)) for own in latents}
    values = classes.repeat_interleave(STYLES, 0).to(loaded.device)
    means = _means(loaded, {**styles, name: values})
    if shown.name not in means:
        return None
    return grid(means[shown.name], shown.picture, STYLES, shown.tones), name


@torch.inference_mode()
def prior_interpolations(loaded: LoadedRun, shown: PictureField) -> Pixels | None:
    """Pictures along the great circles between pairs of draws of a latent vector, one pair per row.

    None if the means of the data need more than one real-valued latent vector.
    """
    latents = _latents(loaded, ())
    if latents is None or len(latents) != 1:
        return None
    (name,) = latents
    drawn = sample(loaded, 2 * PAIRS).values[name]
    if drawn.dim() != 2 or drawn.shape[-1] < 2 or not drawn.is_floating_point():
        return None
    means = _means(loaded, {name: great_circle(drawn[:PAIRS], drawn[PAIRS:], STEPS).flatten(0, 1)})
    if shown.name not in means:
        return None
    return grid(means[shown.name], shown.picture, STEPS, shown.tones)


def great_circle(first: Tensor, second: Tensor, steps: int) -> Tensor:
    """Spherical interpolations [pairs, steps, size] between two vectors, [pairs, size] each."""
    lengths = first.norm(dim=-1) * second.norm(dim=-1)
    cosine = (first * second).sum(-1) / lengths.clamp_min(1e-12)
    angle = cosine.clamp(-1.0 + 1e-6, 1.0 - 1e-6).acos()[:, None, None]
    share = torch.linspace(0, 1, steps, dtype=first.dtype, device=first.device)[None, :, None]
    ends = ((1 - share) * angle).sin() * first[:, None] + (share * angle).sin() * second[:, None]
    found: Tensor = ends / angle.sin()
    return found


def _label(loaded: LoadedRun) -> tuple[str, Tensor] | None:
    """The given node that is a class, with all its values; None unless there is exactly one."""
    manifest = loaded.manifest
    fields = manifest.fields
    given = [name for name, node in manifest.nodes["model"].items() if node.role == "given"]
    known = {name: _values(fields[name]) for name in given if name in fields}
    found = [(name, values) for name, values in known.items() if values is not None]
    return found[0] if len(found) == 1 and len(given) == 1 else None


def _values(field: Field) -> Tensor | None:
    """The values of the classes of a field, as inputs of its node; None if it has no classes."""
    if field.one_hot is not None:
        return torch.eye(field.one_hot) if field.one_hot <= MOST_CLASSES else None
    count = field.support.high - field.support.low + 1
    if field.support.kind != "integers" or field.shape or not 1 < count <= MOST_CLASSES:
        return None
    return torch.arange(int(field.support.low), int(field.support.high) + 1)


def _latents(loaded: LoadedRun, given: tuple[str, ...]) -> tuple[str, ...] | None:
    """The latents on which, with the given nodes, the means of the data depend; None if unknown."""
    program, manifest = loaded.program, loaded.manifest
    if not (program.can(SAMPLE) and program.can(MEAN)):
        return None
    needs = set(program.capabilities[MEAN])
    latents = tuple(name for name in manifest.latents("model") if name in needs)
    is_local = all(not manifest.nodes["model"][name].is_global for name in latents)
    return latents if latents and is_local and needs == {*latents, *given} else None


def _repeated(value: Tensor, times: int) -> Tensor:
    return value.repeat(times, *[1] * (value.dim() - 1))


def _means(loaded: LoadedRun, known: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    program = loaded.program
    with loaded.computing(), require_solutions(program.folder):
        program.eval()
        means: Mapping[str, Tensor] = program.require(MEAN)(**program.inputs(MEAN, known))
    return means
