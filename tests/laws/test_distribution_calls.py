"""Laws of calls of distributions: floats, broadcasting, compilation, signatures."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch
import yaml

from specc.catalog import distributions as catalog_folder
from specc.catalog.registry import DISTRIBUTIONS
from specc.catalog.supports import Integers
from specc.runtime import distributions as runtime_folder
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.test_distribution_draws import event_of, is_sized
from tests.laws.test_distributions import CASES, PROPER, likely, runtime
from tests.oracles.distributions import ROWS, Parameters, tensors

CATALOG = Path(catalog_folder.__path__[0])
RUNTIME = Path(runtime_folder.__path__[0])


def elementwise(name: str) -> bool:
    return not any(p.dims for p in DISTRIBUTIONS[name].parameters)


@pytest.mark.parametrize(("name", "parameters"), [c for c in CASES if elementwise(c[0])])
def test_a_float_is_as_good_as_a_tensor(name: str, parameters: Parameters) -> None:
    module, entry = runtime(name), DISTRIBUTIONS[name]
    made = tensors(parameters)
    value = likely(name, parameters)
    calls = [(module.log_prob, (value,))]
    calls += [(getattr(module, f), ()) for f in ("mean", "entropy") if getattr(entry, f)]
    for call, first in calls:
        by_float = call(*first, *parameters)
        assert isinstance(by_float, torch.Tensor)
        tolerance = 1e-12 if first else 1e-6  # without any tensor, the default type: float32
        torch.testing.assert_close(
            by_float, call(*first, *made), rtol=tolerance, atol=tolerance, check_dtype=bool(first)
        )


WITH_PROBS = """specc: 1
name: constant
data: {source: digits, fields: {y: {from: label}}}
model:
  a: {parameter: real}
  x: {latent: %s, %s%s, shape: [3]}
  y: {observed: normal, loc: a, scale: 1}
