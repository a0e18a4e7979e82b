"""Small data for a checked spec, whatever its fields are: inside their supports, and masked."""

import torch
from torch.nn.functional import one_hot

from specc.catalog.supports import Integers, OneHot, Simplex
from specc.graph.graph import MODEL
from specc.objective.passes.missing import mask_rank


def value_of(kind, rows, generator, steps=()):
    """Values inside a support, one event a row, or one a step of it."""
    shape = (rows, *steps, *kind.shape)
    uniform = torch.rand(shape, generator=generator, dtype=torch.float64)
    match kind.support:
        case Simplex():
            return uniform / uniform.sum(-1, keepdim=True)
        case OneHot():
            return one_hot(uniform.argmax(-1), kind.shape[-1]).double()
        case Integers(high=high):
            return (uniform * (min(high, 3) + 0.99)).floor()
        case _:
            return 0.1 + 0.8 * uniform


def batch_of(graph, names, rows, generator):
    """Data for a random spec; the index `k` of a plate alternates between two elements."""
    nodes, scans = graph.graph.model.nodes, graph.graph.scans
    steps = {n: (scans[nodes[n].scan].steps,) if nodes[n].scan else () for n in names}
    batch = {n: value_of(graph.type(MODEL, n), rows, generator, steps[n]) for n in names}
    indices = (n for n in names if (MODEL, n) in graph.classes or nodes[n].plate_index)
    batch |= {n: batch[n].long() for n in indices}
    for name in names:
        node = graph.graph.model.nodes[name]
        if node.missing is not None:
            shape = graph.type(MODEL, name).shape[: mask_rank(graph, node)]
            batch[f"{name}_known"] = (
                torch.rand((rows, *steps[name], *shape), generator=generator) < 0.5
            )
    if "k" in batch:
        batch["k"] = 2 - 2 * (torch.arange(rows) % 2)
    for scan in scans.values():
        if scan.lengths in batch:
            batch[scan.lengths] = lengths_of(scan.steps, rows, generator)
    return batch


def lengths_of(steps, rows, generator):
    """How many steps each row has: at least one in the first row, and none in some."""
    lengths = torch.randint(steps + 1, (rows,), generator=generator)
    lengths[0] = lengths[0].clamp(min=1)
    return lengths
