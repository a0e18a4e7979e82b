"""Marginalization of latents of any joint density, by enumeration and by a quadratic.

Finite latents are enumerated, in sequences at each step. The log-density is quadratic in the normal
latents that are integrated out, so a few of its values determine the integral.
"""

import itertools
import math

import torch

from specc.graph.graph import MODEL


def summed(log_joint, checked, free, steps, lead=()):
    """log of the sum of exp(log_joint(values)) over all values of the latents `free`.

    `steps` has the number of steps of each sequence; values have `lead` leading axes of size 1.
    """
    draws, graph = checked.objective.draws, checked.typed
    normal = [name for name in free if draws[name].kind == "integrate"]
    finite = [name for name in free if name not in normal]
    choices = [every(graph, name, steps, lead) for name in finite]
    totals = []
    for chosen in itertools.product(*choices):
        known = dict(zip(finite, chosen, strict=True))
        totals.append(integral(log_joint, graph, known, normal, steps, lead))
    return torch.stack(torch.broadcast_tensors(*totals)).logsumexp(0)


def count(checked, free, steps):
    """The number of values of the density that `summed` computes."""
    total = 1
    for name in free:
        if checked.objective.draws[name].kind == "integrate":
            size = shape_of(checked.typed, name, steps)[1]
            total *= 1 + 2 * size + size**2
        else:
            total *= len(events(checked.typed.type(MODEL, name))) ** live(
                checked.typed, name, steps
            )
    return total


def scan_of(graph, name):
    """The sequence of a node of the model; None for nodes without steps."""
    plates = graph.type(MODEL, name).plates
    return next((plate for plate in plates if plate in graph.graph.scans), None)


def live(graph, name, steps):
    """The number of values of a node: one, or one for each step of the row."""
    scan = scan_of(graph, name)
    return 1 if scan is None else steps[scan]


def events(kind):
    """All values of a finite event."""
    if kind.support.event_rank:
        return list(torch.eye(kind.shape[-1], dtype=torch.float64))
    size = int(kind.support.high) + 1
    states = itertools.product(range(size), repeat=kind.shape[0] if kind.shape else 1)
    dtype = torch.long if size > 2 else torch.float64
    return [torch.tensor(state, dtype=dtype).reshape(kind.shape) for state in states]


def every(graph, name, steps, lead):
    """All values of a finite node; at steps beyond the length of the row, the first value."""
    kind, scan = graph.type(MODEL, name), scan_of(graph, name)
    each = events(kind)
    ones = (1,) * len(lead)
    if scan is None:
        return [value.reshape((*ones, *kind.shape)) for value in each]
    rest = [each[0]] * (graph.graph.scans[scan].steps - steps[scan])
    paths = itertools.product(each, repeat=steps[scan])
    return [torch.stack([*path, *rest]).view((*ones, -1, *kind.shape)) for path in paths]


def elements(checked, name):
    """All assignments of values to the elements of a plate, for a finite node on it."""
    kind = checked.typed.type(MODEL, name)
    (plate,) = kind.plates
    assignments = itertools.product(events(kind), repeat=checked.graph.plates[plate])
    return [torch.stack(each) for each in assignments]


def shape_of(graph, name, steps):
    """The shape of a value over all steps, and the number of its entries in steps of the row."""
    kind, scan = graph.type(MODEL, name), scan_of(graph, name)
    whole = () if scan is None else (graph.graph.scans[scan].steps,)
    return (*whole, *kind.shape), math.prod(kind.shape) * live(graph, name, steps)


def integral(log_joint, graph, known, normal, steps, lead):
    """log of the integral over normal latents, from the coefficients of the quadratic."""
    shapes = [shape_of(graph, name, steps) for name in normal]
    size = sum(count for _, count in shapes)

    def at(*places):
        flat = torch.zeros(size, dtype=torch.float64)
        for place, sign in places:
            flat[place] += sign
        own = {}
        for name, (shape, used), part in zip(
            normal, shapes, flat.split([count for _, count in shapes]), strict=True
        ):
            padded = torch.cat([part, part.new_zeros(math.prod(shape) - used)])
            own[name] = padded.view((*lead, *shape))
        return log_joint({**known, **own})

    if not size:
        return log_joint(known)
    middle, every_place = at(), range(size)
    slope = torch.stack([(at((i, 1)) - at((i, -1))) / 2 for i in every_place], -1)
    bend = [
        [at((i, 1), (j, -1)) - at((i, 1)) - at((j, -1)) + middle for j in every_place]
        for i in every_place
    ]
    curve = torch.stack([torch.stack(row, -1) for row in bend], -2)
    found = torch.linalg.solve(curve, slope.unsqueeze(-1)).squeeze(-1)
    log_det = torch.logdet(curve)
    return middle + (slope * found).sum(-1) / 2 - log_det / 2 + size * math.log(2 * math.pi) / 2
