"""A loss states shapes beside its lines; the tensors have them."""

import sys
from pathlib import Path

import pytest
import torch

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests import line_shapes
from tests.losses import computed
from tests.unit.made_data import batch_of

ROWS = 3
SMALL = ("vae", "iwae", "m2", "sbn", "vrnn", "dmm", "vflow", "linear_vae", "imputation", "nice")


def made(name, folder, change=("", "")):
    """What the lines of a loss make, with the particles of its player."""
    path = Path(f"specs/{name}.yaml")
    result, checked = compile(Source(str(path), path.read_text(encoding="utf-8")))
    code = folder / name
    code.mkdir()
    for file, content in result.files.items():
        text = content.replace(*change) if file == "objective.py" and change[0] else content
        assert not change[0] or file != "objective.py" or text != content
        text = line_shapes.recorded(text) if file == "objective.py" else text
        (code / file).write_text(text, encoding="utf-8")
    program = load(code)
    batch = batch_of(checked.typed, checked.plan.data, ROWS, torch.Generator().manual_seed(0))
    batch = {n: v.float() if v.is_floating_point() else v for n, v in batch.items()}
    (loss,) = program.manifest.losses
    computed(program, batch, Noise.at(0), ROWS, name=loss.name)
    function = program._losses[loss.name]
    found = sys.modules[function.__module__].__dict__[line_shapes.RECORD]
    (player,) = checked.plan.objective.players
    return found, player.particles


@pytest.mark.parametrize("name", SMALL)
def test_the_tensors_have_the_shapes(name, tmp_path):
    found, particles = made(name, tmp_path)
    assert len(found) > 1
    assert list(line_shapes.wrong(found, ROWS, particles)) == []


def test_another_shape_is_noticed(tmp_path):
    found, particles = made("vae", tmp_path, ("(z)  # [B, 64]", "(z)  # [B, 16]"))
    assert [names for names, *_ in line_shapes.wrong(found, ROWS, particles)] == ["x_logits"]
