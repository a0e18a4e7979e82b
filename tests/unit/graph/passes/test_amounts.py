"""More than any machine holds is refused, wherever a spec can ask for it; numbers are finite."""

import tracemalloc

import pytest

from specc.catalog import limits
from specc.compiler import compile, front
from specc.diagnostics.source import Source

SPEC = """specc: 1
name: small
data: {{source: npz, path: a.npz, fields: {{x: {{from: x, shape: {field}}}}}}}
constants: {{n: {constant}}}
plates: {{k: {plate}, t: {{scan: {steps}}}}}
model:
  a: {{parameter: real, shape: {shape}, plate: k}}
  b: {{let: "{let}"}}
  y: {{latent: categorical, logits: 0, classes: {classes}}}
  s: {{latent: normal, loc: "0.5 * s[t-1]", scale: 1, initial: 0, shape: [], plate: t}}
  x: {{observed: normal, loc: "f(y) + sum(a[0]) + b", scale: {scale}{through}}}
guide:
  y: {{latent: categorical, logits: 0}}
  s: {{latent: normal, loc: 0, scale: 1}}
links: {{f: {link}, g: {flow}}}
objective: {objective}
"""
PLAIN = {
    "field": "[3]", "constant": "2", "plate": "3", "steps": "4", "shape": "[3]", "let": "exp(n)",
    "classes": "3", "scale": "1", "through": "", "link": "linear", "flow": "exp",
    "objective": "elbo",
}  # fmt: skip
FLOWS = ["realnvp", "nice", "maf", "iaf", "nsf", "planar", "radial", "residual", "implicit"]


def findings(**changes):
    result, checked = compile(Source("s.yaml", SPEC.format(**{**PLAIN, **changes})))
    errors = [d.code for d in checked.diagnostics if d.code[0] == "E"]
    assert (result is None) == bool(errors)
    return errors


@pytest.mark.parametrize(
    "changes",
    [
        {"plate": "1000000000"},
        {"plate": "16777217"},
        {"plate": "10**17"},
        {"steps": "1000001"},
        {"shape": "[100000, 100000]"},
        {"shape": "[1000000000000, 1000000000000, 1000000000000]"},
        {"shape": "[16384, 16385]", "plate": "1"},
        {"shape": "[1000, 1000]", "plate": "1000"},
        {"field": "[1000000000]"},
        {"field": "[20000, 20000]"},
        {"classes": "1000000000"},
        {"constant": "10", "classes": "n**9"},
        {"let": "one_hot(y, 1000000000)"},
        {"let": "eye(2000)"},
        {"link": "{mlp: [10000000, 10000000]}"},
    ],
    ids=str,
)
def test_too_much(changes):
    tracemalloc.start()
    assert "E0353" in findings(**changes)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("count", ["1001", "1000000000", "9223372036854775807"])
def test_too_many_layers(flow, count):
    tracemalloc.start()
    flow = f"{{{flow}: {{layers: {count}}}}}"
    assert findings(flow=flow, through=", through: g") == ["E0603"]
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    "link",
    [
        "{mlp: [1000000000]}",
        "{glow: {steps: 1000000}}",
        "{glow: {scales: 1000000000}}",
        "{masked_conv: 8, depth: 1000000000}",
        "{gru: 1000000000}",
        "{causal_conv: 8, kernel: 1000000000}",
        "{layers: [{linear: 1000000000}]}",
        "{layers: [{unflatten: [1000000000, 1000000000]}]}",
        "{mlp: [" + ", ".join(["1"] * 1001) + "]}",
    ],
)
def test_options_of_links_have_limits(link):
    errors = findings(link=link)
    assert errors and set(errors) <= {"E0603", "E0604", "E0601", "E0608", "E0609", "E0614"}, errors


def test_particles_have_a_limit():
    assert findings(objective=f"{{iwae: {{particles: {limits.MAX_PARTICLES + 1}}}}}")


@pytest.mark.parametrize(
    "text",
    [
        "1e308 * 10", "-1e308 * 10", "1e308 + 1e308", "1 / 0", "0 / 0", "1 / (n - n)", "0**-1",
        "0.0**-2", "(-1)**0.5", "(-8)**(1/3)", "10.0**400", "10**400", "2**63", "2**62 + 2**62",
        "9**99999999", "log(0)", "log(-1)", "sqrt(-1)", "exp(1000)", "exp(exp(exp(n + 2)))",
        "1 + log(0)", "x * (1 / 0)", "logit(1)", "sum([1, 1e308 * 10])", "clip(1 / 0, 0, 1)",
    ],
)  # fmt: skip
def test_no_finite_value(text):
    """In whatever place: never a traceback, never a bare inf in the code."""
    places = [{"let": text}, {"scale": f'"{text}"'}]
    for changes in places if "x *" not in text else places[:1]:
        assert "E0352" in findings(**changes) or "x *" in text


@pytest.mark.parametrize("text", ["exp(exp(1))", "2**10", "2.0**100", "2**-1", "1e308 / 10 * 2"])
def test_a_finite_value(text):
    assert findings(let=text) == []
    assert findings(scale=f'"{text}"') == []


def test_nothing_is_refused_that_is_in_use():
    """The sizes of large models: a vocabulary, a deep flow, a long sequence."""
    assert findings(plate="1000000", shape="[128]") == []
    assert findings(steps="100000") == []
    assert findings(classes="100000") == []
    checked = front(Source("s.yaml", SPEC.format(**{**PLAIN, "link": "{mlp: [65536, 65536]}"})))
    assert checked.ok
