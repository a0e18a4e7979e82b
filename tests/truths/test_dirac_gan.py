"""The Dirac GAN as it is trained: its trajectory has the eigenvalues of its linear system.

The spec is specs/dirac_gan.yaml with one objective after another. The engine trains it in float64
with a small learning rate h, from a point near the equilibrium; x_n are the numbers that are
trained, after step n. Near the equilibrium x_{n+1} = A x_n + b, where A = exp(h J) up to terms of
order h^2, and J is the Jacobian of the gradient field of the players. The test fits A and b to the
trajectory by least squares and compares log(eigenvalues of A) / h with the eigenvalues of J.

For data at c and the critic d(x) = psi x (Mescheder, Geiger and Nowozin 2018, section 2) they are

    minimax, non-saturating     +- i/2                       circle
    Wasserstein, hinge          +- i                         circle
    least squares, d with bias  +- i/2 and -2                circle; the constant of d goes to 1/2
    penalty g/2 |grad d|^2      -g/2 +- sqrt(g^2/4 - w^2)    spiral in
    WGAN-GP, where psi > 0      -g/2 +- sqrt(g^2/4 - 1)      spiral about (g, 0)
    closed loop, c = 1          (-l +- sqrt(l^2 - 4)) / 2    spiral in (Xu et al. 2020, section 3.2)

The last is the loss of Wasserstein with the penalty l d^2 / 2 at earlier data and samples, which
buffers hold.
"""

from __future__ import annotations

import cmath

import pytest
import torch

from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from tests.engine.test_loss_state import stepping
from tests.truths.gallery import SPECS, compiled

RATE, STEPS, START = 0.002, 250, 1e-3
TEXT = (SPECS / "dirac_gan.yaml").read_text(encoding="utf-8")
G = 0.6


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


def roots(w, g):
    """The eigenvalues of [[0, w], [-w, -g]]."""
    half = cmath.sqrt(g * g / 4 - w * w)
    return [-g / 2 - half, -g / 2 + half]


def closed(weight):
    """The options of closed-loop control of a Wasserstein GAN."""
    return f"loss: wasserstein, penalty: {{closed_loop: {weight}, buffer: 10}}"


# The options of the objective, with the eigenvalues.
GAMES = {
    "minimax": ("loss: minimax", roots(0.5, 0)),
    "non-saturating": ("loss: non_saturating", roots(0.5, 0)),
    "wasserstein": ("loss: wasserstein", roots(1, 0)),
    "hinge": ("loss: hinge", roots(1, 0)),
    "least squares": ("loss: least_squares", [-2, *roots(0.5, 0)]),
    "penalty at the data": (f"loss: non_saturating, penalty: {{r1: {G}}}", roots(0.5, G)),
    "wgan_gp": (f"loss: wasserstein, penalty: {{gradient: {G / 2}}}", roots(1, G)),
    "closed loop, weak": (closed(0.5), roots(1, 0.5)),
    "closed loop, strong": (closed(3), roots(1, 3)),
}
CIRCLES = {"minimax", "non-saturating", "wasserstein", "hinge", "least squares"}


def trajectory(folder, name, options):
    """The numbers that the players train, after each step of the engine."""
    place = 1.0 if "closed_loop" in options else 0.0
    text = TEXT.replace("penalty: {r1: 0.6}", options).replace("lr: 0.1", f"lr: {RATE}")
    text = text.replace("0 * model.t", f"{place:g} + 0 * model.t")
    text = text.replace("batch_size: 1,", "batch_size: 1, precision: float64,")
    if name == "least squares":
        text = text.replace("bias: false", "bias: true")
    assert options in text and f"lr: {RATE}" in text
    step = stepping(compiled(Source("dirac_gan.yaml", text), folder))
    numbers = list(step.program.parameters())
    theta, psi, *constant = numbers
    assert theta.dtype == torch.float64
    with torch.no_grad():
        theta.fill_(place + START)
        psi.fill_(0.5 if name == "wgan_gp" else 0.0)
        for each in constant:
            each.fill_(0.5 + START)
    found = []
    for number in range(STEPS):
        found.append(torch.cat([each.detach().flatten().clone() for each in numbers]))
        step(0, number, *[torch.arange(1)] * step.updates)
    return torch.stack(found)


def eigenvalues(points):
    """log(eigenvalues of A) / h of the map from each point to the next, by least squares."""
    before, after = points[:-1], points[1:]
    ones = torch.ones(len(before), 1, dtype=torch.float64)
    middle = before.mean(0)
    fit = torch.linalg.lstsq(torch.cat((before - middle, ones), 1), after - before).solution
    moved = torch.linalg.eigvals(torch.eye(points.shape[1]) + fit[:-1].T)
    return sorted((moved.log() / RATE).tolist(), key=lambda value: (value.real, value.imag))


def close(found, wanted, within=0.02):
    wanted = sorted(map(complex, wanted), key=lambda value: (round(value.real, 9), value.imag))
    left = list(found)
    for value in wanted:
        nearest = min(left, key=lambda each: abs(each - value))
        left.remove(nearest)
        if abs(nearest - value) > within * abs(value):
            return False
    return True


@pytest.mark.parametrize("name", GAMES)
def test_a_trajectory_has_the_eigenvalues_of_its_linear_system(tmp_path, name):
    options, wanted = GAMES[name]
    found = eigenvalues(trajectory(tmp_path, name, options))
    assert close(found, wanted), found
    slowest = max(value.real for value in found)
    assert (abs(slowest) < 0.01) if name in CIRCLES else (slowest < -0.2), found


def test_another_weight_and_no_control_are_noticed(tmp_path):
    """Twice the weight, half of it, as without buffers of data, and none."""
    points = {w: trajectory(tmp_path / str(w), "closed loop", closed(w)) for w in (0.25, 1)}
    for found in map(eigenvalues, points.values()):
        assert not close(found, GAMES["closed loop, weak"][1])
    circle = eigenvalues(trajectory(tmp_path / "none", "wasserstein", "loss: wasserstein"))
    assert not close(circle, GAMES["closed loop, weak"][1])
    assert not close(circle, GAMES["non-saturating"][1])
