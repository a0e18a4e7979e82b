"""Values indexed by class numbers, against an interpreter that reads one event at a time.

Random networks of finite nodes: tables are constants, written lists, learnt, computed from other
nodes, or on a plate; indices are class numbers of every role and arithmetic over them.
"""

import random
import tempfile
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.functions.indexing import gather_nd
from tests.laws.compiling import program
from tests.laws.test_random_numbers import check_densities, check_loss, check_samples, made
from tests.unit.test_random_specs import formatted

OBJECTIVES = ("mle", "mle", "elbo", "elbo", "{vimco: {particles: 2}}")


def entries(dice, sizes, probabilities=False):
    """Random numbers in nested lists; with `probabilities`, each innermost list sums to one."""
    if not sizes:
        return round(dice.uniform(-2, 2), 2)
    if len(sizes) == 1 and probabilities:
        cuts = sorted(dice.sample(range(1, 100), sizes[0] - 1))
        return [round((b - a) / 100, 2) for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]
    return [entries(dice, sizes[1:], probabilities) for _ in range(sizes[0])]


class Net:
    """A spec under construction; `classes` are the nodes that can be an index."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.classes = {}
        self.constants, self.model, self.guide, self.fields = [], [], [], []

    def index(self, before):
        """An expression of a class number, and the number of classes."""
        name = self.dice.choice(before)
        if self.classes[name] == 2 and self.dice.random() < 0.2:
            return f"1 - {name}", 2
        return name, self.classes[name]

    def table(self, before, own, program, probabilities=False):
        """An indexed table with entries of shape `own`."""
        picked = [self.index(before) for _ in range(self.dice.choice([1, 1, 2]))]
        sizes, at = [size for _, size in picked], ", ".join(name for name, _ in picked)
        sizes += own
        kind = self.dice.choice(["constant", "written", "learnt", "computed"])
        name = f"t{len(self.constants) + len(self.model) + len(self.guide)}"
        if kind == "constant":
            self.constants.append(f"{name}: {entries(self.dice, sizes, probabilities)}")
        elif kind == "written" or (kind == "computed" and (probabilities or own)):
            name = str(entries(self.dice, sizes, probabilities))
        elif kind == "learnt":
            support = "simplex" if probabilities else "real"
            program.append(f"{name}: {{parameter: {support}, shape: {sizes}}}")
        else:
            scalar, constant = self.dice.choice(before), entries(self.dice, sizes)
            name = f"({constant} * {scalar} + 0.5)"
        return f"{name}[{at}]"

    def node(self, role, before, program, family):
        """The fields of a node, with parameters from tables if there are previous nodes."""
        if family == "normal":
            return f'{role}: normal, loc: "{self.table(before, [], program)}", scale: 0.7'
        if not before:
            wanted = "logits: 0.3" if family == "bernoulli" else "logits: [0.1, -0.2, 0.4]"
        elif family == "bernoulli":
            more = f" + {self.table(before, [], program)}" if self.dice.random() < 0.3 else ""
            wanted = f'logits: "{self.table(before, [], program)}{more}"'
        elif self.dice.random() < 0.5:
            wanted = f'probs: "{self.table(before, [3], program, True)}"'
        else:
            scores = self.table(before, [3], program)
            wanted = self.dice.choice([f'logits: "{scores}"', f'probs: "softmax({scores})"'])
        return f"{role}: {family}, {wanted}"

    def text(self):
        """The text of the spec."""
        objective = self.dice.choice(OBJECTIVES)
        names = []
        for number in range(self.dice.choice([2, 3, 4])):
            family = self.dice.choice(["bernoulli", "categorical"])
            is_last = number > 0 and self.dice.random() < 0.3
            role, name = ("observed" if is_last else "latent"), f"n{number}"
            fields = self.node(role, names, self.model, family)
            self.model.append(f"{name}: {{{fields}}}")
            self.classes[name] = 2 if family == "bernoulli" else 3
            names.append(name)
            self.fields += [name] if is_last else []
            if not is_last and objective != "mle":
                known = [n for n in names[:-1] if self.dice.random() < 0.7]
                self.guide.append(f"{name}: {{{self.node('latent', known, self.guide, family)}}}")
        family = self.dice.choice(["bernoulli", "categorical", "normal"])
        self.model.append(f"x: {{{self.node('observed', names, self.model, family)}}}")
        self.model.append("own: {parameter: real}")
        self.model.append("v: {observed: normal, loc: own, scale: 1}")
        fields = ", ".join(f"{name}: {{from: {name}}}" for name in [*self.fields, "x", "v"])
        lines = ["specc: 1", "name: made"]
        lines += ["constants:", *(f"  {line}" for line in self.constants)] if self.constants else []
        lines += [f"data: {{source: npz, path: d.npz, fields: {{{fields}}}}}"]
        lines += ["model:", *(f"  {line}" for line in self.model)]
        lines += ["guide:", *(f"  {line}" for line in self.guide)] if self.guide else []
        return "\n".join([*lines, f"objective: {objective}"]) + "\n"


def checked_spec(text):
    with tempfile.TemporaryDirectory() as name, precision(torch.float64), torch.no_grad():
        found = made(text, Path(name))
        assert found is not None, compile(Source("made.yaml", text))[1].diagnostics
        formatted(Path(name))
        check_densities(*found)
        check_loss(*found)
        check_samples(*found)


@pytest.mark.parametrize("seed", range(40))
def test_a_random_network_has_the_numbers_of_its_text(seed):
    checked_spec(Net(seed).text())


@pytest.mark.parametrize("leading", [(), (4,), (2, 1)])
@pytest.mark.parametrize("rest", [(), (5,), (5, 2)])
def test_an_entry_of_a_table_that_varies(leading, rest):
    generator = torch.Generator().manual_seed(1)
    table = torch.randn(*leading, 3, 2, *rest, generator=generator)
    i = torch.randint(3, (2, 4), generator=generator)
    j = torch.randint(2, (4,), generator=generator)
    whole = table.expand(2, 4, 3, 2, *rest)
    found = gather_nd(table, i, j, rank=len(rest))
    assert found.shape == (2, 4, *rest)
    for a in range(2):
        for b in range(4):
            assert torch.equal(found[a, b], whole[a, b, i[a, b], j[b]])
    fixed = gather_nd(table, 2, j, rank=len(rest))
    assert torch.equal(fixed, gather_nd(table, torch.tensor(2), j, rank=len(rest)))


def test_a_function_of_class_numbers_is_a_real_number(tmp_path):
    """Their sum is the input of a link, which does not accept integers."""
    text = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
model:
  n: {latent: categorical, logits: 0, classes: 3, shape: [2]}
  d: {let: "sum(n)"}
  x: {observed: normal, params: net(d)}
links: {net: linear}
objective: mle
"""
    with precision(torch.float64):
        model = program(text, tmp_path).model
        x = torch.randn(4, 2)
        states = torch.cartesian_prod(torch.arange(3), torch.arange(3))
        every = [model.log_joint(n=n.expand(4, 2), x=x) for n in states]
        exact = torch.stack(every).logsumexp(0)
        torch.testing.assert_close(model.log_prob(x=x), exact)


