"""The Dirac GAN: gradient fields of compiled players near their equilibrium, in closed form.

The data are 0, the generator draws a parameter theta, and the critic is d(x) = psi x (Mescheder,
Geiger and Nowozin 2018, section 2). The players follow v = (-dG/dtheta, -dC/dpsi), where G and C
are their losses. At theta = psi = 0 the Jacobian of v is [[0, w], [-w, -g]]: w is the slope of the
losses in d(x) at 0, and g psi the derivative of a penalty. Its eigenvalues are
-g/2 +- sqrt(g^2/4 - w^2). The tests compute the Jacobian from the compiled losses by automatic
differentiation in float64.

Without a penalty g = 0, and the eigenvalues are +-iw: the flow rotates. Simultaneous steps h
multiply the distance from the equilibrium by sqrt(1 + h^2 w^2) each; alternating ones have
eigenvalues of modulus 1 and keep it. With the penalty (g/2) E|grad d(data)|^2 the flow spirals in
at the rate g/2.

The penalty (g/2) E(|grad d| - 1)^2 of WGAN-GP has no derivative at psi = 0. Where psi > 0 the field
is v = (psi, -theta - g (psi - 1)), with the eigenvalues -g/2 +- sqrt(g^2/4 - 1) about (g, 0), which
is not an equilibrium: the critic jumps over psi = 0, and the players do not converge.
"""

from __future__ import annotations

import cmath
import math

import pytest
import torch

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.losses import computed

SPEC = """\
specc: 1
name: dirac
data: {source: npz, path: d.npz, fields: {x: {from: x}}}
model:
  theta: {parameter: real, init: 0.5}
  psi: {parameter: real, init: 0.5}
  z: {latent: normal, loc: 0, scale: 1}
  x: {let: "theta + 0 * z"}
objective:
  players:
    critic: {minimize: "CRITIC", links: [psi]}
    generator: {minimize: "GENERATOR", links: [theta]}
"""
REAL, DRAWN = "model.psi * data.x", "model.psi * model.x"
LOGISTIC = f"softplus(-{REAL}) + softplus({DRAWN})"
WASSERSTEIN = f"{DRAWN} - {REAL}"
SQUARES = f"({REAL} - 1) ** 2 / 2 + ({DRAWN} + 1) ** 2 / 2"
G = 0.6
PENALTY = f" + {G} * grad({REAL}, data.x) ** 2 / 2"
NORM_PENALTY = f" + {G} * (abs(grad({DRAWN}, model.x)) - 1) ** 2 / 2"
# The losses of critic and generator, with w and g.
GAMES = {
    "minimax": (LOGISTIC, f"-softplus({DRAWN})", 0.5, 0.0),
    "non-saturating": (LOGISTIC, f"softplus(-{DRAWN})", 0.5, 0.0),
    "wasserstein": (WASSERSTEIN, f"-{DRAWN}", 1.0, 0.0),
    "least squares": (SQUARES, f"({DRAWN} - 1) ** 2 / 2", 1.0, 0.0),
    "hinge": (f"relu(1 - {REAL}) + relu(1 + {DRAWN})", f"-{DRAWN}", 1.0, 0.0),
    "non-saturating, penalty": (LOGISTIC + PENALTY, f"softplus(-{DRAWN})", 0.5, G),
    "wasserstein, penalty": (WASSERSTEIN + PENALTY, f"-{DRAWN}", 1.0, G),
}
SHORT = """\
specc: 1
name: dirac
data: {source: npz, path: d.npz, fields: {x: {from: x}}}
model:
  theta: {parameter: real, init: 0.5}
  z: {latent: normal, loc: 0, scale: 1}
  x: {let: "theta + 0 * z"}
links: {d: {linear: true, bias: false}}
objective: {gan: {critic: d, OPTIONS}}
"""
# The options of the short name for a game.
OPTIONS = {
    "minimax": "loss: minimax",
    "non-saturating": "loss: non_saturating",
    "wasserstein": "loss: wasserstein",
    "hinge": "loss: hinge",
    "non-saturating, penalty": f"loss: non_saturating, penalty: {{r1: {G}}}",
    "wasserstein, penalty": f"loss: wasserstein, penalty: {{r1: {G}}}",
}
CIRCLES = [name for name, game in GAMES.items() if not game[3]]
SPIRALS = [name for name, game in GAMES.items() if game[3]]
WGAN_GP = (WASSERSTEIN + NORM_PENALTY, f"-{DRAWN}")
ROWS = torch.zeros(4, dtype=torch.float64)
STEP = 0.1


class Game:
    """Two compiled players at a point (theta, psi)."""

    def __init__(self, folder, critic, generator):
        text = SPEC.replace("CRITIC", critic).replace("GENERATOR", generator)
        self.made = program(text, folder)
        self.parameters = [self.made.model.theta, self.made.model.psi]

    @classmethod
    def short(cls, folder, options):
        """The players of the long form of a short name."""
        game = cls.__new__(cls)
        game.made = program(SHORT.replace("OPTIONS", options), folder)
        game.parameters = [game.made.model.theta, *game.made.networks.parameters()]
        return game

    def gradients(self, theta, psi):
        """The gradients for theta and for psi, as differentiable tensors."""
        for parameter, value in zip(self.parameters, (theta, psi), strict=True):
            parameter.data.fill_(value)
        losses = [
            computed(self.made, {"x": ROWS}, Noise.at(1, dtype=torch.float64), name=name)[0]
            for name in ("generator", "critic")
        ]
        return [
            torch.autograd.grad(loss, [parameter], create_graph=True)[0]
            for loss, parameter in zip(losses, self.parameters, strict=True)
        ]

    def eigenvalues(self, theta=0.0, psi=0.0):
        """The eigenvalues of the Jacobian of v, sorted by imaginary part."""
        rows = [
            torch.autograd.grad(-slope, self.parameters, allow_unused=True)
            for slope in self.gradients(theta, psi)
        ]
        jacobian = torch.tensor([[0.0 if g is None else g.item() for g in row] for row in rows])
        found = torch.linalg.eigvals(jacobian).tolist()
        return sorted(found, key=lambda value: (value.imag, value.real))

    def radii(self, steps, start=0.01, *, alternating):
        """The distances from the equilibrium along a trajectory of gradient steps."""
        theta, psi, found = start, 0.0, [start]
        for _ in range(steps):
            slope = self.gradients(theta, psi)
            psi -= STEP * slope[1].item()
            if alternating:
                slope = self.gradients(theta, psi)
            theta -= STEP * slope[0].item()
            found.append(math.hypot(theta, psi))
        return found


