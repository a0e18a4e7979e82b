"""Long and tangled graphs compile without recursion and without counting the same path twice."""

import sys
from itertools import pairwise

import pytest

from benchmarks import compiling
from specc.compiler import compile
from specc.diagnostics.source import Source

HEAD = "specc: 1\nname: large\ndata: {source: digits, fields: {x: {from: image}}}\n"
TAIL = "links: {f: linear, g: linear}\nobjective: elbo\n"


def compiles(model, guide):
    text = HEAD + "model:\n" + "\n".join(model) + "\nguide:\n" + "\n".join(guide) + "\n" + TAIL
    result, checked = compile(Source("large.yaml", text))
    assert result is not None, checked.diagnostics[:3]
    return result


def test_a_chain_in_model_and_guide():
    size = 1010  # more than Python's frames
    model = ["  z0: {latent: normal, loc: 0, scale: 1, shape: [2]}"]
    model += [
        f"  z{i}: {{latent: normal, loc: z{i - 1}, scale: 1, shape: [2]}}" for i in range(1, size)
    ]
    model.append(f"  x: {{observed: normal, loc: f(z{size - 1}), scale: 1}}")
    guide = ["  z0: {latent: normal, params: g(x)}"]
    guide += [f"  z{i}: {{latent: normal, loc: z{i - 1}, scale: 0.5}}" for i in range(1, size)]
    files = compiles(model, guide).files
    assert f"z{size - 1}" in files["guide.py"]


def test_each_node_uses_the_two_before_it():
    """The paths through such a graph grow like the Fibonacci numbers: 10^20 at 100 nodes."""
    size = 100
    model = [f"  z{i}: {{latent: normal, loc: 0, scale: 1, shape: [2]}}" for i in range(2)]
    model += [
        f'  z{i}: {{latent: normal, loc: "z{i - 1} + z{i - 2}", scale: 1}}' for i in range(2, size)
    ]
    model.append(f"  x: {{observed: normal, loc: f(z{size - 1}), scale: 1}}")
    guide = [f"  z{i}: {{latent: normal, params: g(x)}}" for i in range(2)]
    guide += [
        f'  z{i}: {{latent: normal, loc: "z{i - 1} - z{i - 2}", scale: 1}}' for i in range(2, size)
    ]
    compiles(model, guide)


def test_a_chain_of_deterministic_nodes():
    size = 1010
    model = ["  z: {latent: normal, loc: 0, scale: 1, shape: [2]}", "  h0: {let: tanh(z)}"]
    model += [f"  h{i}: {{let: tanh(h{i - 1})}}" for i in range(1, size)]
    model.append(f"  x: {{observed: normal, loc: f(h{size - 1}), scale: 1}}")
    files = compiles(model, ["  z: {latent: normal, params: g(x)}"]).files
    assert f"h{size - 1} = model.h{size - 1}(h{size - 2})" in files["objective.py"]


def calls_of(text):
    """The number of calls of functions during a compilation, which no other process changes."""
    count = 0

    def seen(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        result, checked = compile(Source("large.yaml", text))
    finally:
        sys.setprofile(None)
    assert result is not None, checked.diagnostics[:3]
    return count


@pytest.mark.parametrize("case", compiling.CASES)
def test_the_calls_are_linear_in_the_nodes(case):
    """Twice as many nodes more cost twice as many calls more; a square would cost four times."""
    text = compiling.CASES[case]
    calls_of(text(10))  # imports, and tables that are made once
    small, middle, large = (calls_of(text(nodes)) for nodes in (50, 150, 350))
    assert large - middle < 2.1 * (middle - small)


def chain_of(first, form, size=1010):
    """The lines of `h0`, `h1`, ...; `form` has the value of each for that of the node before."""
    names = [first, *(f"h{i}" for i in range(size))]
    lines = [f'  {name}: {{let: "{form.format(before)}"}}' for before, name in pairwise(names)]
    return lines, names[-1]


def codes_of(model, objective="mle"):
    fields = "{x: {from: a}, c: {from: b}}"
    head = f"specc: 1\nname: large\ndata: {{source: csv, path: a.csv, fields: {fields}}}\nmodel:\n"
    text = "\n".join([head, *model, f"objective: {objective}\n"])
    _, checked = compile(Source("large.yaml", text))
    return [d.code for d in checked.diagnostics]


def test_a_latent_that_is_integrated_out_behind_a_chain():
    lines, last = chain_of("z", "{} + 1")
    model = ["  z: {latent: normal, loc: 0, scale: 1}", "  s: {parameter: positive}", *lines]
    assert codes_of([*model, f"  x: {{observed: normal, loc: {last}, scale: s}}"]) == []


def test_the_degrees_of_a_tangled_graph_are_found_once():
    model = ["  z: {latent: normal, loc: 0, scale: 1}", "  s: {parameter: positive}"]
    model += ["  h0: {let: z}", "  h1: {let: z}"]
    model += [f'  h{i}: {{let: "h{i - 1} + h{i - 2}"}}' for i in range(2, 100)]
    assert codes_of([*model, "  x: {observed: normal, loc: h99, scale: s}"]) == []


def test_a_cycle_behind_a_latent_that_is_integrated_out():
    model = ["  z: {latent: normal, loc: 0, scale: 1}", '  a: {let: "b + z"}', "  b: {let: a}"]
    assert codes_of([*model, "  x: {observed: normal, loc: a, scale: 1}"]) == ["E0233"]


def test_data_whose_support_is_assumed_behind_a_chain():
    lines, last = chain_of("c", "{} * 1")
    model = ["  c: {given: c}", "  w: {parameter: real}", *lines]
    assert codes_of([*model, f"  x: {{observed: normal, loc: w, scale: {last}}}"]) == []


def test_probabilities_behind_a_chain():
    lines, last = chain_of("p", "{} * 1")
    model = ["  p: {parameter: unit_interval}", *lines]
    assert (
        codes_of([*model, f'  x: {{observed: categorical, probs: ["{last}", "1 - {last}"]}}']) == []
    )
