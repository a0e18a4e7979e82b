"""Random energies, and what they mean by definition: sums over all values of exp(-E).

An energy is a text in the language of specs. It is evaluated event by event by the parser of Python
with numpy, so the oracle shares nothing with the compiler: a conditional distribution is exp(-E)
normalized over all values of one node, and a free energy is -log of the sum over those of the
latent nodes. Normal nodes are integrated out by the quadratic that a few energies determine.
"""

from __future__ import annotations

import ast
import itertools
import math
import random
from dataclasses import dataclass, field

import numpy as np
from scipy import special

HEAD = """specc: 1
name: made
data: {{source: npz, path: d.npz, fields: {{{fields}}}}}
model:
{nodes}
  energy: "{energy}"
{links}objective: {objective}
"""
COUNTED = 60
"""The largest count of a Poisson node in a sum for log Z."""
TOTAL = 3
"""The total count of multinomial nodes."""


@dataclass(frozen=True)
class Unit:
    """A random node: its kind of values, its shape and its role."""

    name: str
    kind: str
    shape: tuple[int, ...]
    role: str = "observed"

    @property
    def size(self):
        return math.prod(self.shape)

    def declared(self):
        total = f", total_count: {TOTAL}" if self.kind == "multinomial" else ""
        return f"{self.name}: {{{self.role}: {self.kind}{total}, shape: {list(self.shape)}}}"


@dataclass
class Made:
    """A random spec with an energy, and its parts."""

    units: list[Unit]
    terms: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    given: dict[str, tuple[int, ...]] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    lets: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def energy(self):
        return " ".join(self.terms).removeprefix("+ ")

    def spec(self, objective="{cd: {steps: 1}}"):
        seen = [(u.name, u.shape) for u in self.units if u.role == "observed"]
        fields = ", ".join(
            f"{name}: {{from: {name}, shape: {list(shape)}}}"
            for name, shape in (*seen, *self.given.items())
        )
        nodes = [*self.nodes, *(unit.declared() for unit in self.units)]
        shown = "\n".join(f"  {node}" for node in nodes)
        links = "".join(f"  {name}: {text}\n" for name, text in self.links.items())
        parts = {"nodes": shown, "energy": self.energy, "objective": objective}
        return HEAD.format(fields=fields, links=links and f"links:\n{links}", **parts)


