"""Joint nodes: exact values of a linear-Gaussian model, and specs of several structures.

A linear-Gaussian node (x, u) has a known marginal log p(x) and posterior p(u | x). No bound may
exceed log p(x), and with the posterior as guide every bound equals it for all draws of u.
"""

import math
from types import SimpleNamespace

import pytest
import torch
from torch.distributions import MultivariateNormal

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.laws import test_gradients as gradients
from tests.laws.test_random_numbers import check
from tests.losses import computed

LINEAR = """\
specc: 1
name: linear
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
model:
  xu:
    joint: {PARTS}
    distribution: normal
    loc: [0.5, -1, 0, 2, 1]
    scale: [1, 0.5, 2, 1, 0.3]
    through: f
    shapes: {u: [3]}
guide:
  chol: {parameter: cholesky, shape: [3, 3]}
  u: {latent: multivariate_normal, loc: encoder(x), scale_tril: chol}
links:
  f: {invertible: true}
  encoder: linear
objective: OBJECTIVE
"""
ROWS, PARTICLES, Z = 4, 20_000, 5.0
"""A mean of independent draws deviates by over 5 standard errors with a probability of 1e-6."""


@pytest.fixture(autouse=True)
def exact():
    with precision(torch.float64), torch.no_grad():
        yield


def linear(folder, parts="x: observed, u: latent", objective="elbo"):
    """A program with random weights, the exact Gaussian of (x, u), and data from it."""
    text = LINEAR.replace("PARTS", parts).replace("OBJECTIVE", objective)
    result, checked = compile(Source("linear.yaml", text))
    assert result is not None, checked.diagnostics
    for file, content in result.files.items():
        (folder / file).write_text(content, encoding="utf-8")
    torch.manual_seed(1)
    program = load(folder).double()
    for parameter in program.parameters():
        parameter.add_(0.3 * torch.randn(parameter.shape))
    matrix, shift = affine(lambda value: program.model.xu_forward(value), 5)
    scale = torch.tensor([1.0, 0.5, 2.0, 1.0, 0.3])
    loc = matrix @ torch.tensor([0.5, -1.0, 0.0, 2.0, 1.0]) + shift
    covariance = matrix @ scale.square().diag() @ matrix.T
    first = parts.startswith("x")
    place = {"x": slice(0, 2), "u": slice(2, 5)} if first else {"u": slice(0, 3), "x": slice(3, 5)}
    joint = MultivariateNormal(loc, covariance)
    rows = joint.sample((ROWS,))[:, place["x"]]
    return SimpleNamespace(program=program, joint=joint, place=place, x=rows)


def affine(function, size):
    """The matrix and the shift of an affine function."""
    shift = function(torch.zeros(1, size))[0]
    return (function(torch.eye(size)) - shift).T, shift


def log_p_x(made):
    """Log p(x), with u integrated out in closed form."""
    at = made.place["x"]
    mean, covariance = made.joint.mean[at], made.joint.covariance_matrix[at, at]
    return MultivariateNormal(mean, covariance).log_prob(made.x)


def log_weights(made, particles, seed=0):
    """Log p(x, u) - log q(u | x) of draws from the guide: [particles, rows]."""
    sample = made.program.require("guide.sample_and_log_prob")
    values, log_q = sample(Noise.at(seed, dtype=torch.float64), particles, x=made.x)
    return made.program.require("model.log_joint")(x=made.x, **values) - log_q


def give_posterior(made, wider=1.0):
    """Sets the guide to p(u | x), or to a wider normal, for which the weights vary."""
    x, u = made.place["x"], made.place["u"]
    mean, covariance = made.joint.mean, made.joint.covariance_matrix
    gain = covariance[u, x] @ covariance[x, x].inverse()
    guide = made.program.guide
    guide.encoder.weight.copy_(gain)
    guide.encoder.bias.copy_(mean[u] - gain @ mean[x])
    tril = wider * torch.linalg.cholesky(covariance[u, u] - gain @ covariance[x, u])
    type(guide).chol = property(lambda self: tril)


ORDERS = ("x: observed, u: latent", "u: latent, x: observed")


