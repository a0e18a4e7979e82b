"""Models in which some latents are drawn and finite ones are summed out, against explicit sums."""

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Dirichlet, Normal

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import gradient, settle
from tests.losses import computed

HEAD = "specc: 1\nname: mixed\n"
DOUBLE = torch.float64


@pytest.fixture(autouse=True)
def _double():
    with precision(DOUBLE):
        yield


def agree(made, found, wanted):
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(gradient(made, found.sum()), gradient(made, wanted.sum()))


TOPICS = """
plates: {k: {size: 5, lengths: n}}
model:
  n: {given: n}
  beta: {parameter: simplex, shape: [2, 4]}
  theta: {latent: dirichlet, concentration: 0.7, shape: [2]}
  topic: {latent: categorical, probs: theta, plate: k, draw: enumerate}
  word: {observed: categorical, probs: "beta[topic]", plate: k}
guide:
  theta: {latent: dirichlet, params: "up(mean(word, k))"}
links: {up: linear}
objective: elbo
"""


def test_the_topics_of_words_leave_a_product_of_matrices(tmp_path):
    """log p(theta) + sum_k log (theta @ beta)[w_k] (Blei, Ng and Jordan 2003, equation 3)."""
    made = program(HEAD + TOPICS, tmp_path)
    settle(made)
    word, n = torch.tensor([[3, 0, 1, 1, 2], [2, 2, 0, 3, 1], [0, 1, 3, 2, 0]]), [5, 2, 0]
    theta = torch.tensor([[0.3, 0.7], [0.9, 0.1], [0.5, 0.5]], dtype=DOUBLE)
    theta = torch.stack([theta, theta.flip(-1)])  # two particles
    log_p = torch.log(theta @ made.model.beta)
    each = log_p.gather(-1, word.expand(2, 3, 5))
    known = torch.stack([each[:, row, :count].sum(-1) for row, count in enumerate(n)], -1)
    prior = Dirichlet(torch.full((2,), 0.7, dtype=DOUBLE)).log_prob(theta)
    found = made.model.log_joint(n=torch.tensor(n), word=word, theta=theta)
    agree(made, found, prior + known)


CLASSES = """
model:
  c: {latent: categorical, logits: top, draw: enumerate}
  top: {parameter: real, shape: [3]}
  z: {latent: normal, params: prior(c), shape: [2]}
  x: {observed: bernoulli, logits: "down(z)", shape: [4]}
guide:
  z: {latent: normal, params: up(x)}
links: {prior: linear, up: linear, down: linear}
objective: {iwae: {particles: 3}}
"""


def test_the_class_of_a_variational_autoencoder(tmp_path):
    """log p(x | z) + log sum_c p(c) p(z | c), for each particle and row, and the bound of them."""
    made = program(HEAD + CLASSES, tmp_path)
    settle(made)
    x = torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0]], dtype=DOUBLE)
    z, log_q = made.guide.sample_and_log_prob(Noise.at(0, dtype=DOUBLE), 3, x=x)
    z = {"z": z["z"].detach()}

    def log_joint():
        seen = Bernoulli(logits=made.model.x_logits(z["z"])).log_prob(x).sum(-1)
        log_c = made.model.top.log_softmax(0)
        each = []
        for c in range(3):
            loc, scale = made.model.z_loc_scale(torch.tensor(c))
            each.append(log_c[c] + Normal(loc, scale).log_prob(z["z"]).sum(-1))
        return seen + torch.stack(each).logsumexp(0)

    agree(made, made.model.log_joint(x=x, **z), log_joint())
    loss, *_ = computed(made, {"x": x}, Noise.at(0, dtype=DOUBLE), 2)
    log_w = log_joint() - log_q
    torch.testing.assert_close(loss, -(log_w.logsumexp(0) - torch.tensor(3.0).log()).mean())


GROUPS = """
plates: {groups: 3}
model:
  g: {given: g, plate_index: groups}
  shares: {latent: dirichlet, concentration: 2, shape: [2], global: true}
  centre: {latent: normal, loc: 0, scale: 3, shape: [2], global: true}
  kind: {latent: categorical, probs: shares, plate: groups}
  effect: {latent: normal, loc: "centre[kind]", scale: 0.5, plate: groups}
  x: {observed: normal, loc: "effect[g] + %s", scale: 1}
sampler: {nuts: {chains: 1, warmup: 100, draws: 10}}
"""


@pytest.mark.parametrize("rest", ["0", "centre[kind[g]]"])
def test_a_mixture_of_groups_for_a_sampler(rest, tmp_path):
    """The log-posterior of unconstrained numbers, the kinds of groups summed out."""
    made = program(HEAD + GROUPS % rest, tmp_path)
    settle(made)
    g, x = torch.tensor([0, 2, 2, 0, 1]), torch.tensor([0.4, -1.0, 1.3, 0.2, 2.0], dtype=DOUBLE)
    loss, *_ = computed(made, {"g": g, "x": x}, Noise.at(0, dtype=DOUBLE), 5)
    model = made.model

    def log_posterior():
        total = Dirichlet(torch.full((2,), 2.0, dtype=DOUBLE)).log_prob(model.shares)
        total = total + Normal(0.0, 3.0).log_prob(model.centre).sum() + model.log_det()
        for group in range(3):
            each = []
            for kind in range(2):
                known = Categorical(probs=model.shares).logits[kind]
                known = known + Normal(model.centre[kind], 0.5).log_prob(model.effect[group])
                loc = model.effect[group] + (model.centre[kind] if rest != "0" else 0.0)
                each.append(known + Normal(loc, 1.0).log_prob(x[g == group]).sum())
            total = total + torch.stack(each).logsumexp(0)
        return total

    agree(made, -5 * loss, log_posterior())


SETS = """
plates: {k: {size: 3, lengths: n}}
model:
  n: {given: n}
  top: {parameter: real, shape: [2]}
  table: {parameter: real, shape: [2, 3]}
  m: {parameter: real, shape: [3]}
  c: {latent: categorical, logits: top}
  z: {latent: categorical, logits: "table[c]", plate: k}
  w: {latent: bernoulli, logits: "m[z]", plate: k}
  x: {observed: normal, loc: "m[z] + w", scale: 1, plate: k}
objective: mle
"""


def test_two_latents_of_each_element_of_a_set(tmp_path):
    """log sum_c p(c) prod_k sum_{z, w} p(z | c) p(w | z) p(x_k | z, w) for each row."""
    made = program(HEAD + SETS, tmp_path)
    settle(made)
    x = torch.tensor([[0.3, -1.0, 2.0], [1.1, 0.2, 0.0], [0.5, 0.6, 0.7]], dtype=DOUBLE)
    lengths = [3, 1, 0]
    log_c, log_z = made.model.top.log_softmax(0), made.model.table.log_softmax(-1)

    def element(c, row, k):
        each = []
        for z in range(3):
            for w in (0.0, 1.0):
                known = Bernoulli(logits=made.model.m[z]).log_prob(torch.tensor(w))
                known = known + Normal(made.model.m[z] + w, 1.0).log_prob(x[row, k])
                each.append(log_z[c, z] + known)
        return torch.stack(each).logsumexp(0)

    def of_row(row, count):
        each = [log_c[c] + sum(element(c, row, k) for k in range(count)) for c in range(2)]
        return torch.stack(each).logsumexp(0)

    wanted = torch.stack([of_row(row, count) for row, count in enumerate(lengths)])
    agree(made, made.model.log_prob(n=torch.tensor(lengths), x=x), wanted)