objective: {minimize: "-log_prob(model.y)"}
"""


@pytest.mark.parametrize(
    "name", [n for n, entry in DISTRIBUTIONS.items() if elementwise(n) and entry.alternatives]
)
def test_a_constant_probability_is_a_constant_logit(name: str, tmp_path: Path) -> None:
    rest = "".join(f", {p.name}: 4" for p in DISTRIBUTIONS[name].parameters if p.name != "logits")
    x, y = torch.tensor([[0.0, 1.0, 1.0]]), torch.zeros(1)
    densities = [
        program(WITH_PROBS % (name, given, rest), tmp_path).model.log_joint(x=x, y=y)
        for given in ("probs: 0.25", f"logits: {math.log(0.25 / 0.75)!r}", "probs: 0.75")
    ]
    torch.testing.assert_close(densities[0], densities[1])
    assert not torch.allclose(densities[0], densities[2])


@pytest.mark.parametrize(
    "name", [n for n, entry in DISTRIBUTIONS.items() if elementwise(n) and entry.kl_with]
)
def test_a_divergence_takes_floats_on_either_side(name: str) -> None:
    for other in DISTRIBUTIONS[name].kl_with:
        divergence = getattr(runtime(name), f"kl_{other}")
        p, q = ROWS[name].parameters[-1], ROWS[other].parameters[0]
        exact = divergence(*tensors(p), *tensors(q))
        for left, right in [(p, tensors(q)), (tensors(p), q)]:
            torch.testing.assert_close(divergence(*left, *right), exact, rtol=1e-12, atol=1e-12)
        assert isinstance(divergence(*p, *q), torch.Tensor)
        torch.testing.assert_close(divergence(*p, *q).double(), exact, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
@pytest.mark.parametrize("name", PROPER)
def test_whole_numbers_may_be_of_any_type(name: str, dtype: torch.dtype) -> None:
    """Values as integers and bytes give the same result as floats."""
    parameters = ROWS[name].parameters[0]
    value = torch.tensor([0.0, 1.0])
    if DISTRIBUTIONS[name].result_dims:
        last = parameters[-1]
        value = torch.eye(len(last) if isinstance(last, list) else 2)
    for made in (parameters, tensors(parameters, torch.float32)):
        if made is parameters and not elementwise(name):
            continue
        expected = runtime(name).log_prob(value, *made)
        found = runtime(name).log_prob(value.to(dtype), *made)
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", PROPER)
def test_leading_axes_broadcast(name: str) -> None:
    """Value [5, 1, event] against parameters [3, ...] is [5, 3], entries as in separate calls."""
    module, entry = runtime(name), DISTRIBUTIONS[name]
    parameters = ROWS[name].parameters[0]
    value = likely(name, parameters)
    value = value[torch.arange(5) * len(value) // 5].unsqueeze(1)
    factor = torch.tensor([1.0, 1.1, 1.2], dtype=torch.float64)
    made = tuple(
        p if d.name in ROWS[name].fixed else (p.unsqueeze(-1) * factor).movedim(-1, 0)
        for d, p in zip(entry.parameters, tensors(parameters), strict=True)
    )
    found = module.log_prob(value, *made)
    assert found.shape == (5, 3)
    for k in range(5):
        for b in range(3):
            alone = [
                p[b] if p.dim() > len(d.dims) else p
                for d, p in zip(entry.parameters, made, strict=True)
            ]
            torch.testing.assert_close(found[k, b], module.log_prob(value[k, 0], *alone))


@pytest.mark.parametrize("name", PROPER)
def test_draws_have_the_shape_that_is_requested(name: str) -> None:
    module = runtime(name)
    made = tensors(ROWS[name].parameters[0])
    event = event_of(name, made)
    for dtype in (torch.float32, torch.float64):
        noise = Noise.at(3, 1, dtype=dtype)
        parameters = tuple(p.to(dtype) for p in made)
        drawn = module.sample(noise, *parameters, shape=(4, 2, *event))
        assert drawn.shape == (4, 2, *event) and not drawn.requires_grad
        assert drawn.dtype == (torch.int64 if name == "categorical" else dtype)
        if is_sized(name):
            assert module.sample(noise, *parameters).shape == event
        assert module.log_prob(drawn, *parameters).shape == (4, 2)
        assert module.log_prob(drawn, *parameters).isfinite().all()


# A warning of torch itself: dynamo instantiates an autograd.Function.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", PROPER)
def test_one_graph_under_the_compiler(name: str) -> None:
    module, entry = runtime(name), DISTRIBUTIONS[name]
    parameters = ROWS[name].parameters[0]
    value, made = likely(name, parameters), tensors(parameters)
    calls = [(module.log_prob, (value, *made))]
    calls += [(getattr(module, f), made) for f in ("mean", "entropy") if getattr(entry, f)]
    calls += [(getattr(module, f"kl_{q}"), (*made, *made)) for q in entry.kl_with if q == name]
    for call, arguments in calls:
        compiled = torch.compile(call, fullgraph=True, backend="eager")
        torch.testing.assert_close(compiled(*arguments), call(*arguments))


def test_the_folders_hold_what_the_index_names() -> None:
    for folder in (CATALOG, RUNTIME):
        stems = {p.stem for p in folder.glob("*.py")} - {"__init__"}
        assert sorted(stems) == list(DISTRIBUTIONS)
    assert list(DISTRIBUTIONS) == sorted(DISTRIBUTIONS)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_what_is_declared_is_computed(name: str) -> None:
    """Both signatures are read from the syntax trees, so neither file is run."""
    declared = Declaration((CATALOG / f"{name}.py").read_text(encoding="utf-8"))
    tree = ast.parse((RUNTIME / f"{name}.py").read_text(encoding="utf-8"))
    functions = {f.name: f.args for f in tree.body if isinstance(f, ast.FunctionDef)}
    public = {f: arguments(a) for f, a in functions.items() if not f.startswith("_")}
    parameters = declared.parameters
    assert declared.name == name
    expected = {"log_prob": ["value", *parameters]}
    if not declared.trait("improper", False):
        expected["sample"] = ["noise", *parameters, "shape"]
    if declared.trait("reparameterized", False):
        expected["rsample"] = ["noise", *parameters, "shape"]
    if declared.trait("relaxed", False):
        expected["relaxed_sample"] = ["noise", *parameters, "temperature", "shape"]
        expected["relaxed_log_prob"] = ["value", *parameters]
        expected["harden"] = ["value"]
    if declared.trait("mean", True):
        expected["mean"] = parameters
    if declared.trait("entropy", False):
        expected["entropy"] = parameters
    if declared.trait("cdf", False):
        expected["tails"] = ["value", *parameters]
        expected["quantile"] = ["log_p", "log_q", *parameters]
    if declared.trait("finite", False):
        expected["enumerate_values"] = ["classes", "dtype", "device"]
    for other in declared.trait("kl_with", ()):
        theirs = [f"other_{p.name}" for p in DISTRIBUTIONS[other].parameters]
        expected[f"kl_{other}"] = [*parameters, *theirs]
    assert public == expected
    defaults = {p: constant(d) for p, d in default_values(functions["log_prob"])}
    assert defaults == declared.trait("defaults", {})


class Declaration:
    """The arguments of `ENTRY = Distribution(...)`, from the file's syntax tree."""

    def __init__(self, text: str) -> None:
        assigned = [s for s in ast.parse(text).body if isinstance(s, ast.Assign)]
        call = next(s.value for s in assigned if ast.unparse(s.targets[0]) == "ENTRY")
        assert isinstance(call, ast.Call) and ast.unparse(call.func) == "Distribution"
        self.keywords = {k.arg: k.value for k in call.keywords}
        self.name = ast.literal_eval(self.keywords["name"])
        listed = self.keywords["parameters"].elts
        self.parameters = [ast.literal_eval(parameter.args[0]) for parameter in listed]

    def trait(self, key: str, default: object) -> object:
        return constant(self.keywords[key]) if key in self.keywords else default


