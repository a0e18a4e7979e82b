"""Triple-GAN on a finite space (Li et al. 2017, section 3.2): the optimum of three players.

Data have the probabilities p(x, y), the generator draws x given y, the classifier y given x, and
p_alpha = alpha p_c + (1 - alpha) p_g is the mixture of their pairs. The discriminator sigmoid(d)
that minimizes its loss is p/(p + p_alpha) (lemma 3.1), and its loss there is
ln 4 - 2 JS(p, p_alpha). At the equilibrium, where p_alpha is p, the value of the game, the negative
of that loss, is -ln 4 (theorem 3.3). The rows have exactly the frequencies p, and all draws are
summed out, so there is no sampling error.
"""

from __future__ import annotations

import math

import pytest
import torch

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.losses import computed

SPEC = """\
specc: 1
name: finite
constants: {alpha: 0.4, marginal: [0.4, 0.6]}
data:
  sources:
    labelled: {source: npz, path: d.npz, fields: {x: {from: x, shape: []}, y: {from: y, shape: []}}}
    unlabelled: {source: npz, path: u.npz, fields: {u: {from: u, shape: []}}}
model:
  judge: {parameter: real, shape: [3, 2], init: zeros}
  generate: {parameter: real, shape: [2, 3], init: zeros}
  classify: {parameter: real, shape: [3, 2], init: zeros}
  x: {observed: categorical, logits: 0, classes: 3}
  u: {observed: categorical, logits: 0, classes: 3}
  y: {observed: categorical, logits: "classify[x]", classes: 2}
programs:
  real:
    score: {let: "model.judge[data.x, data.y]"}
  guess:
    label: {latent: categorical, logits: "model.classify[data.u]", draw: enumerate}
    score: {let: "model.judge[data.u, label]"}
  made:
    label: {latent: categorical, probs: marginal, draw: enumerate, plate: unlabelled}
    point: {latent: categorical, logits: "model.generate[label]", draw: enumerate}
    score: {let: "model.judge[point, label]"}
objective:
  players:
    discriminator:
      minimize: >-
        softplus(-real.score) + alpha * softplus(guess.score) + (1 - alpha) * softplus(made.score)
      links: [judge]
    generator:
      minimize: "-(1 - alpha) * softplus(made.score)"
      links: [generate]
    classifier:
      minimize: "-alpha * softplus(guess.score) - SUPERVISED * log_prob(model.y)"
      links: [classify]
"""
ALPHA, WITHIN = 0.4, 1e-3
P = torch.tensor([[0.15, 0.05], [0.05, 0.25], [0.2, 0.3]], dtype=torch.float64)
"""p(x, y), of which the rows below have exactly the frequencies: 20 with labels, 20 without."""
PAIRS = [pair for pair in torch.cartesian_prod(torch.arange(3), torch.arange(2)).tolist()
         for _ in range(round(20 * P[tuple(pair)].item()))]  # fmt: skip
BATCH = {
    "x": torch.tensor([x for x, _ in PAIRS]),
    "y": torch.tensor([y for _, y in PAIRS]),
    "u": torch.tensor([x for x, _ in PAIRS]),
}
TABLES = {"discriminator": "judge", "generator": "generate", "classifier": "classify"}


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


class Game:
    """The three players, whose tables start from random entries."""

    def __init__(self, folder, supervised=1.0, change=None, seed=0):
        text = SPEC.replace("SUPERVISED", str(supervised))
        self.program = program(text, folder, change)
        self.tables = {name: getattr(self.program.model, of) for name, of in TABLES.items()}
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for table in self.tables.values():
                table.copy_(torch.randn(table.shape, generator=generator, dtype=torch.float64))

    def loss(self, player):
        noise = Noise.at(1, dtype=torch.float64)
        return computed(self.program, BATCH, noise, len(PAIRS), name=player)[0]

    def pairs(self):
        """p_g(x, y) and p_c(x, y)."""
        made = P.sum(0) * self.tables["generator"].detach().softmax(-1).T
        guessed = P.sum(1, keepdim=True) * self.tables["classifier"].detach().softmax(-1)
        return made, guessed

    def mixture(self):
        made, guessed = self.pairs()
        return ALPHA * guessed + (1 - ALPHA) * made

    def discriminate(self, most=200):
        """The discriminator at its optimum for these samples and guesses; its loss."""
        table = self.tables["discriminator"]
        options = {"max_iter": most, "line_search_fn": "strong_wolfe", "tolerance_change": 1e-14}
        optimizer = torch.optim.LBFGS([table], **options)

        def step():
            optimizer.zero_grad()
            found = self.loss("discriminator")
            found.backward(inputs=[table])
            return found

        optimizer.step(step)
        return step().item()

    def play(self, rounds):
        """Generator and classifier move, the discriminator replies; its loss at the end."""
        others = {name: self.tables[name] for name in ("generator", "classifier")}
        optimizers = {name: torch.optim.Adam([table], 0.2) for name, table in others.items()}
        for _ in range(rounds):
            self.discriminate(5)
            for name, table in others.items():
                optimizers[name].zero_grad()
                self.loss(name).backward(inputs=[table])
                optimizers[name].step()
        return self.discriminate()


