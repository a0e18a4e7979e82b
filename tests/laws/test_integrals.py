"""Laws of integrals over normal latents: against closed forms, filters and joint normals.

`exact` is independent of the implementation: log p(x, z) is quadratic in z, so its value, gradient
and Hessian at z = 0 give the integral for any such model.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.losses import computed

HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {%s}}
"""
STEPS = "plates: {t: {scan: 4%s}}\n"
FIELDS = {
    "u": "u: {from: u, shape: [4, 2]}",
    "n": "n: {from: n, dtype: int64}",
}

PPCA = (
    HEAD % "x: {from: x, shape: [5]}"
    + """model:
  offset: {parameter: real, shape: [5]}
  noise: {parameter: positive}
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, loc: loadings(z) + offset, scale: noise}
links: {loadings: {linear: true, bias: false}}
objective: mle
"""
)
CHAIN = """  start: {parameter: real, shape: [2]}
  drift: {parameter: positive, shape: [2]}
  noise: {parameter: positive, shape: [3]}
  z: {latent: normal, loc: "move(z[t-1])", scale: drift, initial: start, shape: [2], plate: t}
"""
SEEN = '  x: {observed: normal, loc: "emit(z)", scale: noise, plate: t}\n'
LINKS = "links: {move: linear, emit: linear}\nobjective: mle\n"
X = "x: {from: x, shape: [4, 3]}"
PLAIN = HEAD % X + STEPS % "" + "model:\n" + CHAIN + SEEN + LINKS
RAGGED = (
    HEAD % f"{X}, {FIELDS['n']}"
    + STEPS % ", lengths: n"
    + "model:\n  n: {given: n}\n"
    + CHAIN
    + SEEN
    + LINKS
)
BACK = PLAIN.replace("z[t-1]", "z[t+1]").replace("[2], plate: t}", "[2], plate: t, reverse: true}")
RAGGED_BACK = RAGGED.replace("z[t-1]", "z[t+1]").replace(
    "[2], plate: t}", "[2], plate: t, reverse: true}"
)
DRIVEN = (
    HEAD % f"{X}, {FIELDS['u']}, y: {{from: y, shape: [4]}}"
    + STEPS % ""
    + "model:\n  u: {given: u, plate: t}\n"
    + CHAIN.replace('"move(z[t-1])"', '"move(z[t-1], u) - 0.5 * z[t-1]"')
    + """  m: {let: "2 * z", plate: t}
  w: {parameter: real, shape: [2]}
  x: {observed: normal, loc: "emit(m) + sum(u)", scale: noise, plate: t}
  y: {observed: normal, loc: "w @ z", scale: "softplus(look(u))", plate: t}
links: {move: linear, emit: linear, look: {mlp: [3]}}
objective: mle
"""
)
EACH_STEP = (
    PLAIN.replace('"move(z[t-1])"', "0")
    .replace(", initial: start", "")
    .replace("move: linear, ", "")
    .replace("  start: {parameter: real, shape: [2]}\n", "")
)
MIXED = PPCA.replace(
    "  z: {latent",
    "  c: {latent: categorical, logits: [0.3, -0.4], classes: 2}\n"
    "  means: {parameter: real, shape: [2, 5]}\n  z: {latent",
).replace("loadings(z) + offset", '"loadings(z) * (1 + c) + means[c]"')
MATRIX = PPCA.replace("shape: [2]}", "shape: [2, 2]}").replace(
    "observed: normal, loc: loadings(z)", "observed: normal, loc: loadings(z) + sum(z)"
)
SHARED = PPCA.replace("objective: mle", "objective: map").replace(
    "offset: {parameter: real, shape: [5]}",
    "offset: {latent: normal, loc: 0, scale: 2, shape: [5], global: true}",
)

SPECS = {
    "ppca": PPCA,
    "matrix": MATRIX,
    "chain": PLAIN,
    "reverse": BACK,
    "driven": DRIVEN,
    "each step by itself": EACH_STEP,
    "global point": SHARED,
}
SIZES = {"x": (5,), "u": (4, 2), "y": (4,)}


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def settled(text, folder):
    made = program(text, folder)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in made.parameters():
            value.copy_(0.6 * torch.randn(value.shape, generator=generator))
    return made


def data(text, rows=3):
    generator = torch.Generator().manual_seed(1)
    sizes = {**SIZES, "x": (4, 3)} if "plates" in text else {"x": (5,)}
    names = [n for n in sizes if f"{n}: {{from" in text]
    return {n: torch.randn((rows, *sizes[n]), generator=generator) for n in names}


