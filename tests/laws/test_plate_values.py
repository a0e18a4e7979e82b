"""Laws of values on plates: reductions, elements and numbers against loops over single steps."""

import inspect

import pytest
import torch

from specc.engine.storage.loaded_run import precision
from tests.laws.compiling import program

HEAD = """specc: 1
name: made
data:
  source: npz
  path: d.npz
  fields:
    c: {from: c, dtype: int64, shape: [5]}
    x: {from: x, shape: [5, 3]}
    y: {from: y, shape: %s}%s
plates: {t: {scan: 5%s}}
model:%s
  c: {observed: categorical, logits: 0, classes: 4, plate: t}
  u: {parameter: positive}
  w: {parameter: real, shape: [5]}
  table: {parameter: real, shape: [4]}
  x: {given: x, plate: t}
  y: {observed: normal, loc: "%s", scale: u}
objective: mle
"""
LENGTHS = "\n    n: {from: n, dtype: int64}", ", lengths: n", "\n  n: {given: n}"

VALUES = {
    "first(x, t)": lambda x, c, w, a: x[0],
    "last(x, t)": lambda x, c, w, a: x[-1],
    "sum(x, t)": lambda x, c, w, a: sum(x),
    "mean(x, t)": lambda x, c, w, a: sum(x) / len(x),
    "max(x, t)": lambda x, c, w, a: torch.stack([*x]).amax(0),
    "min(x, t)": lambda x, c, w, a: torch.stack([*x]).amin(0),
    "x[1]": lambda x, c, w, a: x[1],
    "x[2, 1]": lambda x, c, w, a: x[2][1],
    "sum(x * mean(x, t) + index(t), t)": lambda x, c, w, a: sum(
        v * (sum(x) / len(x)) + i for i, v in enumerate(x)
    ),
    "mean(table[c] * x, t) - 2 * first(x, t)": lambda x, c, w, a: (
        sum(a[k] * v for k, v in zip(c, x, strict=True)) / len(x) - 2 * x[0]
    ),
    "table[last(c, t)] + table[c[0]]": lambda x, c, w, a: a[c[-1]] + a[c[0]],
    "sum(w[index(t)], t)": lambda x, c, w, a: sum(w[: len(x)]),
    "exp(0.1 * sum(sum(x), t))": lambda x, c, w, a: torch.exp(0.1 * sum(v.sum() for v in x)),
}


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def settled(text, folder):
    made = program(text, folder)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in made.parameters():
            value.copy_(torch.randn(value.shape, generator=generator))
    return made


def batch(rows=6):
    generator = torch.Generator().manual_seed(1)
    return {
        "x": torch.randn((rows, 5, 3), generator=generator),
        "c": torch.randint(4, (rows, 5), generator=generator),
        "n": torch.tensor([5, 3, 3, 4, 4, 5]),
    }


@pytest.mark.parametrize("ragged", [False, True], ids=["whole", "ragged"])
def test_a_value_is_that_of_a_loop_over_the_steps_of_a_row(tmp_path, ragged):
    """Padding never counts: it is filled with numbers that would be noticed."""
    for text, oracle in VALUES.items():
        given = batch()
        lengths = given["n"] if ragged else torch.full((6,), 5)
        if ragged:
            there = torch.arange(5) < lengths[:, None]
            given["x"] = torch.where(there[..., None], given["x"], 1e3)
            given["c"] = torch.where(there, given["c"], 3)
        further = LENGTHS if ragged else ("", "", "")
        event = [*oracle(torch.zeros(5, 3), [0] * 5, torch.zeros(5), torch.zeros(4)).shape]
        made = settled(HEAD % (event, *further, text), tmp_path)
        model = made.model
        wanted = torch.stack([
            oracle(row[:n], codes[:n].tolist(), model.w, model.table)
            for row, codes, n in zip(given["x"], given["c"], lengths, strict=True)
        ])  # fmt: skip
        given["y"] = torch.randn(wanted.shape)
        names = inspect.signature(model.log_prob).parameters
        taken = {name: value for name, value in given.items() if name in names}
        found = model.log_prob(**taken)
        density = torch.distributions.Normal(wanted, model.u).log_prob(given["y"]).reshape(6, -1)
        steps = lengths * torch.log(torch.tensor(0.25))
        torch.testing.assert_close(found, density.sum(-1) + steps, msg=text)
