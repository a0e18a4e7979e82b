"""Laws of every bijection: inverses, log-determinants, densities, axes, contexts, options."""

from __future__ import annotations

import shutil

import pytest
import torch
import yaml

from specc.catalog.bijections.blocks.events import vector
from specc.catalog.link import LinkOptions, LinkShapeError
from specc.catalog.links.blocks.activation import ACTIVATIONS
from specc.catalog.parameters import parameters
from specc.catalog.registry import BIJECTIONS
from specc.catalog.supports import Interval, bounds
from specc.runtime.bijections.bijection import Bijection, Stochastic
from specc.runtime.bijections.network import ACTIVATIONS as CLASSES
from tests.laws.bijecting import (
    FLAT,
    SOLVED,
    Case,
    draws,
    jacobian_log_det,
    lowered,
    nested,
    reached,
    shaken,
)
from tests.laws.instantiate import module, resolve

CASES = FLAT + SOLVED
every = pytest.mark.parametrize("case", CASES, ids=str)


def test_every_entry_has_a_case():
    assert {case.kind for case in CASES} == set(BIJECTIONS)


@every
def test_each_way_undoes_the_other(case):
    f = shaken(case)
    u, context = draws(case, 7)
    x, log_det = f(u, context)
    assert x.shape == (7, *case.shape)
    assert log_det.shape == (7,)
    again, negative = f.inverse(x, context)
    torch.testing.assert_close(again, u, atol=case.tolerance, rtol=case.tolerance)
    torch.testing.assert_close(negative, -log_det, atol=case.tolerance, rtol=case.tolerance)
    once_more, _ = f(again, context)
    torch.testing.assert_close(once_more, x, atol=case.tolerance, rtol=case.tolerance)


@every
def test_the_forward_value_is_that_of_forward(case):
    f = shaken(case)
    u, context = draws(case, 7)
    assert torch.equal(f.forward_value(u, context), f(u, context)[0])
    if context is not None:
        wide = u.expand(2, *u.shape)
        torch.testing.assert_close(f.forward_value(wide, context), f(wide, context)[0])


@every
def test_the_inverse_value_is_that_of_inverse(case):
    f = shaken(case)
    u, context = draws(case, 7)
    x = f(u, context)[0].detach()
    torch.testing.assert_close(f.inverse_value(x, context), f.inverse(x, context)[0])


@pytest.mark.parametrize("case", SOLVED, ids=str)
def test_the_forward_value_needs_no_log_determinant(case, monkeypatch):
    f = shaken(case)
    u, context = draws(case, 2)

    def refuse(*given):
        raise AssertionError("a log-determinant was computed")

    for name in ("residual", "implicit", "convex_potential"):
        monkeypatch.setattr(f"specc.runtime.bijections.{name}.log_det", refuse)
    monkeypatch.setattr("specc.runtime.bijections.continuous.Field.trace", refuse)
    f.inverse_value(f.forward_value(u, context), context)
    with pytest.raises(AssertionError, match="log-determinant"):
        f(u, context)


