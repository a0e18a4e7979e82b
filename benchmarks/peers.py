"""The same training step in PyTorch, Pyro and NumPyro: a 784-H-H-Z VAE with ELBO or IWAE."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Normal, kl_divergence

Step = Callable[[Tensor], object]


class Encoder(nn.Module):
    """A network with two heads, for the mean and the scale."""

    def __init__(self, data: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(data, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.loc = nn.Linear(hidden, latent)
        self.log_scale = nn.Linear(hidden, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the scale."""
        h = self.body(x)
        return self.loc(h), self.log_scale(h).exp()


def decoder(data: int, hidden: int, latent: int) -> nn.Sequential:
    """The network from latents to logits."""
    return nn.Sequential(
        nn.Linear(latent, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, data),
    )


def by_hand(data: int, hidden: int, latent: int, particles: int) -> Step:
    """Eager PyTorch with torch.distributions and the default Adam."""
    encode, decode = Encoder(data, hidden, latent), decoder(data, hidden, latent)
    optimizer = torch.optim.Adam([*encode.parameters(), *decode.parameters()], lr=1e-3)

    def step(x: Tensor) -> Tensor:
        q = Normal(*encode(x))
        prior = Normal(torch.zeros(()), torch.ones(()))
        if particles == 1:
            z = q.rsample()
            fit = Bernoulli(logits=decode(z)).log_prob(x).sum(-1)
            loss = -(fit - kl_divergence(q, prior).sum(-1)).mean()
        else:
            z = q.rsample((particles,))
            log_w = (
                Bernoulli(logits=decode(z)).log_prob(x).sum(-1)
                + prior.log_prob(z).sum(-1)
                - q.log_prob(z).sum(-1)
            )
            loss = -log_w.logsumexp(0).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def in_pyro(data: int, hidden: int, latent: int, particles: int) -> Step:
    """Pyro: TraceMeanField_ELBO, or RenyiELBO of order 0 with vectorized particles."""
    import pyro
    import pyro.distributions as dist
    from pyro.infer import SVI, RenyiELBO, TraceMeanField_ELBO
    from pyro.optim import Adam

    encode, decode = Encoder(data, hidden, latent), decoder(data, hidden, latent)
    pyro.clear_param_store()

    def model(x: Tensor) -> None:
        pyro.module("decoder", decode)
        with pyro.plate("rows", x.shape[0], dim=-1):
            zero = torch.zeros(x.shape[0], latent)
            z = pyro.sample("z", dist.Normal(zero, torch.ones_like(zero)).to_event(1))
            pyro.sample("x", dist.Bernoulli(logits=decode(z)).to_event(1), obs=x)

    def guide(x: Tensor) -> None:
        pyro.module("encoder", encode)
        with pyro.plate("rows", x.shape[0], dim=-1):
            pyro.sample("z", dist.Normal(*encode(x)).to_event(1))

    loss = (
        TraceMeanField_ELBO()
        if particles == 1
        else RenyiELBO(alpha=0, num_particles=particles, vectorize_particles=True)
    )
    svi = SVI(model, guide, Adam({"lr": 1e-3}), loss)
    return svi.step


def in_numpyro(data: int, hidden: int, latent: int) -> Callable[[list[Tensor]], object]:
    """NumPyro: SVI of the same VAE, with all steps in one compiled `lax.scan`."""
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from jax.example_libraries import stax
    from numpyro.infer import SVI, TraceMeanField_ELBO
    from numpyro.optim import Adam

    layers = (stax.Dense(hidden), stax.Relu, stax.Dense(hidden), stax.Relu)
    heads = (
        stax.FanOut(2),
        stax.parallel(stax.Dense(latent), stax.serial(stax.Dense(latent), stax.Exp)),
    )
    encoder, decoder = stax.serial(*layers, *heads), stax.serial(*layers, stax.Dense(data))

    def model(x: jax.Array) -> None:
        decode = numpyro.module("decoder", decoder, (x.shape[0], latent))
        with numpyro.plate("rows", x.shape[0]):
            z = numpyro.sample("z", dist.Normal(0, 1).expand([latent]).to_event(1))
            numpyro.sample("x", dist.Bernoulli(logits=decode(z)).to_event(1), obs=x)

    def guide(x: jax.Array) -> None:
        encode = numpyro.module("encoder", encoder, (x.shape[0], data))
        with numpyro.plate("rows", x.shape[0]):
            numpyro.sample("z", dist.Normal(*encode(x)).to_event(1))

    svi = SVI(model, guide, Adam(1e-3), TraceMeanField_ELBO())
    scan = jax.jit(lambda state, xs: jax.lax.scan(svi.update, state, xs))
    state = None

    def run(batches: list[Tensor]) -> object:
        nonlocal state
        xs = jnp.asarray(torch.stack(batches).numpy())
        if state is None:
            state = svi.init(jax.random.PRNGKey(0), xs[0])
        state, losses = scan(state, xs)
        return losses.block_until_ready()

    return run