def divergence(a, b):
    return (a * (a / b).log()).sum()


def jensen_shannon(a, b):
    middle = (a + b) / 2
    return (divergence(a, middle) + divergence(b, middle)).item() / 2


def test_the_rows_have_the_probabilities():
    counts = torch.zeros(3, 2, dtype=torch.float64)
    for x, y in PAIRS:
        counts[x, y] += 1 / len(PAIRS)
    torch.testing.assert_close(counts, P)


def test_the_best_discriminator_is_the_share_of_the_data(tmp_path):
    game = Game(tmp_path)
    found, mixture = game.discriminate(), game.mixture()
    share = game.tables["discriminator"].detach().sigmoid()
    torch.testing.assert_close(share, P / (P + mixture), rtol=0, atol=WITHIN)
    assert found == pytest.approx(math.log(4) - 2 * jensen_shannon(P, mixture), abs=WITHIN)
    assert found < math.log(4) - 0.05


def test_the_value_at_the_equilibrium_is_minus_ln_4(tmp_path):
    game = Game(tmp_path)
    assert -game.play(120) == pytest.approx(-math.log(4), abs=WITHIN)
    for own in game.pairs():
        torch.testing.assert_close(own, P, rtol=0, atol=5 * WITHIN)


def test_without_labels_in_its_loss_the_classifier_may_be_wrong(tmp_path):
    """The mixture is p, and so is the value of the game, but neither of its parts need be."""
    game = Game(tmp_path, supervised=0.0)
    assert -game.play(120) == pytest.approx(-math.log(4), abs=WITHIN)
    torch.testing.assert_close(game.mixture(), P, rtol=0, atol=5 * WITHIN)
    assert max((own - P).abs().max() for own in game.pairs()) > 20 * WITHIN


def test_a_discriminator_of_other_weights_is_noticed(tmp_path):
    """With half of the weight of the guesses, both figures of the optimum differ."""
    once, half = "0.4 * expected_softplus_guess_score", "0.2 * expected_softplus_guess_score"
    game = Game(tmp_path, change=(once, half))
    found, mixture = game.discriminate(), game.mixture()
    share = game.tables["discriminator"].detach().sigmoid()
    assert (share - P / (P + mixture)).abs().max() > 10 * WITHIN
    assert abs(found - (math.log(4) - 2 * jensen_shannon(P, mixture))) > 10 * WITHIN


def test_guesses_that_are_not_summed_out_are_noticed(tmp_path):
    """With guesses that all count alike, the classifier learns from its labels alone."""
    right, wrong = (Game(tmp_path, 0.0, change) for change in (None, ("p_guess_label *", "0.5 *")))
    for game in (right, wrong):
        game.discriminate()
    slopes = [
        torch.autograd.grad(g.loss("classifier"), g.tables["classifier"], allow_unused=True)[0]
        for g in (right, wrong)
    ]
    # d/dc of -alpha sum_x p(x) sum_y p_c(y | x) softplus(d(x, y)), by hand.
    guess = right.tables["classifier"].detach().softmax(-1)
    costs = -ALPHA * torch.nn.functional.softplus(right.tables["discriminator"].detach())
    mean = (guess * costs).sum(-1, keepdim=True)
    wanted = P.sum(1, keepdim=True) * guess * (costs - mean)
    torch.testing.assert_close(slopes[0], wanted, rtol=1e-9, atol=1e-12)
    assert slopes[1] is None or not torch.allclose(slopes[1], wanted, rtol=1e-2)