@pytest.mark.parametrize("parts", ORDERS)
def test_the_density_is_the_one_of_all_parts_together(tmp_path, parts):
    made = linear(tmp_path, parts)
    values = made.joint.sample((ROWS,))
    x, u = values[:, made.place["x"]], values[:, made.place["u"]]
    found = made.program.require("model.log_joint")(x=x, u=u)
    torch.testing.assert_close(found, made.joint.log_prob(values), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("parts", ORDERS)
def test_many_particles_come_to_the_density_of_the_observed_part(tmp_path, parts):
    made = linear(tmp_path, parts)
    give_posterior(made, wider=1.5)
    log_w, exact = log_weights(made, PARTICLES), log_p_x(made)
    weights = (log_w - exact).exp()
    error = weights.std(0) / math.sqrt(PARTICLES)
    assert ((weights.mean(0) - 1).abs() < Z * error).all(), (weights.mean(0), error)
    assert (error < 0.02).all() and (log_w.mean(0) < exact - 0.1).all()


def test_the_bounds_keep_their_order(tmp_path):
    losses = []
    for objective in ("elbo", "{iwae: {particles: 10}}", "{iwae: {particles: 1000}}"):
        made = linear(tmp_path, objective=objective)
        give_posterior(made, wider=1.5)
        noises = (Noise.at(seed, dtype=torch.float64) for seed in range(200))
        batch = {"x": made.x}
        losses.append(-sum(computed(made.program, batch, n, ROWS)[0] for n in noises) / 200)
    exact = log_p_x(made).mean()
    assert losses[0] < losses[1] < losses[2] < exact + 0.005
    assert exact - losses[2] < 0.02 * (exact - losses[0])


def test_with_the_exact_posterior_every_draw_weighs_the_same(tmp_path):
    made = linear(tmp_path)
    give_posterior(made)
    wanted = log_p_x(made).expand(50, ROWS)
    torch.testing.assert_close(log_weights(made, 50), wanted, rtol=1e-9, atol=1e-9)
    loss, _, parts = computed(made.program, {"x": made.x}, Noise.at(3, dtype=torch.float64), ROWS)
    torch.testing.assert_close(-loss, wanted[0].mean(), rtol=1e-9, atol=1e-9)
    assert set(parts) == {"elbo", "log p(x, u)", "log q(u | x)"}


def test_draws_have_the_mean_and_the_covariance_of_their_parts(tmp_path):
    made = linear(tmp_path)
    count = 100_000
    drawn = made.program.require("model.sample")(Noise.at(5, dtype=torch.float64), count)
    white = torch.linalg.solve_triangular(
        made.joint.scale_tril,
        (torch.cat([drawn["x"], drawn["u"]], -1) - made.joint.mean).T,
        upper=False,
    )
    # For standard normal numbers a mean has the variance 1 / n, a mean of squares 2 / n.
    assert (white.mean(1).abs() < Z / math.sqrt(count)).all()
    gap = white @ white.T / count - torch.eye(5)
    assert (gap.abs() < Z * math.sqrt(2 / count)).all()


# specs of several structures, each against the interpreter

HEAD = "specc: 1\nname: made\ndata: {source: npz, path: d.npz, fields: {x: {from: x}}}\n"
PAIR = "{x: observed, v: latent}"
MADE = {
    "a number and a matrix": """\
model:
  vx: {joint: {v: latent, x: observed}, distribution: laplace, loc: 0, scale: s, through: f,
       shapes: {v: [], x: [2, 3]}}
  s: {parameter: positive, shape: [7]}
guide:
  v: {latent: normal, params: enc(x)}
links: {f: {affine: true}, enc: {mlp: [4]}}
objective: {iwae: {particles: 3}}
""",
    "context and a latent before": """\
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  vx: {joint: {x: observed, v: latent}, distribution: normal, params: net(z), through: f(z),
       shapes: {v: [3], x: [2]}}
guide:
  z: {latent: normal, params: enc(x)}
  v: {latent: normal, params: "dec(x, z)"}
links: {f: {affine: true}, enc: {mlp: [4]}, dec: {mlp: [4]}, net: {mlp: [4]}}
objective: {elbo: {particles: 2}}
""",
    "entry by entry": """\
model:
  vx: {joint: {x: observed, v: latent}, distribution: normal, params: made(vx),
       shapes: {v: [2], x: [2]}}
guide:
  v: {latent: normal, params: enc(x)}
links: {made: {masked_mlp: [8], orders: 2}, enc: {mlp: [4]}}
objective: elbo
""",
    "classes summed over": """\
model:
  vx: {joint: {x: observed, v: latent}, distribution: categorical, logits: a, classes: 3,
       shapes: {v: [], x: [2]}}
  a: {parameter: real, shape: [3, 3]}
guide:
  v: {latent: categorical, logits: enc(x)}
links: {enc: {mlp: [4]}}
objective: elbo
""",
    "classes drawn by their score": """\
model:
  vx: {joint: {x: observed, v: latent}, distribution: bernoulli, logits: made(vx),
       shapes: {v: [2], x: [2]}}
guide:
  v: {latent: bernoulli, logits: enc(x)}
links: {made: {masked_mlp: [8]}, enc: {mlp: [4]}}
objective: {vimco: {particles: 3}}
""",
    "parts and whole used by others": """\
model:
  vw: {joint: {v: latent, w: latent}, distribution: normal, loc: 0, scale: 1, through: f,
       shapes: {v: [2], w: [1, 2]}}
  both: {let: vw * 2}
  x: {observed: normal, loc: "net(v, both)", scale: "softplus(top(w, vw)) + 0.1", shape: [2]}
guide:
  w: {latent: normal, params: enc(x)}
  v: {latent: normal, params: "dec(x, w)", through: g}
links: {f: {affine: true}, g: {affine: true}, enc: {mlp: [4]}, dec: {mlp: [4]}, net: {mlp: [4]},
        top: {mlp: [4]}}
objective: elbo
""",
    "parts of the data alone": """\
model:
  vx: {joint: {x: observed}, distribution: normal, loc: 0, scale: 1, through: f, shapes: {x: [3]}}
links: {f: {affine: true}}
objective: mle
""",
    "a finite latent before that is summed out": """\
model:
  y: {latent: bernoulli, logits: b}
  b: {parameter: real}
  vx: {joint: {x: observed}, distribution: normal, loc: "net(y)", scale: 1, shapes: {x: [2]}}
links: {net: {mlp: [4]}}
objective: mle
""",
}


@pytest.mark.parametrize("name", MADE)
def test_a_spec_has_the_numbers_of_its_text(name):
    text = HEAD + MADE[name]
    assert compile(Source("made.yaml", text))[0] is not None
    with torch.enable_grad():
        check(text)


DRAW = """\
  vx: {joint: {v: latent, x: observed}, distribution: normal, loc: 0, scale: 1, through: f,
       shapes: {v: [2], x: [2]}}
"""
LINKS = "links: {f: {affine: true}, enc: {mlp: [4]}, net: {mlp: [4]}}\nobjective: elbo\n"
STEPS = f"""\
model:
{DRAW}  s: {{latent: normal, loc: "net(s[t-1], v, vx)", scale: 1, initial: 0, shape: [2], plate: t}}
guide:
  v: {{latent: normal, params: enc(x)}}
  s: {{latent: normal, loc: 0, scale: 1}}
plates: {{t: {{scan: 2}}}}
{LINKS}"""
UNROLLED = f"""\
model:
{DRAW}  zero: {{let: "0 * v"}}
  s0: {{latent: normal, loc: "net(zero, v, vx)", scale: 1, shape: [2]}}
  s1: {{latent: normal, loc: "net(s0, v, vx)", scale: 1, shape: [2]}}
guide:
  v: {{latent: normal, params: enc(x)}}
  s0: {{latent: normal, loc: 0, scale: 1}}
  s1: {{latent: normal, loc: 0, scale: 1}}
{LINKS}"""


def test_a_sequence_may_depend_on_the_parts_and_on_the_whole(tmp_path):
    programs = []
    for name, text in (("steps", STEPS), ("unrolled", UNROLLED)):
        result, checked = compile(Source("made.yaml", HEAD + text))
        assert result is not None, checked.diagnostics
        folder = tmp_path / name
        folder.mkdir()
        for file, content in result.files.items():
            (folder / file).write_text(content, encoding="utf-8")
        programs.append(load(folder).double())
    programs[1].load_state_dict(programs[0].state_dict())
    x, v, s = torch.randn(4, 2), torch.randn(4, 2), torch.randn(4, 2, 2)
    steps, unrolled = (program.require("model.log_joint") for program in programs)
    found, wanted = steps(x=x, v=v, s=s), unrolled(x=x, v=v, s0=s[:, 0], s1=s[:, 1])
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


# gradients of latent parts

BITS = """
model:
  axb:
    joint: {{a: latent, x: observed, b: latent}}
    distribution: bernoulli
    logits: made(axb)
    shapes: {{a: [1], b: [1], x: [2]}}
guide:
  a: {{latent: bernoulli, logits: up(x), draw: {DRAW}}}
  b: {{latent: bernoulli, logits: down(x), draw: {DRAW}}}
links: {{up: linear, down: linear, made: {{masked_mlp: [6]}}}}
objective: OBJECTIVE
"""


def exact_elbo(program):
    """The bound as a sum over all values of both parts, by torch.distributions."""
    values = gradients.bits(2)
    a, b = values[:, :1], values[:, 1:]
    x = gradients.X.expand(4, 2)
    whole = torch.cat([a, x, b], -1)
    log_p = gradients.lp(program.model.axb_logits(whole), whole)
    log_q = gradients.lp(program.guide.a_logits(x), a) + gradients.lp(program.guide.b_logits(x), b)
    return -(log_q.exp() * (log_p - log_q)).sum()


COSTS = ("signal_a = log_p_axb - log_q_a", "signal_a = -log_q_a")


@pytest.mark.parametrize(
    "draw, objective, wrong",
    [
        ("{score: {baseline: none}}", "elbo", [COSTS, ("+ surrogate_b", "")]),
        ("{score: {baseline: leave_one_out}}", "{elbo: {particles: 2}}", [COSTS]),
        ("enumerate", "elbo", [("concat(a, x, b)", "concat(b, x, a)")]),
    ],
)
def test_a_part_is_scored_by_the_joint_density(tmp_path, draw, objective, wrong):
    spec = BITS.format(DRAW=draw).replace("OBJECTIVE", objective)
    with torch.enable_grad():
        gradients.check(spec, exact_elbo, tmp_path, wrong)