def exact(density, values, shape, row):
    """The integral for one row, from the quadratic in z, of the function log p(x, z)."""
    taken = {n: v[row : row + 1] for n, v in values.items()}
    count = math.prod(shape)

    def log_joint(flat):
        return density(z=flat.view(1, *shape), **taken).sum()

    zero = torch.zeros(count)
    slope = torch.autograd.functional.jacobian(log_joint, zero, create_graph=True)
    bend = -torch.autograd.functional.hessian(log_joint, zero, create_graph=True)
    rest = slope @ torch.linalg.solve(bend, slope) / 2 - torch.logdet(bend) / 2
    return log_joint(zero) + rest + count * math.log(2 * math.pi) / 2


def latent_shape(text):
    return (2, 2) if text is MATRIX else (4, 2) if "plates" in text else (2,)


@pytest.mark.parametrize("name", SPECS)
def test_an_integral_and_its_gradient_are_those_of_the_joint_density(name, tmp_path):
    text = SPECS[name]
    made, values = settled(text, tmp_path), data(text)
    found = made.model.log_prob(**values)
    if text is SHARED:  # the joint density has the point as an argument, like other values
        values["offset"] = made.model.offset.expand(3, -1)
    wanted = [exact(made.model.log_joint, values, latent_shape(text), row) for row in range(3)]
    torch.testing.assert_close(found, torch.stack(wanted), rtol=1e-9, atol=1e-9)
    weights = torch.tensor([0.3, -1.0, 2.0])
    names = [p for p in made.parameters() if p.requires_grad]
    one, other = (
        torch.autograd.grad((v * weights).sum(), names, allow_unused=True)
        for v in (found, torch.stack(wanted))
    )
    for a, b in zip(one, other, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-8)


def test_probabilistic_pca_is_its_closed_form(tmp_path):
    made, x = settled(PPCA, tmp_path), data(PPCA)["x"]
    model = made.model
    weight = model.loadings.weight.detach().numpy()
    covariance = weight @ weight.T + model.noise.item() ** 2 * np.eye(5)
    normal = stats.multivariate_normal(model.offset.detach().numpy(), covariance)
    found = model.log_prob(x=x).detach().numpy()
    np.testing.assert_allclose(found, normal.logpdf(x.numpy()), rtol=0, atol=1e-8)
    wrong = stats.multivariate_normal(model.offset.detach().numpy(), covariance + 0.1 * np.eye(5))
    assert np.abs(found - wrong.logpdf(x.numpy())).max() > 1e-2


def textbook(model, x):
    """The Kalman filter with covariances (Kalman 1960), one row at a time, in numpy."""
    move, emit = (link.weight.detach().numpy() for link in (model.move, model.emit))
    shift, offset = (link.bias.detach().numpy() for link in (model.move, model.emit))
    drift, noise = (np.diag(s.detach().numpy() ** 2) for s in (model.drift, model.noise))
    mean, covariance, total = model.start.detach().numpy(), np.zeros((2, 2)), 0.0
    for seen in x.numpy():
        mean, covariance = move @ mean + shift, move @ covariance @ move.T + drift
        spread = emit @ covariance @ emit.T + noise
        total += stats.multivariate_normal(emit @ mean + offset, spread).logpdf(seen)
        gain = covariance @ emit.T @ np.linalg.inv(spread)
        mean = mean + gain @ (seen - emit @ mean - offset)
        covariance = covariance - gain @ emit @ covariance
    return total


def test_a_linear_state_space_is_the_textbook_filter(tmp_path):
    made, x = settled(PLAIN, tmp_path), data(PLAIN)["x"]
    found = made.model.log_prob(x=x).detach().numpy()
    np.testing.assert_allclose(found, [textbook(made.model, row) for row in x], rtol=0, atol=1e-8)
    back = settled(BACK, tmp_path).model.log_prob(x=x.flip(1)).detach().numpy()
    np.testing.assert_allclose(back, found, rtol=0, atol=1e-8)
    with torch.no_grad():
        made.model.move.weight.copy_(made.model.move.weight.T.clone())
    assert np.abs(made.model.log_prob(x=x).detach().numpy() - found).max() > 1e-3


def test_steps_that_a_row_does_not_have_count_for_nothing(tmp_path):
    whole, ragged, back = (settled(t, tmp_path) for t in (PLAIN, RAGGED, RAGGED_BACK))
    x, n = data(PLAIN, 4)["x"], torch.tensor([4, 2, 1, 3])
    found = ragged.model.log_prob(n=n, x=x).detach()
    short = [textbook(whole.model, row[:length]) for row, length in zip(x, n, strict=True)]
    np.testing.assert_allclose(found.numpy(), short, rtol=0, atol=1e-8)
    found = back.model.log_prob(n=n, x=x).detach()
    turned = [textbook(whole.model, r[:length].flip(0)) for r, length in zip(x, n, strict=True)]
    np.testing.assert_allclose(found.numpy(), turned, rtol=0, atol=1e-8)


