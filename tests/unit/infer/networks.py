"""The textbook's student network, random networks, and the joint of a network by enumeration."""

import itertools
import random

import numpy as np

from specc.compiler import front
from specc.diagnostics.source import Source
from specc.infer.network import Network

STUDENT = """specc: 1
name: student
constants:
  grades:
    - [[0.3, 0.4, 0.3], [0.05, 0.25, 0.7]]
    - [[0.9, 0.08, 0.02], [0.5, 0.3, 0.2]]
  scores: [[0.95, 0.05], [0.2, 0.8]]
  letters: [[0.1, 0.9], [0.4, 0.6], [0.99, 0.01]]
model:
  difficulty: {latent: categorical, probs: [0.6, 0.4]}
  intelligence: {latent: categorical, probs: [0.7, 0.3]}
  grade: {latent: categorical, probs: "grades[intelligence, difficulty]"}
  sat: {latent: categorical, probs: "scores[intelligence]"}
  letter: {latent: categorical, probs: "letters[grade]"}
"""


def typed(text):
    """The typed graph of a spec in which nothing need be trained."""
    checked = front(Source("model.yaml", text), trained=False)
    assert not [d for d in checked.diagnostics if d.code.startswith("E")], checked.diagnostics
    return checked.typed


def network(text):
    return Network(typed(text))


class Made:
    """A random network: the text of its spec, and its joint distribution as one array."""

    def __init__(self, seed, nodes, most_parents=3, zeros=0.0):
        self.dice = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.names = [f"n{i}" for i in range(nodes)]
        self.sizes = [self.dice.choice([2, 2, 3, 4]) for _ in self.names]
        self.parents = [
            sorted(self.dice.sample(range(i), self.dice.randint(0, min(i, most_parents))))
            for i in range(nodes)
        ]
        self.tables = [self.table(i, zeros) for i in range(nodes)]

    def table(self, i, zeros):
        sizes = [self.sizes[p] for p in self.parents[i]] + [self.sizes[i]]
        weights = self.rng.gamma(0.7, size=sizes) + 0.01
        weights = np.where(self.rng.random(sizes) < zeros, 0.0, weights)
        weights[..., 0] += weights.sum(-1) == 0.0
        return weights / weights.sum(-1, keepdims=True)

    @property
    def text(self):
        """The network as a spec: constants, written tables, logits, and Bernoulli nodes."""
        constants, model = [], []
        for i, name in enumerate(self.names):
            at = ", ".join(self.names[p] for p in self.parents[i])
            table, key, family = self.tables[i], "probs", "categorical"
            if self.sizes[i] == 2 and (table > 0).all() and self.dice.random() < 0.5:
                table, family = table[..., 1], "bernoulli"
                if self.dice.random() < 0.5:
                    table, key = np.log(table) - np.log1p(-table), "logits"
            elif (table > 0).all() and self.dice.random() < 0.4:
                table, key = np.log(table) + 2.0, "logits"
            written = str(table.tolist()) if table.ndim else repr(float(table))
            value = f'"{written}[{at}]"' if at else written
            if at and self.dice.random() < 0.6:
                constants.append(f"  t{i}: {written}")
                value = f'"t{i}[{at}]"'
            model.append(f"  {name}: {{latent: {family}, {key}: {value}}}")
        head = ["specc: 1", "name: made", *(["constants:", *constants] if constants else [])]
        return "\n".join([*head, "model:", *model]) + "\n"

    def joint(self):
        """The probability of every combination of values, one by one."""
        joint = np.zeros(self.sizes)
        for values in itertools.product(*map(range, self.sizes)):
            joint[values] = np.prod(
                [
                    table[tuple(values[p] for p in parents)][values[i]]
                    for i, (table, parents) in enumerate(
                        zip(self.tables, self.parents, strict=True)
                    )
                ]
            )
        return joint

    def question(self):
        """Some nodes to query, and values of some others."""
        order = self.dice.sample(range(len(self.names)), len(self.names))
        queried = order[: self.dice.randint(1, 2)]
        known = order[2 : 2 + self.dice.randint(0, 2)]
        return queried, {i: self.dice.randrange(self.sizes[i]) for i in known}


def conditional(joint, queried, known):
    """P(queried | known) and P(known), from the joint joint; None where `known` is impossible."""
    rest = [i for i in range(joint.ndim) if i not in known]
    cut = joint[tuple(known.get(i, slice(None)) for i in range(joint.ndim))]
    total = cut.sum()
    if total == 0.0:
        return None, total
    summed = cut.sum(tuple(k for k, i in enumerate(rest) if i not in queried))
    left = [i for i in rest if i in queried]
    return summed.transpose([left.index(i) for i in queried]) / total, total


def written(made, queried, known):
    """The question as text."""
    before = ", ".join(made.names[i] for i in queried)
    after = ", ".join(f"{made.names[i]}={value}" for i, value in known.items())
    return f"P({before} | {after})" if after else f"P({before})"
