"""How large a thing a spec may ask for; beyond these it is a slip of the pen, or an attack.

Each is far above what one machine trains, and low enough that checking and compiling stay within a
second and some megabytes, since neither makes a tensor.
"""

from __future__ import annotations

MAX_SIZE = 1 << 24
"""Of one axis, of a layer, a plate, or the classes of a node: 16,777,216. A table of 64 numbers for
each fills 4 GiB; the largest vocabularies in use have a million entries."""

MAX_LAYERS = 1_000
"""Of blocks or steps one after the other: each is an object of the compiler and of torch, and the
deepest residual networks that were trained have a thousand."""

MAX_SCALES = 20
"""Of halvings of an image; an image of 2^20 pixels a side has no more."""

MAX_STEPS = 1_000_000
"""Of a sequence: a step is one round of a loop in Python, forward and backward, so that a million
take minutes for one batch."""

MAX_NUMBERS = 1 << 28
"""In one event of a node or one parameter, its plates and steps included: 268,435,456, 1 GiB in
float32 for each row."""

MAX_WEIGHTS = 1 << 33
"""Learnt by one link or node: 8,589,934,592, which are 32 GiB, and four times that with gradients
and the averages of Adam."""

MAX_WRITTEN = 1 << 20
"""Numbers that a function such as `eye` of numbers alone gives as a table: 1,048,576,
which the compiler holds as numbers of Python."""

MAX_PARTICLES = 100_000
"""Draws for each row and step; the loss of each is in memory at once."""
