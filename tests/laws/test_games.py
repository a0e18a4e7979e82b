"""Losses of the conditional models and the inferring GANs of the gallery, by hand in plain torch.

Each is computed in float64 from the same weights and the same draws; with one part changed in the
generated code it differs.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy, leaky_relu, linear, one_hot, relu, softplus

from specc.engine.storage.loaded_run import precision
from specc.runtime.distributions import categorical, normal
from specc.runtime.links.spectral_norm import SpectralNorm
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import settle
from tests.losses import computed

SPECS = Path(__file__).parents[2] / "specs"
ROWS = 6
X = torch.rand(ROWS, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
SQUARE = X.reshape(ROWS, 1, 8, 8)
Y = torch.tensor([0, 3, 9, 1, 3, 7])


@pytest.fixture(autouse=True)
def exactly():
    with precision(torch.float64):
        yield


def made(name, folder, change=None):
    """The program of a spec of the gallery, with parameters of order 0.1."""
    found = program((SPECS / f"{name}.yaml").read_text(encoding="utf-8"), folder, change)
    settle(found)
    with torch.no_grad():
        for value in found.parameters():
            value.mul_(0.2)
    for layer in found.modules():
        if isinstance(layer, SpectralNorm):
            layer.iterate(15)
    return found.eval()


def noise():
    return Noise.at(3, dtype=torch.float64)


def layers(module, value, activation):
    """A multilayer perceptron by its weights; those with a spectral norm are divided by it."""
    every = [layer for layer in module.modules() if hasattr(layer, "weight")]
    for number, layer in enumerate(every):
        value = linear(value, normalized(layer), layer.bias)
        if number + 1 < len(every):
            value = activation(value)
    return value


def normalized(layer):
    if not isinstance(layer, SpectralNorm):
        return layer.weight
    return layer.weight / torch.dot(layer.u, layer.weight @ layer.v)


def critic_of_acgan(found, noise):
    """Odena, Olah and Shlens (2017), equations 1 and 2, with the hinge loss for equation 1."""
    real, fake = (
        layers(found.real.features, images, leaky_relu)
        for images in (X, pictures(found, of_classes(noise)))
    )
    head, classes = found.networks.critic, found.real.classifier
    scores = [layers(head, h, relu).squeeze(-1) for h in (real, fake)]
    named = [cross_entropy(linear(h, classes.weight, classes.bias), Y) for h in (real, fake)]
    return (relu(1 - scores[0]) + relu(1 + scores[1])).mean() + sum(named)


def first_critic_of_stackgan(found, noise):
    """Zhang et al. (2017), equation 3, with the hinge loss: pictures of half the resolution."""
    made = found.small_real
    links = (made.small_features, made.small_head, made.small_project)
    return hinge_of_projections(links, halves(), pictures_of(found.model.first, of_classes(noise)))


def second_critic_of_stackgan(found, noise):
    """Zhang et al. (2017), equation 5, with the hinge loss, for pairs of both resolutions."""
    small = pictures_of(found.model.first, of_classes(noise))
    detail = of_classes(noise)
    images = pictures_of(found.model.second, torch.cat([small, detail], 1))
    links = (found.real.features, found.real.head, found.real.project)
    pairs = (torch.cat([X, halves()], 1), torch.cat([images, small], 1))
    return hinge_of_projections(links, *pairs)


def halves():
    return X.reshape(ROWS, 4, 2, 4, 2).mean((2, 4)).flatten(1)


def critic_of_projection(found, noise):
    """Miyato and Koyama (2018), equation 3, with the hinge loss."""
    links = (found.real.features, found.real.head, found.real.project)
    return hinge_of_projections(links, X, pictures(found, of_classes(noise)))


def hinge_of_projections(links, data, samples):
    features, head, project = links

    def score(images):
        h = relu(layers(features, images, leaky_relu))
        return layers(head, h, relu).squeeze(-1) + (project.weight[Y] * h).sum(1)

    return (relu(1 - score(data)) + relu(1 + score(samples))).mean()


def critic_of_infogan(found, noise):
    """Chen et al. (2016), equation 6: the recognition network shares the features of the critic."""
    codes = categorical.sample(noise, torch.zeros(10, dtype=torch.float64), shape=(ROWS,))
    z = normal.rsample(noise, 0.0, 1.0, shape=(ROWS, 4))
    hot = one_hot(codes.long(), 10).double()
    images = torch.sigmoid(found.model.generator(torch.cat([z, hot], 1)))
    features = found.real.features
    real, fake = (layers(found.networks.critic, features(v), leaky_relu) for v in (SQUARE, images))
    named = cross_entropy(found.fake.recognizer(features(images)), codes.long())
    return (softplus(-real) + softplus(fake)).mean() + named


def generator_of_ali(found, noise):
    """Dumoulin et al. (2017), algorithm 1."""
    z = inferred(found, noise)
    drawn = normal.rsample(noise, 0.0, 1.0, shape=(ROWS, 8))
    images = torch.sigmoid(layers(found.model.decoder, drawn, relu))
    scores = (
        layers(found.networks.critic, torch.cat(pair, 1), leaky_relu)
        for pair in ((X, z), (images, drawn))
    )
    real, fake = scores
    return (softplus(real) + softplus(-fake)).mean()


def encoder_of_vae_gan(found, noise):
    """Larsen et al. (2016), equation 8: the divergence, and the error of features."""
    mean, spread = posterior(found)
    z = mean + spread * noise.normal(mean.shape)
    images = torch.sigmoid(layers(found.model.decoder, z, relu))
    real, again = (relu(layers(found.real.features, v, leaky_relu)) for v in (X, images))
    divergence = (mean**2 + spread**2 - 1) / 2 - spread.log()
    return (divergence.sum(1) + 50 * ((real - again) ** 2).sum(1)).mean()


def generator_of_cgmmn(found, noise):
    """Ren et al. (2016), section 3.1, for labels that are equal or unlike: class by class."""
    images, total = pictures(found, of_classes(noise)), 0.0
    for label in Y.unique():
        own = label == Y
        samples, data, n = images[own], X[own], own.sum()
        distance = similar(samples, samples) + similar(data, data) - 2 * similar(samples, data)
        total += (n / (n + 1)) ** 2 * distance
    return total


def similar(left, right):
    """The mean of Gaussian kernels of four widths over all pairs."""
    squares = (left[:, None] - right).square().sum(-1)
    return sum(torch.exp(-squares / (2 * w**2)).mean() for w in (0.5, 1, 2, 4)) / 4


def pictures(found, z):
    return pictures_of(found.model.generator, z)


def pictures_of(generator, z):
    """What a generator makes of noise, or of a picture, beside the label."""
    hot = one_hot(Y, 10).double()
    return torch.sigmoid(layers(generator, torch.cat([z, hot], 1), relu))


def of_classes(noise):
    return normal.rsample(noise, 0.0, 1.0, shape=(ROWS, 16))


def posterior(found):
    """The mean and the standard deviation of the guide."""
    h = relu(layers(found.guide.encoder, X, relu))
    return found.guide.z_loc_head(h), found.guide.z_log_scale_head(h).exp()


def inferred(found, noise):
    return normal.rsample(noise, *posterior(found))


CASES = {
    ("conditional_gan", "critic"): (
        critic_of_projection,
        ("fake.direction(y)", "fake.direction(0 * y)"),
    ),
    ("cgmmn", "generator"): (generator_of_cgmmn, ("to_float(y)", "0 * to_float(y)")),
    ("acgan", "critic"): (critic_of_acgan, ("fake.y_logits(fake_h)", "fake.y_logits(real_h)")),
    ("stackgan", "small_critic"): (
        first_critic_of_stackgan,
        ("1 + small_fake_score", "2 + small_fake_score"),
    ),
    ("stackgan", "critic"): (
        second_critic_of_stackgan,
        ("fake.direction(y)", "fake.direction(0 * y)"),
    ),
    ("infogan", "critic"): (critic_of_infogan, ("(model_c, fake", "(0 * model_c, fake")),
    ("ali", "generator"): (generator_of_ali, ("concat(x, z)", "concat(x, model_z)")),
    ("vae_gan", "encoder"): (encoder_of_vae_gan, ("50.0 * sum_real", "100.0 * sum_real")),
}


@pytest.mark.parametrize(("name", "player"), CASES, ids=map("-".join, CASES))
def test_a_loss_is_that_of_the_paper(name, player, tmp_path):
    by_hand, wrong = CASES[name, player]
    for change in (None, wrong):
        found = made(name, tmp_path, change).eval()  # dropout would draw other masks
        (loss,) = (own for own in found.manifest.losses if own.name == player)
        images = {"infogan": SQUARE, "stackgan": SQUARE[:, 0]}
        rows = {"x": images.get(name, X), "y": Y}
        batch = {field: value for field, value in rows.items() if field in loss.inputs}
        value = computed(found, batch, noise(), ROWS, name=player)[0]
        with torch.no_grad():
            wanted = by_hand(found, noise())
        assert torch.allclose(value, wanted, rtol=1e-10) == (change is None)
