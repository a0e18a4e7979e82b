"""Seeds from counters, such as a purpose, an epoch and a step."""

from __future__ import annotations


def mix(seed: int, *counters: int) -> int:
    """One 63-bit seed from several counters (splitmix64, Steele et al. 2014, figure 19)."""
    state = seed & 0xFFFFFFFFFFFFFFFF
    for counter in counters:
        state = _scramble(state ^ _scramble(counter + 0x9E3779B97F4A7C15))
    return _scramble(state) >> 1


def _scramble(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return value ^ (value >> 31)