def constant(tree: ast.expr) -> object:
    """The value of a literal, in which `math.inf` may occur."""
    names = {type(node) for node in ast.walk(tree)}
    assert ast.Call not in names
    return eval(ast.unparse(tree), {"math": math})


def arguments(args: ast.arguments) -> list[str]:
    return [a.arg for a in (*args.args, *args.kwonlyargs)]


def default_values(args: ast.arguments) -> list[tuple[str, ast.expr]]:
    named = args.args[len(args.args) - len(args.defaults) :]
    return [(a.arg, d) for a, d in zip(named, args.defaults, strict=True)]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_entry_is_complete(name: str) -> None:
    entry = DISTRIBUTIONS[name]
    assert entry.name == name and entry.summary.endswith(".") and entry.references
    assert not (entry.finite and entry.continuous)
    known = {p.name for p in entry.parameters}
    assert {a.replaces for a in entry.alternatives} <= known
    assert not known & {a.name for a in entry.alternatives}
    assert set(entry.defaults) <= known
    node = next(iter(yaml.safe_load(entry.example).values()))
    assert node.pop("latent") == name
    needed = known - set(entry.defaults)
    assert needed <= set(node) <= known | set(entry.options) | {"shape", "global"}


@pytest.mark.parametrize(
    ("name", "parameters"), [c for c in CASES if not DISTRIBUTIONS[c[0]].result_dims]
)
def test_draws_lie_in_the_declared_support(name: str, parameters: Parameters) -> None:
    entry = DISTRIBUTIONS[name]
    scalars = zip(entry.parameters, parameters, strict=True)
    known = {p.name: v for p, v in scalars if not isinstance(v, list)}
    support = entry.result(known)
    noise = Noise.at(5, dtype=torch.float32)
    drawn = runtime(name).sample(noise, *tensors(parameters, torch.float32), shape=(20000,))
    low, high = float(drawn.min()), float(drawn.max())
    assert support.low <= low and high <= support.high
    if not isinstance(support, Integers):
        assert not (support.low_open and low == support.low)
        assert not (support.high_open and high == support.high)
    assert support.discrete != entry.continuous


def test_the_catalog_needs_no_torch() -> None:
    code = (
        "import sys; from specc.catalog.registry import DISTRIBUTIONS\n"
        "for name in DISTRIBUTIONS: DISTRIBUTIONS[name]\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_runtime_needs_torch_alone() -> None:
    for name in DISTRIBUTIONS:
        import_module(f"specc.runtime.distributions.{name}")
        text = (RUNTIME / f"{name}.py").read_text(encoding="utf-8")
        assert "torch.distributions" not in text and "specc.catalog" not in text
