"""An interpreter of specs: one event at a time, with torch.distributions, without generated code.

The weights are those of a program, and the structure is that of the graph. The interpreter has no
batches, particles or plates, and evaluates sequences step by step; generated code, which computes
many events at once, must give the same result for each of them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from specc.graph.graph import ROWS, Type
from tests.oracles.families import Distributions


class Interpreter(Distributions):
    """Log-densities and draws of single events of a spec, with the weights of a program."""

    def log_joint(self, program, values):
        """The sum of the log-densities of all random nodes of a program with a value."""
        nodes = self.graph.programs[program].nodes.values()
        random = [node for node in nodes if node.is_random]
        return sum(self.log_prob(program, node, values) for node in random)

    def log_prob(self, program, node, values):
        """Log p of a node, summed over entries, elements of its plate and steps of the row."""
        if node.parts:
            values = {**values, node.name: self.joint(node, values)}
        scan = self.scan(node)
        plate = next((p for p in self.typed.types[node.id].plates if p in self.graph.plates), None)
        if scan is None and plate is None:
            return self.event(program, node, values[node.name], values)
        total = torch.tensor(0.0)
        for step in range(self.length(scan, values)) if scan else ():
            with self.at(step):
                total = total + self.event(program, node, values[node.name][step], values)
        for element in self.elements(plate) if plate else ():
            total = total + self.event(program, node, values[node.name][element], values)
        return total

    def split_parts(self, node, value):
        """The parts of a joint draw by name, in their shapes."""
        shapes = {part: self.typed.types[node.program, part].shape for part in node.parts}
        pieces = value.split([math.prod(shape) for shape in shapes.values()])
        return {n: p.reshape(s) for (n, s), p in zip(shapes.items(), pieces, strict=True)}

    def event(self, program, node, value, values):
        """Log p of one event of a node, or of one element of a plate."""
        log_det = torch.tensor(0.0)
        for call in reversed(node.through):
            log_scale, shift = self.affine(program, call, value.shape, values)
            value = (value - shift) / log_scale.exp()
            log_det = log_det - log_scale.sum()
        members = self.members(node)
        totals = []
        for self.member in range(members):
            own = {**values, node.name: value} if node.name not in values else values
            log_p = self.distribution(program, node, own).log_prob(value)
            totals.append(self.counted(program, node, log_p, values))
        return torch.stack(totals).logsumexp(0) - math.log(members) + log_det

    def counted(self, program, node, log_p, values):
        """The sum over entries: the known ones, or in the guide the missing ones that it draws."""
        data = self.graph.model.nodes[node.name]
        known = values.get(f"{node.name}_known")
        if data.missing is None or known is None or (data.is_drawn and program == "model"):
            return log_p.sum()
        counts = known if data.is_marginalized else ~known
        if counts.dim() < log_p.dim():
            log_p = log_p.sum()
        return torch.where(counts, log_p, 0.0).sum()

    def single(self, program, node, values):
        """One draw of one event of a node."""
        value = self.entries(program, node, values)
        for call in node.through:
            log_scale, shift = self.affine(program, call, value.shape, values)
            value = value * log_scale.exp() + shift
        return value

    def entries(self, program, node, values):
        """One draw from the base distribution, entry by entry if the link is causal."""
        link = next((name for _, name in self.causal(node)), None)
        if link is None:
            return self.distribution(program, node, values).sample()
        orders = getattr(self.modules[program], link).order
        self.member = int(torch.randint(self.members(node), ()))
        order = orders if self.members(node) == 1 else orders[self.member]
        value = torch.zeros(self.typed.types[node.id].shape)
        for entry in order.argsort():
            known = value if self.step is None else {**values[node.name], self.step: value}
            drawn = self.distribution(program, node, {**values, node.name: known}).sample()
            value = value.clone()
            value[entry] = drawn[entry]
        return value

    def draw(self, program, values):
        """One draw of all random nodes of a program, given the values `values`.

        Each node, at each of its steps, is drawn as soon as its dependencies have values.
        """
        drawn = dict(values)
        nodes = self.graph.programs[program].nodes.values()
        free = [n for n in nodes if n.is_random and not set(n.values) <= set(values)]
        waiting = [cell for node in free for cell in self.cells(node, drawn)]
        while waiting:
            left = [cell for cell in waiting if not self.try_draw(program, *cell, drawn)]
            assert len(left) < len(waiting), left
            waiting = left
        scans = {n for n, v in drawn.items() if isinstance(v, dict)}
        return {n: self.stacked(n, drawn) if n in scans else v for n, v in drawn.items()}

    def cells(self, node, drawn):
        """Pairs of a node and each step of the row, or None; values with steps are a mapping."""
        scan = self.scan(node)
        if scan is None:
            return [(node, None)]
        drawn[node.name] = {}
        return [(node, step) for step in range(self.length(scan, drawn))]

    def try_draw(self, program, node, step, drawn):
        """Whether the dependencies of a node had values; adds its draw to `drawn`."""
        plate = next((p for p in self.typed.types[node.id].plates if p in self.graph.plates), None)
        try:
            with self.at(step):
                elements = self.elements(plate) if plate else (None,)
                events = [self.single(program, node, drawn) for _ in elements]
        except KeyError:
            self.element = None
            return False
        if node.parts:
            drawn |= self.split_parts(node, events[0])
        elif step is None:
            drawn[node.name] = torch.stack(events) if plate else events[0]
        else:
            drawn[node.name][step] = events[0]
        return True

    def stacked(self, name, drawn):
        """The values of all steps; steps beyond the length of the row are 0."""
        node = self.graph.model.nodes[name]
        count = self.graph.scans[self.scan(node)].steps
        empty = torch.zeros(self.typed.types[node.id].shape)
        return torch.stack([drawn[name].get(step, empty) for step in range(count)])


def events(values: dict[str, Tensor], kinds: dict[str, Type], scans, particle: int, row: int):
    """The values of one particle of one row; axes of size 1 are shared.

    A node on a plate has the values of all elements, independent of the row, and one on a sequence
    those of all steps.
    """
    found = {}
    for name, value in values.items():
        plates = kinds[name].plates
        rank = len(kinds[name].shape) + sum(plate in scans for plate in plates)
        lead = value.shape[: value.dim() - rank]
        if any(plate != ROWS and plate not in scans for plate in plates):
            found[name] = value[particle] if len(lead) > 1 else value
            continue
        place = [min(row, lead[-1] - 1)] if lead else []
        if len(lead) > 1:
            place = [min(particle, lead[0] - 1), *([0] * (len(lead) - 2)), *place]
        found[name] = value[tuple(place)]
    return found