def roots(w, g):
    """The eigenvalues of [[0, w], [-w, -g]]."""
    half = cmath.sqrt(g * g / 4 - w * w)
    return [-g / 2 - half, -g / 2 + half]


def close(found, wanted, within=0.02):
    return all(abs(a - b) <= within * abs(b) for a, b in zip(found, wanted, strict=True))


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


@pytest.mark.parametrize("name", GAMES)
def test_the_eigenvalues_at_the_equilibrium_are_those_published(tmp_path, name):
    critic, generator, w, g = GAMES[name]
    assert close(Game(tmp_path, critic, generator).eigenvalues(), roots(w, g), 1e-9)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_eigenvalues_of_a_short_name_are_those_published(tmp_path, name):
    _, _, w, g = GAMES[name]
    assert close(Game.short(tmp_path, OPTIONS[name]).eigenvalues(), roots(w, g), 1e-9)


def test_another_loss_and_another_weight_of_a_short_name_are_noticed(tmp_path):
    hinge = Game.short(tmp_path, OPTIONS["hinge"]).eigenvalues()
    assert not close(hinge, roots(0.5, 0.0))
    doubled = Game.short(tmp_path, f"loss: wasserstein, penalty: {{r1: {2 * G}}}").eigenvalues()
    assert not close(doubled, roots(1.0, G))


def test_the_gradient_penalty_of_a_short_name_has_its_eigenvalues(tmp_path):
    """Its weight is half of g."""
    options = f"loss: wasserstein, penalty: {{gradient: {G / 2}}}"
    assert close(Game.short(tmp_path, options).eigenvalues(0.0, 0.5), roots(1.0, G), 1e-9)


def test_the_least_squares_of_a_short_name_have_no_linear_part(tmp_path):
    found = Game.short(tmp_path, "loss: least_squares").eigenvalues()
    assert max(abs(value) for value in found) < 1e-9


def test_a_wrong_sign_and_a_wrong_factor_are_noticed(tmp_path):
    ascending = Game(tmp_path, WASSERSTEIN, DRAWN).eigenvalues()
    assert close(ascending, [-1.0, 1.0], 1e-9)
    assert not close(ascending, roots(1.0, 0.0))
    doubled = Game(tmp_path, f"2 * ({LOGISTIC})", f"softplus(-{DRAWN})").eigenvalues()
    assert not close(doubled, roots(0.5, 0.0))


def test_least_squares_towards_zero_and_one_has_no_linear_part(tmp_path):
    """With targets 0 and 1 a critic without a constant has v = (psi, 0) to first order."""
    critic = f"({REAL} - 1) ** 2 / 2 + ({DRAWN}) ** 2 / 2"
    found = Game(tmp_path, critic, f"({DRAWN} - 1) ** 2 / 2").eigenvalues()
    assert max(abs(value) for value in found) < 1e-9


@pytest.mark.parametrize("name", CIRCLES)
def test_simultaneous_steps_spiral_out_and_alternating_ones_stay(tmp_path, name):
    critic, generator, w, _ = GAMES[name]
    game = Game(tmp_path, critic, generator)
    steps = 200
    radii = game.radii(steps, alternating=False)
    assert radii[-1] / radii[0] == pytest.approx((1 + (STEP * w) ** 2) ** (steps / 2), rel=0.02)
    # The invariant ellipse of alternating steps has the axes 1 +- h w / 2, to first order.
    radii = game.radii(steps, alternating=True)
    assert 1 - 0.6 * STEP * w < min(radii) / radii[0]
    assert max(radii) / radii[0] < 1 + 0.6 * STEP * w


@pytest.mark.parametrize("name", SPIRALS)
@pytest.mark.parametrize("alternating", [True, False])
def test_a_penalty_of_the_slope_at_the_data_spirals_in(tmp_path, name, alternating):
    critic, generator, w, g = GAMES[name]
    radii = Game(tmp_path, critic, generator).radii(200, alternating=alternating)
    # The determinant of a step, whose root is the modulus of its complex eigenvalues.
    modulus = math.sqrt(1 - STEP * g + (0.0 if alternating else (STEP * w) ** 2))
    rate = math.log(radii[200] / radii[100]) / 100
    assert rate == pytest.approx(math.log(modulus), rel=0.2)
    assert radii[-1] < 0.01 * radii[0]


def test_wgan_gp_has_its_eigenvalues_and_does_not_converge(tmp_path):
    game = Game(tmp_path, *WGAN_GP)
    assert close(game.eigenvalues(0.0, 0.5), roots(1.0, G), 1e-9)
    for alternating in (True, False):
        radii = game.radii(400, alternating=alternating)
        assert 0.2 < min(radii[200:]) <= max(radii[200:]) < 3
