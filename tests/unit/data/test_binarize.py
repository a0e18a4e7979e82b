from __future__ import annotations

import torch

from specc.data.binarize import LEVELS, draw
from specc.runtime.noise import Noise


def test_every_level_of_the_sixteen_bits(monkeypatch):
    """Counting instead of drawing: the share of ones over all levels is the probability met."""
    levels = torch.arange(-LEVELS // 2, LEVELS // 2, dtype=torch.float32)
    monkeypatch.setattr("specc.data.binarize._sixteen_bits", lambda like, generator: levels.clone())
    noise = Noise.at(0)
    for grey in range(256):
        raw = torch.full((LEVELS,), grey, dtype=torch.uint8)
        share = draw(raw, 1 / 255, noise, torch.float64).mean().item()
        assert abs(share - grey / 255) <= 2**-17
        if grey in (0, 255):
            assert share == grey / 255


def test_bits_are_uniform_and_unlike_each_other():
    count = 400_001
    raw = torch.full((count,), 128, dtype=torch.uint8)
    ones = draw(raw, 1 / 256, Noise.at(3, 1), torch.float64)
    # |z| < 4.5 fails a right program 7 times in a million; four lanes, and neighbours.
    bound = 4.5 * 0.5 * (4 / count) ** 0.5
    for lane in range(4):
        assert abs(ones[lane::4].mean().item() - 0.5) < bound
    for shift in range(1, 5):
        both = ((ones[shift:] - 0.5) * (ones[:-shift] - 0.5)).mean().item()
        assert abs(both) < 4.5 * 0.25 / (count - shift) ** 0.5
