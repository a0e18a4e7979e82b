"""The shapes that a loss states beside its lines, held against the tensors that it makes."""

import re

LINE = re.compile(r"^( +)([\w, ]+) = .*  # (\[[^#]*\])$")
RECORD = "_made"


def recorded(text):
    """The text of `objective.py`, which appends what each line with a shape makes to a list."""
    lines = []
    for line in text.split("\n"):
        lines.append(line)
        if found := LINE.match(line):
            indent, names, shapes = found.groups()
            lines.append(f"{indent}{RECORD}.append(({names.strip()!r}, ({names},), {shapes!r}))")
    return "\n".join([*lines, f"{RECORD} = []", ""])


def stated(shapes, rows, particles):
    """`[K, B, 16], [K, B]` as tuples of numbers."""
    sizes = {"B": rows, "K": particles}
    return [
        tuple(sizes.get(size) or int(size) for size in inner.split(", ") if size)
        for inner in re.findall(r"\[(.*?)\]", shapes)
    ]


def wrong(made, rows, particles):
    """The lines of which a tensor has another shape than is stated."""
    for names, values, shapes in made:
        if [tuple(value.shape) for value in values] != stated(shapes, rows, particles):
            yield names, [tuple(value.shape) for value in values], shapes
