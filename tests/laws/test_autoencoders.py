"""The losses of the autoencoders of the gallery, compared with plain torch written by hand.

Every case has a wrong variant of the loss, which is not equal.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.runtime.distributions import bernoulli, normal
from specc.runtime.noise import Noise
from specc.runtime.program import load

ROOT = Path(__file__).parents[2]


@pytest.fixture
def made(tmp_path, request):
    """A function that compiles a spec of the gallery, in float64."""

    def build(name):
        path = ROOT / "specs" / f"{name}.yaml"
        result, checked = compile(Source(str(path), path.read_text(encoding="utf-8")))
        assert result is not None, checked.diagnostics
        for file, content in result.files.items():
            (tmp_path / file).write_text(content, encoding="utf-8")
        return load(tmp_path)

    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield build
    torch.set_default_dtype(torch.float32)


def pixels(rows=40):
    return torch.rand(rows, 64, dtype=torch.float64)


def loss_of(program, x, noise=None):
    return program.loss("loss", {}, {"x": x}, noise or Noise.at(0, 0, dtype=x.dtype), {}).loss


def squared_error(left, right):
    return (left - right).square().sum(-1).mean()


def autoencoder(model, x, wrong):
    code = model.encoder(x)
    decoded = model.decoder(code)
    return squared_error(decoded if wrong else decoded.sigmoid(), x)


def denoising_autoencoder(model, x, wrong):
    kept = bernoulli.sample(Noise.at(0, 0, dtype=x.dtype), 0.0, shape=x.shape)
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    decoded = model.decoder(model.encoder(x if wrong else kept * x)).sigmoid()
    return squared_error(decoded, x)


def sparse_coding(model, x, wrong):
    code = model.encoder(x).clamp_min(0)
    error = squared_error(code @ model.dictionary.T, x)
    penalty = 0.2 * (code.square() if wrong else code.abs()).sum(-1).mean()
    return error + penalty + 0.01 * model.dictionary.square().sum()


def kmeans(model, x, wrong):
    distances = torch.cdist(x, model.centre + model.offsets).square()
    return (distances.amax(-1) if wrong else distances.amin(-1)).mean()


def vq_vae(model, x, wrong):
    z = model.encoder(x)
    q = model.codebook[torch.cdist(z, model.codebook).argmin(-1)]
    through = q if wrong else z + (q - z).detach()
    decoded = model.decoder(through.flatten(1)).sigmoid()
    codebook = (z.detach() - q).square().sum((1, 2)).mean()
    commitment = (z - q.detach()).square().sum((1, 2)).mean()
    return squared_error(decoded, x) + codebook + 0.25 * commitment


LOSSES = [autoencoder, denoising_autoencoder, sparse_coding, kmeans, vq_vae]


def gradients(loss, program):
    """The gradient of a loss with respect to all parameters, in one vector."""
    own = list(program.parameters())
    found = torch.autograd.grad(loss, own, allow_unused=True)
    pairs = zip(own, found, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in pairs])


@pytest.mark.parametrize("by_hand", LOSSES, ids=lambda f: f.__name__)
def test_the_loss_and_its_gradient_are_those_by_hand(made, by_hand):
    program, x = made(by_hand.__name__), pixels()
    loss = loss_of(program, x)
    mine = gradients(loss, program)
    right, wrong = (by_hand(program.model, x, each) for each in (False, True))
    torch.testing.assert_close(loss, right, rtol=1e-6, atol=0)
    torch.testing.assert_close(mine, gradients(right, program), rtol=1e-6, atol=1e-9)
    # The straight-through estimator has the value of q, so only its gradient is another.
    assert not torch.allclose(mine, gradients(wrong, program), rtol=1e-3)


def kernel(left, right):
    return torch.exp(-(left[:, None] - right).square().sum(-1) / (2 * 4**2))


def test_infovae(made):
    """The kernel has width 4; pairs of one row with itself do not count."""
    program, x = made("infovae"), pixels().round()
    noise = Noise.at(0, 0, dtype=x.dtype)
    loc, scale = program.guide.z_loc_scale(x)
    z = normal.rsample(noise, loc, scale)
    prior = normal.rsample(noise, 0.0, 1.0, shape=z.shape)
    log_p = Bernoulli(logits=program.model.decoder(z)).log_prob(x).sum(-1).mean()
    kl = kl_divergence(Normal(loc, scale), Normal(torch.zeros(()), 1.0)).sum(-1).mean()
    n = len(x)
    off = 1 - torch.eye(n)
    mean = (kernel(z, z) + kernel(prior, prior) - 2 * kernel(z, prior)) * off
    mmd = mean.sum() / (n * (n - 1))
    loss = loss_of(program, x)
    right = -log_p + 0.1 * kl + 100 * mmd
    torch.testing.assert_close(loss, right, rtol=1e-6, atol=0)
    torch.testing.assert_close(
        gradients(loss, program), gradients(right, program), rtol=1e-6, atol=1e-9
    )
    assert abs(loss - (-log_p + kl + 100 * mmd)) > 1e-3
    assert abs(loss - (-log_p + 0.1 * kl)) > 1e-3


def read_slots(model, x, layer):
    """The features of a layer and what attention adds from its slots (Li, Zhu and Zhang 2016)."""
    name, attend, slots = layer
    features = getattr(model, name)(x).clamp_min(0)
    use = getattr(model, attend)(features).sigmoid()
    return (features + use @ getattr(model, slots)).clamp_min(0)


def mem_vae(program, x, wrong):
    """A tenth of the errors of the layers, less the bound; they have no gradient for the guide."""
    model, guide = program.model, program.guide
    r1 = guide.read(x).clamp_min(0)
    r2 = guide.reduce(r1).clamp_min(0)
    loc, scale = guide.z_loc_head(r2), guide.z_log_scale_head(r2).exp()
    z = normal.rsample(Noise.at(0, 0, dtype=x.dtype), loc, scale)
    h2 = read_slots(model, z, ("expand", "attend2", "slots2"))
    h1 = read_slots(model, h2, ("down", "attend1", "slots1"))
    log_p = Bernoulli(logits=model.decoder(h1)).log_prob(x).sum(-1).mean()
    kl = kl_divergence(Normal(loc, scale), Normal(torch.zeros(()), 1.0)).sum(-1).mean()
    local = 0.0
    for inferred, made in ((r1, h1), (r2, h2)):
        target = inferred if wrong else inferred.detach()
        local += (target - made).square().mean()
    return 0.1 * local - log_p + kl


def test_mem_vae(made):
    program, x = made("mem_vae"), pixels().round()
    loss = loss_of(program, x)
    mine = gradients(loss, program)
    right, wrong = (mem_vae(program, x, each) for each in (False, True))
    torch.testing.assert_close(loss, right, rtol=1e-6, atol=0)
    torch.testing.assert_close(mine, gradients(right, program), rtol=1e-6, atol=1e-9)
    assert not torch.allclose(mine, gradients(wrong, program), rtol=1e-3)


def test_a_step_of_kmeans_moves_a_centre_towards_the_mean_of_its_cluster(made):
    """The gradient for centre k is 2 n_k / n (c_k - the mean of its rows), 0 without rows."""
    program, x = made("kmeans"), pixels()
    (found,) = torch.autograd.grad(loss_of(program, x), [program.model.offsets])
    centres = program.model.centre + program.model.offsets
    cluster = program.model.cluster(x, centres)
    assert len(cluster.unique()) > 1
    for k in range(10):
        own = x[cluster == k]
        wanted = 2 * (len(own) * centres[k] - own.sum(0)) / len(x)
        torch.testing.assert_close(found[k], wanted)
