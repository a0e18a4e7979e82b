"""Layers that are pretrained in stages, in the size of a test."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import torch

import specc
from benchmarks.stages import SPEC, error, variants
from specc.engine.storage import checkpoint

SHORT = {"outer": 15, "middle": 15, "inner": 15, "fine_tuning": 15}


def short(text: str) -> str:
    """The spec with few epochs in each stage."""
    for name, epochs in SHORT.items():
        text = re.sub(rf"(name: {name}\n.*?epochs: )\d+", rf"\g<1>{epochs}", text, flags=re.DOTALL)
    return text


def trained(folder: Path, text: str) -> specc.Run:
    folder.mkdir()
    spec = folder / SPEC.name
    spec.write_text(short(text), encoding="utf-8")
    return specc.load(spec, {"train.seed": 1}).train(folder / "run")


def test_layers_that_are_pretrained_classify_better_after_as_many_steps(tmp_path):
    """Each stage lowers its loss, and leaves the layers of the others as they are."""
    texts = variants(SPEC.read_text(encoding="utf-8"))
    pretrained, alone = (trained(tmp_path / name, texts[name]) for name in ("stages", "alone"))
    lines = pretrained.metrics
    for name, epochs in SHORT.items():
        own = [line["loss"] for line in lines if line["stage"] == name]
        assert len(own) == epochs and own[-1] < own[0]
    assert error(pretrained) < error(alone)
    ends = [line["step"] for line, after in pairwise(lines) if line["stage"] != after["stage"]]
    folders = sorted((tmp_path / "stages" / "run" / "checkpoints").iterdir())
    assert int(folders[-2].name) == ends[-1]
    before, after = (checkpoint._open(own).weights for own in folders[-2:])
    kept = {name for name in after if torch.equal(before[name], after[name])}
    assert kept == {name for name in after if "back_" in name}