WHOLE = """specc: 1
name: made
data:
  source: npz
  path: d.npz
  fields: {x: {from: x, shape: [2]}, y: {from: y, shape: [3], dtype: KIND}}
model:
  y: {given: y}
  n: {latent: categorical, logits: 0, classes: 3, shape: [2]}
  x: {observed: normal, loc: "net(VALUE)", scale: 1}
links: {net: linear}
objective: mle
"""
VALUES = {
    "a vector": "y",
    "an entry": "y[0]",
    "entries": "y[0], y[2]",
    "more than a byte holds": "y[1] * 100 + 200",
    "less than none": "-y",
    "entries of class numbers": "n[0], n[1]",
    "a list": "[n[1], y[2]]",
    "both": "y + n[0]",
}


@pytest.mark.parametrize("kind", ["int64", "uint8", "bool"])
@pytest.mark.parametrize("what", VALUES)
def test_whole_numbers_are_calculated_with_as_real_ones(what, kind, tmp_path):
    """Data may have an integer dtype; an entry of a vector of class numbers is one, too."""
    model = program(WHOLE.replace("KIND", kind).replace("VALUE", VALUES[what]), tmp_path).model
    x, n = torch.randn(4, 2, dtype=torch.float64), torch.tensor([[0, 2], [1, 1], [2, 0], [2, 1]])
    y = torch.tensor([[0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 1]])
    if kind != "bool":
        y = y * 250
    given = {"y": y.to(getattr(torch, kind))} if "y" in VALUES[what] else {}
    real = {name: value.double() for name, value in given.items()}
    with precision(torch.float64):
        found, exact = (
            model.log_joint(n=n, x=x, **given),
            model.log_joint(n=n.double(), x=x, **real),
        )
    assert torch.equal(found, exact)


class _Largest(TorchDispatchMode):
    """Records the size of the largest tensor that is created."""

    def __init__(self):
        super().__init__()
        self.size = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for each in found if isinstance(found, (tuple, list)) else (found,):
            if isinstance(each, torch.Tensor) and each.untyped_storage().nbytes():
                self.size = max(self.size, each.untyped_storage().nbytes() // each.element_size())
        return found


@pytest.mark.parametrize("lead", [(), (5, 1)])
def test_a_table_is_not_repeated_for_each_row(lead):
    """Neither the value nor the gradient allocates a table for each row."""
    table = torch.randn(*lead, 300, 4, requires_grad=True)
    rows = torch.arange(200)
    with _Largest() as largest:
        gather_nd(table, rows, rank=1).sum().backward()
    assert largest.size <= table.numel()
    each = torch.zeros(300, 4)
    each[:200] = 1.0
    assert torch.equal(table.grad, each.expand(*lead, 300, 4))


def test_one_index_for_all_rows():
    """The number of a step of a sequence has no axis of rows."""
    table, index = torch.arange(6.0).view(2, 3), torch.tensor(1)
    assert torch.equal(gather_nd(table[0], index, rank=0), torch.tensor(1.0))
    assert torch.equal(gather_nd(table, index, rank=0), torch.tensor([1.0, 4.0]))
