"""Links as code: layers that are alike are one line."""

from types import SimpleNamespace

import pytest
from torch import nn

from specc.catalog.entry import Layer, Lowered
from specc.codegen.code.layers import write_module
from specc.codegen.code.writer import Writer

LINEAR = Layer("nn.Linear", (3, 3))
LONG = Layer("nn.Linear", (3,), {"out_features": 3, "bias": True, "device": None, "dtype": None})
TANH = Layer("nn.Tanh")


def written(*layers):
    """The code of the layers in a chain, and the modules that it makes."""
    out = Writer()
    write_module(out, "f", Lowered((Layer("nn.Sequential", children=layers),), (3,)))
    holder = SimpleNamespace()
    exec(out.text(), {"self": holder, "nn": nn})
    return out.text(), [type(module).__name__ for module in holder.f]


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_layers_that_are_alike_are_made_as_often(count):
    text, made = written(TANH, *[LINEAR] * count, TANH)
    assert made == ["Tanh", *["Linear"] * count, "Tanh"]
    lines = text.splitlines()
    assert len(lines) == 4 + min(count, 1 if count > 2 else 2)
    assert ("    *(nn.Linear(3, 3) for _ in range(20))," in lines) == (count == 20)


def test_a_long_one_is_broken_as_the_formatter_does():
    text, made = written(*[LONG] * 3)
    assert made == ["Linear"] * 3
    assert text.splitlines()[1:-1] == [
        "    *(nn.Linear(3, out_features=3, bias=True, device=None, dtype=None) for _ in range(3)),"
    ]
    longer = Layer("nn.Linear", (3,), {**LONG.options, "in_features": 3} | {"bias": False})
    out = Writer()
    chain = Layer("nn.Sequential", children=(longer,) * 3)
    write_module(out, "f", Lowered((chain,), (3,)))
    assert out.text().splitlines()[1:-1] == [
        "    *(",
        "        nn.Linear(3, out_features=3, bias=False, device=None, dtype=None, in_features=3)",
        "        for _ in range(3)",
        "    ),",
    ]


def test_layers_with_children_are_written_out():
    whole = Layer("nn.Sequential", children=(LINEAR, TANH))
    text, made = written(whole, whole, whole)
    assert made == ["Sequential"] * 3
    assert "range" not in text
