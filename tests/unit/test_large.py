"""Long and tangled graphs compile without recursion and without counting the same path twice."""

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
