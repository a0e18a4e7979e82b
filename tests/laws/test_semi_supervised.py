"""The losses of the mean teacher and of Triple-GAN in the gallery, by finite differences.

For fixed noise, in float64, the gradient of every player is the derivative of its loss with respect
to its own links, and an update of a player leaves every other parameter as it is, bit for bit. With
a gradient stopped in the generated code the two differ.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from specc.engine.settings import settings_of
from specc.engine.step.player import players_of
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import settle
from tests.losses import computed

SPECS = Path(__file__).parents[2] / "specs"
GENERATOR = torch.Generator().manual_seed(4)
BATCH = {
    "x": torch.randn(6, 2, generator=GENERATOR, dtype=torch.float64),
    "y": torch.tensor([0, 0, 0, 1, 1, 1]),
    "u": torch.randn(9, 2, generator=GENERATOR, dtype=torch.float64),
}
CASES = {
    ("mean_teacher", "loss"): ("views.guess(views_first)", "views.guess(views_first).detach()"),
    ("triple_gan", "discriminator"): ("norm_grad_critic_x**2", "0 * norm_grad_critic_x**2"),
    ("triple_gan", "classifier"): ("p_guessed_label *", "p_guessed_label.detach() *"),
    ("triple_gan", "generator"): ("made.point(made_z, ", "made.point(made_z, 0 * "),
}
"""Each player with a change of the generated code that its gradient must notice."""


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


def made(name, folder, change=None):
    """The program of a spec with small, smooth networks and parameters of order 0.5."""
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    text = re.sub(r"\{mlp: \[\d+, \d+\].*\}", "{mlp: [4], activation: tanh}", text)
    found = program(text, folder, change)
    settle(found)
    return found


def loss_of(found, player):
    noise = Noise.at(2, dtype=torch.float64)
    (own,) = (loss for loss in found.manifest.losses if loss.name == player)
    batch = {field: value for field, value in BATCH.items() if field in own.inputs}
    return computed(found, batch, noise, name=player)[0]


def own_parameters(found, player):
    """The parameters that a player trains, by name."""
    (own,) = (loss for loss in found.manifest.losses if loss.name == player)
    named = dict(found.named_parameters())
    starts = tuple(f"{prefix}." for prefix in own.parameters)
    return {n: p for n, p in named.items() if n.startswith(starts) and p.requires_grad}


def slopes(found, player, step=1e-5):
    """The derivative of the loss of a player with respect to its parameters, one by one."""
    differences = []
    for value in own_parameters(found, player).values():
        for entry in value.data.view(-1):
            ends = []
            for sign in (1, -1):
                entry += sign * step
                ends.append(loss_of(found, player).item())
                entry -= sign * step
            differences.append((ends[0] - ends[1]) / (2 * step))
    return torch.tensor(differences, dtype=torch.float64)


def gradient(found, player):
    own = list(own_parameters(found, player).values())
    parts = torch.autograd.grad(loss_of(found, player), own, allow_unused=True)
    pairs = zip(own, parts, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in pairs])


@pytest.mark.parametrize(("name", "player"), CASES, ids=[player for _, player in CASES])
def test_the_gradient_is_the_derivative_of_the_loss(name, player, tmp_path):
    found = made(name, tmp_path)
    wanted = slopes(found, player)
    torch.testing.assert_close(gradient(found, player), wanted, rtol=1e-6, atol=1e-8)
    wrong = gradient(made(name, tmp_path, CASES[name, player]), player)
    assert not torch.allclose(wrong, wanted, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(("name", "player"), CASES, ids=[player for _, player in CASES])
def test_an_update_leaves_the_other_links_as_they_are(name, player, tmp_path):
    found = made(name, tmp_path)
    cpu = torch.device("cpu")
    players = players_of(found, settings_of(found.manifest.train), cpu)
    (number,) = (n for n, own in enumerate(found.manifest.losses) if own.name == player)
    before = {key: value.detach().clone() for key, value in found.named_parameters()}
    mover = players[number]
    mover.set_rate(1000, 2000, 0)
    mover.zero_grad()
    mover.backward(loss_of(found, player))
    mover.apply(torch.zeros((), dtype=torch.bool))
    moved = {key for key, value in found.named_parameters() if not torch.equal(before[key], value)}
    assert moved == set(own_parameters(found, player))
