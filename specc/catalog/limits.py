"""The limits of the sizes in a spec; a larger size is a mistake or an attack.

Each limit is far above the sizes that one machine can train. Checking and compiling create no
tensors, so at these limits they take at most a second and some megabytes.
"""

from __future__ import annotations

MAX_SIZE = 1 << 24
"""The size of an axis, a layer, a plate, or the number of classes: 16,777,216. A table with 64
numbers for each takes 4 GiB; the largest vocabularies in use have a million entries."""

MAX_LAYERS = 1_000
"""The number of consecutive blocks or layers: each is an object in the compiler and in torch, and
the deepest trained residual networks have a thousand."""

MAX_COMPONENTS = 1_000
"""The number of components of a mixture in a bijection: each is three outputs of its network for
each entry, and the largest in the literature have 32."""

MAX_SCALES = 20
"""The number of times that an image is halved: enough for sides of 2^20 pixels."""

MAX_SOLVER_STEPS = 1_000
"""The number of steps of the solver of a continuous flow: training keeps the values of all."""

MAX_STEPS = 1_000_000
"""The number of steps of a sequence: a step is an iteration of a Python loop, forward and backward,
so a million of them take minutes for one batch."""

MAX_NUMBERS = 1 << 28
"""The number of entries of one value of a node or a parameter, with plates and steps: 268,435,456,
1 GiB in float32 for each row."""

MAX_WEIGHTS = 1 << 33
"""The number of weights of one link or parameter: 8,589,934,592, which take 32 GiB, and four times
that with gradients and the averages of Adam."""

MAX_CONSTANT_ENTRIES = 1 << 20
"""The number of entries of a constant table such as `eye(n)`: 1,048,576 Python numbers in the
compiler."""

MAX_PARTICLES = 100_000
"""The number of draws for each row and step; the losses of all are in memory at once."""