@every
def test_each_way_undoes_the_other_in_single_precision(case):
    f = shaken(case).float()
    u, context = draws(case, 7)
    u, context = u.float(), None if context is None else context.float()
    x, log_det = f(u, context)
    again, negative = f.inverse(x, context)
    assert x.dtype == log_det.dtype == again.dtype == negative.dtype == torch.float32
    torch.testing.assert_close(again, u, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(negative, -log_det, atol=1e-4, rtol=1e-4)


@every
def test_log_determinants_are_those_of_the_jacobian(case):
    f = shaken(case)
    within = max(case.tolerance, 1e-8)
    u, context = draws(case, 4)
    x, log_det = f(u, context)
    x = x.detach()
    negative = f.inverse(x, context)[1]
    for i in range(4):
        c = None if context is None else context[i]
        onward = jacobian_log_det(lambda v, c=c: f(v, c)[0], u[i])
        back = jacobian_log_det(lambda v, c=c: f.inverse(v, c)[0], x[i])
        torch.testing.assert_close(log_det[i], onward, atol=within, rtol=within)
        torch.testing.assert_close(negative[i], back, atol=within, rtol=within)


@every
@pytest.mark.parametrize("way", ["forward", "inverse"])
def test_rows_do_not_see_each_other_and_any_axes_may_lead(case, way):
    f = shaken(case)
    u, context = draws(case, 2, 3)
    value = u if way == "forward" else f(u, context)[0].detach()
    call = getattr(f, way)
    result, log_det = call(value, context)
    assert log_det.shape == (2, 3)
    for i, j in [(0, 0), (1, 2)]:
        one, alone = call(value[i, j], None if context is None else context[i, j])
        torch.testing.assert_close(one, result[i, j], atol=1e-9, rtol=1e-9)
        torch.testing.assert_close(alone, log_det[i, j], atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    ("case", "of"),
    [(c, "value") for c in CASES] + [(c, "context") for c in CASES if c.context],
    ids=str,
)
@pytest.mark.parametrize("way", ["forward", "inverse"])
def test_a_row_that_is_not_a_number_is_so_alone(case, way, of):
    f = shaken(case)
    u, context = draws(case, 3)
    value = u if way == "forward" else f(u, context)[0].detach()
    changed = {"value": value.clone(), "context": None if context is None else context.clone()}
    changed[of][1] = torch.nan
    expected, found = getattr(f, way)(value, context), getattr(f, way)(*changed.values())
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(one[::2], other[::2], atol=1e-9, rtol=1e-9)
    if case in SOLVED:
        assert found[0][1].isnan().any() and found[1][1].isnan()


@pytest.mark.parametrize("case", [case for case in CASES if case.context], ids=str)
@pytest.mark.parametrize("way", ["forward", "inverse"])
@pytest.mark.parametrize("axes", [((4, 3), (3,)), ((4, 1), (3,)), ((3,), (4, 3)), ((), (3,))])
def test_a_context_spreads_over_particles(case, way, axes):
    f = shaken(case)
    shape = case.shape if way == "inverse" else lowered(case).output
    value = torch.randn((*axes[0], *shape), dtype=torch.float64)
    _, context = draws(case, *axes[1])
    call = getattr(f, way)
    leading = torch.broadcast_shapes(*axes)
    result, log_det = call(value, context)
    wide = value.expand((*leading, *shape))
    expected, log_dets = call(wide, context.expand(*leading, -1))
    # A value may be beyond an end.
    torch.testing.assert_close(result, expected, equal_nan=True)
    torch.testing.assert_close(log_det, log_dets, equal_nan=True)
    assert log_det.isfinite().any() or not axes[0]


@every
@pytest.mark.parametrize("way", ["forward", "inverse"])
def test_every_parameter_the_value_and_the_context_take_part(case, way):
    f = shaken(case)
    u, context = draws(case, 5)
    value = (u if way == "forward" else f(u, context)[0].detach()).requires_grad_()
    asked = [value] + ([] if context is None else [context.requires_grad_()])
    result, log_det = getattr(f, way)(value, context)
    weights = torch.randn_like(result)
    loss = (result * weights).sum() + (log_det * torch.randn_like(log_det)).sum()
    grads = torch.autograd.grad(loss, [*f.parameters(), *asked], allow_unused=True)
    assert all(grad is not None and grad.isfinite().all() for grad in grads)
    # With a single entry an autoregressive network has no inputs, so weights have the gradient 0.
    assert case.shape == (1,) or all(grad.any() for grad in grads)


@every
@pytest.mark.parametrize("way", ["forward", "inverse"])
def test_gradients_are_those_of_finite_differences(case, way):
    """With respect to value, context, and all parameters along a random direction."""
    f = shaken(case)
    u, context = draws(case, 3)
    value = u if way == "forward" else f(u, context)[0].detach()
    named = dict(f.named_parameters())
    direction = {name: torch.randn_like(p) for name, p in named.items()}

    def call(step, value, context):
        moved = {name: p.detach() + step * direction[name] for name, p in named.items()}
        args = (value, context)
        return torch.func.functional_call(
            Way(f, way), {f"f.{k}": v for k, v in moved.items()}, args
        )

    step = torch.zeros((), dtype=torch.float64, requires_grad=bool(named))
    inputs = (
        step,
        value.clone().requires_grad_(),
        None if context is None else context.clone().requires_grad_(),
    )
    assert torch.autograd.gradcheck(
        call, inputs, eps=1e-6, atol=1e-5, rtol=1e-4, check_undefined_grad=False
    )


class Way(torch.nn.Module):
    def __init__(self, f, way):
        super().__init__()
        self.f, self.way = f, way

    def forward(self, value, context):
        return getattr(self.f, self.way)(value, context)


@every
def test_the_parameters_are_known_without_torch(case):
    (layer,) = lowered(case).layers
    named = {name: tuple(p.shape) for name, p in module(layer).named_parameters()}
    assert parameters(layer) == named
    assert list(parameters(layer)) == list(named)


def test_only_what_says_so_estimates_its_log_determinant():
    for case in CASES:
        (layer,) = lowered(case).layers
        made = module(layer)
        leaves = [m for m in made.modules() if isinstance(m, Bijection)]
        estimated = any(isinstance(m, Stochastic) and not list(m.named_children()) for m in leaves)
        assert not estimated or BIJECTIONS[case.kind].stochastic


PLANE = [case for case in CASES if case.shape == (3,) and reached(case) == Interval()]


def plane(case):
    """The case with vectors of two entries."""
    return Case(case.kind, case.given, (2,), case.context)


def log_mass(f, reach=12.0, n=1000, wrong=0.0):
    """log of the integral, on a grid, of the density of a standard normal draw mapped by f."""
    side = torch.linspace(-reach, reach, n, dtype=torch.float64)
    x = torch.cartesian_prod(side, side)
    with torch.no_grad():
        u, log_det = f.inverse(x)
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(u).sum(-1) + (1 + wrong) * log_det
    return log_p.logsumexp(0) + 2 * (side[1] - side[0]).log()


@pytest.mark.parametrize("case", [plane(case) for case in PLANE], ids=str)
def test_the_density_of_a_plane_sums_to_one(case):
    f = shaken(case, by=0.2)
    slow = BIJECTIONS[case.kind].inverse or case.kind in ("mixture_cdf", "naf")
    n = 300 if slow else 1000
    assert abs(log_mass(f, n=n).expm1()) < 1e-3


def test_a_wrong_log_determinant_does_not_sum_to_one():
    f = shaken(nested("realnvp", (2,), layers=2, hidden=[9], activation="tanh"))
    assert abs(log_mass(f, wrong=0.1).expm1()) > 5e-3


@pytest.mark.parametrize("name", ["exp", "sigmoid", "softplus", "tanh"])
def test_values_lie_in_the_range(name):
    f = shaken(Case(name, {name: True}, ()))
    inside = bounds(reached(Case(name, {name: True}, ())))
    x, log_det = f(torch.linspace(-15, 15, 301, dtype=torch.float64))
    assert ((x > inside.low) & (x < inside.high)).all()
    assert log_det.isfinite().all()


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh"])
@pytest.mark.parametrize("far", [-80.0, 80.0])
def test_log_slopes_are_finite_far_out(name, far):
    f = shaken(Case(name, {name: True}, ())).float()
    u = torch.tensor(far, requires_grad=True)
    _, log_det = f(u)
    log_det.backward()
    assert log_det.isfinite() and u.grad.isfinite()


@every
def test_a_fresh_map_keeps_the_spread_of_its_draws(case):
    """Initially no layer scales; functions without parameters are excluded."""
    torch.manual_seed(3)
    (layer,) = lowered(case).layers
    f = module(layer).double()
    if reached(case) != Interval() or not list(f.parameters()):
        return
    u, context = draws(case, 500)
    x, log_det = f(u, context)
    assert log_det.abs().max() < 1
    assert 0.7 < x.std() < 1.4


def test_what_a_draw_costs_follows_from_the_options():
    entry = BIJECTIONS["nsf"]
    for autoregressive, cost in ((False, ""), (True, "one pass for each entry")):
        options = entry.Options.model_validate({"nsf": {"autoregressive": autoregressive}})
        assert entry.cost(options, is_forward=True) == cost
        assert entry.cost(options, is_forward=False) == ""


@every
@pytest.mark.parametrize("way", ["forward", "inverse"])
def test_a_way_of_one_pass_compiles_as_one_graph(case, way):
    compiles_as_one_graph(case, way, "eager")


@pytest.mark.parametrize("kind", BIJECTIONS)
@pytest.mark.parametrize("way", ["forward", "inverse"])
def test_the_gradient_of_a_way_of_one_pass_is_traced_too(kind, way):
    """One layer of each kind, with a context if it has one, since layers are traced one by one."""
    found = next(case for case in reversed(CASES) if case.kind == kind)
    compiles_as_one_graph(small(found), way, "aot_eager")


def small(case):
    """The case with the fewest possible layers, and a small network."""
    fewest = {"layers": 1, "steps": 1, "scales": 1, "hidden": [4], "channels": 4}
    options = case.given[case.kind]
    if not isinstance(options, dict):
        return case
    fewer = {k: fewest.get(k, v) for k, v in options.items()}
    return Case(case.kind, {**case.given, case.kind: fewer}, case.shape, case.context)


def compiles_as_one_graph(case, way, backend):
    """Checks that a direction compiles as one graph with equal results, unless it iterates."""
    entry = BIJECTIONS[case.kind]
    if entry.cost(entry.Options.model_validate(case.given), is_forward=way == "forward"):
        return
    f = shaken(case)
    u, context = draws(case, 5)
    value = u if way == "forward" else f(u, context)[0].detach()
    call = getattr(f, way)
    compiled = torch.compile(call, backend=backend, fullgraph=True, dynamic=False)
    value = value.clone().requires_grad_()
    found = []
    for run in (call, compiled):
        result, log_det = run(value, context)
        loss = result.sin().sum() + log_det.sum()
        asked = [value, *f.parameters()]
        found.append([result, log_det, *torch.autograd.grad(loss, asked, allow_unused=True)])
    torch._dynamo.reset()
    for expected, got in zip(*found, strict=True):
        torch.testing.assert_close(got, expected)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs g++")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_gradient_of_a_residual_block_survives_being_compiled():
    """With the gradient inside the graph, as in training, that of slogdet is wrong by 5 %."""
    f = shaken(nested("residual", layers=1, hidden=[3]))
    asked, x = list(f.parameters()), torch.randn(4, 3).double()

    def gradient(x):
        u, log_det = f.inverse(x)
        return torch.autograd.grad(u.square().sum() + log_det.sum(), asked)

    with torch._dynamo.config.patch(trace_autograd_ops=True):
        found = torch.compile(gradient, fullgraph=True, dynamic=False)(x)
    torch._dynamo.reset()
    for got, expected in zip(found, gradient(x), strict=True):
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("name", BIJECTIONS)
def test_the_example_is_valid_and_the_entry_named_like_its_file(name):
    entry = BIJECTIONS[name]
    example = yaml.safe_load(entry.example)
    assert entry.name == name
    assert name in example and name in entry.Options.model_fields
    options = entry.Options.model_validate(example)
    assert isinstance(options, LinkOptions)
    made = entry.lower(options, (4,), 2 if entry.takes_context(options) else 0)
    assert made.output == (4,) and len(made.layers) == 1
    assert isinstance(module(made.layers[0]), Bijection)


@every
def test_the_constructor_call_is_valid_text(case):
    for layer in walk(lowered(case).layers):
        text = ", ".join(
            [repr(a) for a in layer.arguments] + [f"{k}={v!r}" for k, v in layer.options.items()]
        )
        called = resolve(layer.target)
        again = eval(f"dict(call=lambda *a, **k: (a, k))['call']({text})")
        assert again == (layer.arguments, dict(layer.options))
        assert issubclass(called, Bijection)


def walk(layers):
    for layer in layers:
        yield layer
        yield from walk(layer.children)


@pytest.mark.parametrize("name", BIJECTIONS)
def test_every_option_is_described_and_strange_ones_are_refused(name):
    entry = BIJECTIONS[name]
    schema = entry.Options.model_json_schema()
    inner = [part["properties"] for part in schema.get("$defs", {}).values()]
    for properties in [schema["properties"], *inner]:
        assert all(option["description"].endswith(".") for option in properties.values())
    example = yaml.safe_load(entry.example)
    for wrong in (example | {"layerz": 2}, example | {name: {"layerz": 2}}, {name: "no"}):
        with pytest.raises(ValueError, match="validation error"):
            entry.Options.model_validate(wrong)


@pytest.mark.parametrize(
    "case, reason",
    [
        (nested("realnvp", (1,)), "is given \\[1\\]"),
        (nested("nice", (1,)), "is given \\[1\\]"),
        (nested("nsf", (1,)), "is given \\[1\\]"),
        (nested("maf", (2, 2)), "maps vectors"),
        (nested("planar", ()), "is given one number"),
        (Case("actnorm", {"actnorm": True}, (2, 2)), "maps vectors and images"),
    ],
    ids=str,
)
def test_a_shape_that_does_not_fit_is_refused(case, reason):
    with pytest.raises(LinkShapeError, match=reason):
        lowered(case)


def test_activations_are_those_of_links():
    assert {n: f"nn.{c.__name__}" for n, c in CLASSES.items() if n in ACTIVATIONS} == ACTIVATIONS
    assert vector((5,)) == 5