class Maker:
    """Makes a random energy; the same seed makes the same one."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.made = Made([])
        self.numbers = itertools.count()

    # values without a distribution

    def parameter(self, shape, support="real"):
        name = f"a{next(self.numbers)}"
        self.made.parameters.append(name)
        self.made.nodes.append(f"{name}: {{parameter: {support}, shape: {list(shape)}}}")
        return name

    def given(self, shape):
        name = f"g{next(self.numbers)}"
        self.made.given[name] = shape
        self.made.nodes.append(f"{name}: {{given: {name}}}")
        return name

    def let(self, text, shape=None):
        name = f"s{next(self.numbers)}"
        self.made.lets[name] = text
        stated = "" if shape is None else f", shape: {list(shape)}"
        self.made.nodes.append(f'{name}: {{let: "{text}"{stated}}}')
        return name

    def number(self):
        """A scalar that does not depend on a unit."""
        pick = self.random.randrange(5)
        if pick == 0:
            return self.random.choice(("0.5", "2", "1.5"))
        if pick == 1:
            return f"sum({self.given((2,))})"
        if pick == 2:
            return f"tanh({self.given(())})"
        return self.parameter(())

    def vector(self, size):
        """A vector that does not depend on a unit."""
        pick = self.random.randrange(7)
        if pick == 0:
            return f"({self.given((2,))} @ {self.parameter((2, size))})"
        if pick == 1:
            return f"tanh({self.given((size,))})"
        if pick == 2:
            return str([self.random.choice((-1, 0.5, 1)) for _ in range(size)])
        if pick == 3:
            return self.let(f"2 * {self.parameter((size,))} + 1")
        if pick == 4:
            return f"{self.parameter((2, size))}[1]"
        return self.parameter((size,))

    # terms

    def moved(self, name):
        """A value of a unit, or an affine function of it in a node of its own."""
        pick = self.random.randrange(6)
        if pick == 0:
            return self.let(f"2 * {name} - 1")
        if pick == 1:
            return f"({name} - {self.random.choice(('0.5', '1'))})"
        return name

    def linear(self, unit):
        """A scalar that is linear in one unit."""
        x = self.moved(unit.name)
        if not unit.shape:
            return self.random.choice((f"{self.number()} * {x}", f"{x} / {self.positive(())}"))
        if len(unit.shape) > 1:
            c = self.random.choice((unit.shape, unit.shape, unit.shape[1:]))
            return f"sum({self.parameter(c)} * {x})"
        forms = [
            lambda: f"{self.vector(unit.size)} @ {x}",
            lambda: f"{x} @ {self.vector(unit.size)}",
            lambda: f"sum({self.vector(unit.size)} * {x})",
            lambda: f"{self.number()} * sum({x})",
            lambda: f"sum({self.number()} * {x})",
            lambda: f"sum({x} / {self.positive(unit.shape)})",
            lambda: f"sum({x} * {self.number()} - {self.number()} * {x})",
        ]
        return self.random.choice(forms)()

    def positive(self, shape):
        return self.parameter(shape, "positive")

    def pair(self, one, other):
        """A scalar that is linear in each of two units."""
        x, y = self.moved(one.name), self.moved(other.name)
        if len(one.shape) == len(other.shape) == 1:
            forms = [self._bilinear(x, y, one.size, other.size)]
            if one.size == other.size:
                c = self.parameter(one.shape)
                forms += [f"{x} @ {y}", f"sum({x} * {y})", f"sum({c} * {x} * {y})"]
            return self.random.choice(forms)
        if not one.shape and len(other.shape) == 1:
            a = self.parameter(other.shape)
            return self.random.choice(
                (f"{x} * ({a} @ {y})", f"sum({x} * {y})", f"sum({a} * {x} * {y})")
            )
        if not other.shape and len(one.shape) == 1:
            return self.pair(other, one)
        return f"({self.linear(one)}) * ({self.linear(other)})"

    def _bilinear(self, x, y, rows, columns):
        w = self.parameter((rows, columns))
        return self.random.choice(
            (
                f"{x} @ {w} @ {y}",
                f"({x} @ {w}) @ {y}",
                f"sum(({x} @ {w}) * {y})",
                f"{x} @ ({w} @ {y})",
                f"({w} @ {y}) @ {x} / 2",
                f"sum({self.let(f'{x} @ {w}')} * {y})",
            )
        )

    def square(self, unit, others):
        """A positive square of a normal unit."""
        x, a = unit.name, self.vector(unit.size) if len(unit.shape) == 1 else None
        p = self.positive(unit.shape)
        forms = [
            f"sum({x} ** 2) / 2",
            f"sum({p} * {x} ** 2)",
            f"0.7 * sum(square({x}))",
            f"sum({x} ** 2 / (2 * {p} ** 2))",
            f"exp({self.number()}) * sum({x} ** 2)",
        ]
        if a is not None:
            forms += [
                f"{x} @ {x} / 2",
                f"sum(({x} - {a}) ** 2) / 2",
                f"sum(({x} - {a}) ** 2 / (2 * {p}))",
                f"sum({x} ** 2 * {p} - {x} * {a})",
            ]
        if unit.role == "observed" and unit.shape:
            forms.append(f"sum(({x} - {self.parameter(())}) ** 2) / 2")
        positive = [o for o in others if o.kind != "normal"]
        if positive:
            by = self.random.choice(positive)
            forms.append(f"(1 + sum({by.name})) * sum({x} ** 2) / 2")
        return self.random.choice(forms)

    # the whole

    def shape_of(self, kind):
        sizes = {
            "bernoulli": [(), (1,), (2,), (3,), (2,), (2, 2)],
            "one_hot_categorical": [(2,), (3,), (3,)],
            "multinomial": [(2,), (3,)],
            "poisson": [(), (1,), (2,)],
            "normal": [(), (1,), (2,), (3,)],
        }
        return self.random.choice(sizes[kind])

    def units(self):
        kinds = ("bernoulli", "bernoulli", "bernoulli", "one_hot_categorical", "normal")
        kinds += ("poisson", "multinomial")
        found, total = [], 0
        for name in "vhukm"[: self.random.randint(2, 5)]:
            kind = self.random.choice(kinds)
            shape = self.shape_of(kind)
            if total + math.prod(shape) <= 8:
                found.append(Unit(name, kind, shape))
                total += math.prod(shape)
        return found

    def energy(self):
        units, made = self.units(), self.made
        pairs = {(0, i) for i in range(1, len(units))}
        pairs |= {
            pair
            for pair in itertools.combinations(range(len(units)), 2)
            if self.random.random() < 0.2
        }
        if self.random.random() < 0.5:  # layers: each meets the next one
            pairs = {(i, i + 1) for i in range(len(units) - 1)}
        triple = len(units) > 2 and self.random.random() < 0.3
        if triple:
            pairs |= set(itertools.combinations(range(3), 2))
        latent = set[int]()
        for place in self.random.sample(range(len(units)), len(units)):
            if not any({place, other} == set(pair) for pair in pairs for other in latent):
                latent.add(place)
        if len(latent) == len(units):
            latent.discard(0)
        units = [
            Unit(u.name, u.kind, u.shape, "latent" if i in latent else "observed")
            for i, u in enumerate(units)
        ]
        made.units[:] = units
        for one, other in sorted(pairs):
            self.add(self.pair(units[one], units[other]))
        for unit in units:
            self.add(self.linear(unit))
        if triple:
            self.add(" * ".join(f"({self.linear(unit)})" for unit in units[:3]))
        for place, unit in enumerate(units):
            if unit.kind == "normal":
                near = [units[b if a == place else a] for a, b in pairs if place in (a, b)]
                made.terms += ["+", self.square(unit, [u for u in near if u.role != unit.role])]
        self.add(self.parameter(()))
        return made

    def add(self, term):
        sign = self.random.choice("+-")
        self.made.terms += [sign, f"({term})" if sign == "-" and self._adds(term) else term]

    def _adds(self, term):
        return any(f" {sign} " in term for sign in "+-")


# what an energy means


class _Literal(ast.NodeTransformer):
    """Converts lists of a spec to numpy arrays."""

    def visit_List(self, node):
        self.generic_visit(node)
        return ast.Call(ast.Name("array", ast.Load()), [node], [])


FUNCTIONS = {
    "sum": np.sum,
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "square": np.square,
    "array": lambda items: np.array(items, dtype=float),
}


def evaluator(text):
    """A function of the values of all names in an expression."""
    tree = ast.fix_missing_locations(_Literal().visit(ast.parse(text.strip(), mode="eval")))
    code = compile(tree, "spec", "eval")
    return lambda values: eval(code, FUNCTIONS, values)


class Oracle:
    """The energy of a spec by definition, and the distributions that it gives."""

    def __init__(self, made, parameters):
        self.made, self.parameters = made, parameters
        self.expression = evaluator(made.energy)
        self.lets = [(name, evaluator(text)) for name, text in made.lets.items()]

    def values(self, event):
        found = {**self.parameters, **event}
        for name, value in self.lets:
            found[name] = value(found)
        return found

    def energy(self, event):
        return float(self.expression(self.values(event)))

    def log_weight(self, event, units):
        """-E plus the logs of the base measures of discrete units."""
        return -self.energy(event) + sum(log_base(u.kind, event[u.name]) for u in units)

    def choices(self, unit, event):
        """All values of a discrete unit; counts up to far above their mean."""
        if unit.kind != "poisson":
            return states(unit)
        zero = np.zeros(unit.shape)
        at_zero = self.energy({**event, unit.name: zero})
        ranges = []
        for place in range(unit.size):
            one = zero.copy()
            one.flat[place] = 1.0
            rate = math.exp(min(at_zero - self.energy({**event, unit.name: one}), 8.0))
            ranges.append(range(int(rate + 12 * rate**0.5 + 25)))
        return [np.array(c, dtype=float).reshape(unit.shape) for c in itertools.product(*ranges)]

    def conditional(self, unit, event):
        """The values of a discrete unit and the logs of their probabilities given the others."""
        found = self.choices(unit, event)
        logs = np.array([self.log_weight({**event, unit.name: x}, [unit]) for x in found])
        return found, logs - special.logsumexp(logs)

    def quadratic(self, units, event):
        """E(0), its gradient and its Hessian in the entries of normal units, all exact."""
        sizes = [unit.size for unit in units]

        def at(*places):
            flat = np.zeros(sum(sizes))
            for place, sign in places:
                flat[place] += sign
            parts = np.split(flat, np.cumsum(sizes)[:-1])
            own = {u.name: p.reshape(u.shape) for u, p in zip(units, parts, strict=True)}
            return self.energy({**event, **own})

        every, middle = range(sum(sizes)), at()
        slope = np.array([(at((i, 1)) - at((i, -1))) / 2 for i in every])
        bend = [
            [at((i, 1), (j, 1)) - at((i, 1)) - at((j, 1)) + middle for j in every] for i in every
        ]
        return middle, slope, np.array(bend)

    def normal(self, unit, event):
        """The mean and the precision matrix of a normal unit given the others."""
        _, slope, bend = self.quadratic([unit], event)
        return -np.linalg.solve(bend, slope), bend

    def free_energy(self, event):
        """-log of the sum of exp(-E) over all values of the latent units."""
        latent = [unit for unit in self.made.units if unit.role == "latent"]
        finite = [unit for unit in latent if unit.kind != "normal"]
        normal = [unit for unit in latent if unit.kind == "normal"]
        start = {**event, **{u.name: np.zeros(u.shape) for u in latent}}
        logs = []
        for chosen in itertools.product(*(self.choices(unit, start) for unit in finite)):
            now = {**start, **{u.name: x for u, x in zip(finite, chosen, strict=True)}}
            base = sum(log_base(u.kind, now[u.name]) for u in finite)
            logs.append(base + self.integral(normal, now))
        return -special.logsumexp(logs)

    def integral(self, normal, event):
        """log of the integral of exp(-E) over normal units."""
        if not normal:
            return -self.energy(event)
        middle, slope, bend = self.quadratic(normal, event)
        size = len(slope)
        gained = slope @ np.linalg.solve(bend, slope) / 2 + size * math.log(2 * math.pi) / 2
        return -middle + gained - np.linalg.slogdet(bend)[1] / 2

    def states(self, event):
        """The number of values over which `free_energy` is a sum."""
        latent = [u for u in self.made.units if u.role == "latent"]
        start = {**event, **{u.name: np.zeros(u.shape) for u in latent}}
        return math.prod(len(self.choices(u, start)) for u in latent if u.kind != "normal")

    def log_z(self, event, most):
        """log of the sum of exp(-E) over all values of all units; None if they are too many.

        Counts of Poisson nodes go up to `COUNTED`; None if one may be above that.
        """
        finite = [unit for unit in self.made.units if unit.kind != "normal"]
        normal = [unit for unit in self.made.units if unit.kind == "normal"]
        choices = [_counts(unit) if unit.kind == "poisson" else states(unit) for unit in finite]
        if math.prod(map(len, choices)) > most:
            return None
        logs, last = [], []
        for chosen in itertools.product(*choices):
            now = {**event, **{u.name: x for u, x in zip(finite, chosen, strict=True)}}
            base = sum(log_base(u.kind, now[u.name]) for u in finite)
            logs.append(base + self.integral(normal, now))
            if any(u.kind == "poisson" and now[u.name].max() == COUNTED for u in finite):
                last.append(logs[-1])
        found = special.logsumexp(logs)
        return found if not last or special.logsumexp(last) < found - 30 else None


def _counts(unit):
    """The values of a Poisson node up to `COUNTED`."""
    every = itertools.product(range(COUNTED + 1), repeat=unit.size)
    return [np.array(c, dtype=float).reshape(unit.shape) for c in every]


def states(unit):
    """All values of a unit with finitely many."""
    if unit.kind == "bernoulli":
        choices = itertools.product((0.0, 1.0), repeat=unit.size)
        return [np.array(choice).reshape(unit.shape) for choice in choices]
    if unit.kind == "one_hot_categorical":
        return list(np.eye(unit.size))
    counts = itertools.product(range(TOTAL + 1), repeat=unit.size)
    return [np.array(c, dtype=float) for c in counts if sum(c) == TOTAL]


def log_base(kind, value):
    """The log of the base measure of a kind at a value."""
    if kind == "poisson":
        return -special.gammaln(value + 1).sum()
    if kind == "multinomial":
        return special.gammaln(value.sum() + 1) - special.gammaln(value + 1).sum()
    return 0.0


def drawn(unit, rng):
    """A random value of a unit."""
    if unit.kind == "normal":
        return rng.normal(size=unit.shape)
    if unit.kind == "poisson":
        return rng.poisson(1.0, size=unit.shape).astype(float)
    choices = states(unit)
    return choices[rng.integers(len(choices))]


def event(made, rng):
    """Random values of all units and of what is given."""
    given = {name: rng.normal(size=shape) for name, shape in made.given.items()}
    return {**given, **{unit.name: np.asarray(drawn(unit, rng)) for unit in made.units}}


def log_prob(unit, parameters, value):
    """log p of a value of a discrete unit, from the parameters of its distribution."""
    if unit.kind == "bernoulli":
        logits = np.broadcast_to(parameters["logits"], unit.shape)
        return float((value * logits - np.logaddexp(0.0, logits)).sum())
    if unit.kind == "poisson":
        rate = np.broadcast_to(parameters["rate"], unit.shape)
        return float((value * np.log(rate) - rate).sum()) + log_base(unit.kind, value)
    logits = np.broadcast_to(parameters["logits"], unit.shape)
    return float(value @ (logits - special.logsumexp(logits))) + log_base(unit.kind, value)