def test_a_mixture_of_integrals_is_the_sum_over_its_classes(tmp_path):
    made, x = settled(MIXED, tmp_path), data(MIXED)["x"]
    each = []
    for c in range(2):
        given = {"c": torch.full((3,), c)}
        each.append(
            torch.stack(
                [exact(made.model.log_joint, {"x": x} | given, (2,), row) for row in range(3)]
            )
        )
    found = made.model.log_prob(x=x).reshape(-1)
    torch.testing.assert_close(found, torch.stack(each).logsumexp(0), rtol=1e-9, atol=1e-9)


def test_little_noise_costs_few_digits(tmp_path):
    """Noise of standard deviation 1e-4 and a signal of 1, in float32."""
    made, x = settled(PLAIN, tmp_path), data(PLAIN)["x"]
    with torch.no_grad():
        made.model.log_noise.fill_(math.log(1e-4))
    wide = made.model.log_prob(x=x)
    with precision(torch.float32):
        narrow = made.model.float().log_prob(x=x.float())
    torch.testing.assert_close(narrow.double(), wide, rtol=1e-3, atol=0.0)


BESIDE = PPCA.replace(
    "  z: {", "  u: {latent: normal, loc: 0, scale: 1, shape: [3]}\n  z: {draw: integrate, "
)
BESIDE = (
    BESIDE.replace("loadings(z) + offset", "loadings(z) + decoder(u)")
    .replace(
        "links: {",
        "guide:\n  u: {latent: normal, loc: encoder(x), scale: 1.0e-9}\n"
        "links: {encoder: linear, decoder: {mlp: [4]}, ",
    )
    .replace("objective: mle", "objective: {elbo: {particles: 3}}")
)


def test_a_bound_holds_the_integral_given_what_a_guide_draws(tmp_path):
    """The guide has almost no variance, so all particles have the same density of x given u."""
    made, x = settled(BESIDE, tmp_path), data(PPCA)["x"]
    _, _, parts = computed(made, {"x": x}, Noise.at(0, dtype=torch.float64), 3)
    divergence = next(v for name, v in parts.items() if name.startswith("KL(q(u"))
    given, standard = {"x": x, "u": made.guide.encoder(x)}, torch.distributions.Normal(0.0, 1.0)

    def of_x_and_z(x, z, u):
        seen = torch.distributions.Normal(*made.model.x_loc_scale(z, u))
        return standard.log_prob(z).sum(-1) + seen.log_prob(x).sum(-1)

    wanted = torch.stack([exact(of_x_and_z, given, (2,), row) for row in range(3)])
    torch.testing.assert_close(parts["elbo"] + divergence, wanted.mean(), rtol=1e-6, atol=1e-6)
    log_p_u = standard.log_prob(given["u"]).sum(-1)
    torch.testing.assert_close(made.model.log_joint(**given), wanted + log_p_u)


WRONG = {
    "a bent mean": (PPCA, "loc: loadings(z) + offset", "loc: tanh(loadings(z))", "affine"),
    "a product": (PPCA, "loadings(z) + offset", "loadings(z) * sum(z)", "affine"),
    "a network": (PPCA, "{linear: true, bias: false}", "{mlp: [3]}", "affine"),
    "its scale": (PPCA, "scale: noise}", "scale: exp(sum(z))}", "scale"),
    "two heads": (PPCA, "loc: loadings(z) + offset, scale: noise", "params: loadings(z)", "scale"),
    "other children": (
        PPCA,
        "normal, loc: loadings(z) + offset,",
        "laplace, loc: loadings(z),",
        "laplace",
    ),
    "the step before": (PLAIN, "emit(z)", "emit(z[t-1])", "z[t-1]"),
    "a bent move": (PLAIN, "move(z[t-1])", "sin(move(z[t-1]))", "affine"),
    "two of them": (
        PPCA,
        "loadings(z) + offset",
        "loadings(z) + w",
        "`w`",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_has_no_closed_form_is_refused_with_the_reason(name):
    text, old, new, word = WRONG[name]
    changed = text.replace(old, new)
    if name == "two of them":
        changed = changed.replace("  z: {", "  w: {latent: normal, loc: 0, scale: 1}\n  z: {", 1)
    assert changed != text
    result, checked = compile(Source("wrong.yaml", changed))
    found = [d for d in checked.diagnostics if d.code == "E0439"]
    assert result is None and found
    assert any(word in d.evidence["reason"] for d in found)
