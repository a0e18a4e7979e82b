"""Laws of sequences: sums over states against enumeration, densities step by step, draws, masks.

The reference computes one row and one step at a time, with torch.distributions and the weights of
the program; of the generated code it uses only the methods for one step.
"""

import itertools

import pytest
import torch
import torch.distributions as d

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.losses import computed

HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {%s}}
plates: {t: {scan: 4%s}}
"""
X = "x: {from: x, shape: [4, 2], binarize: sample}"
N = ", n: {from: n, dtype: int64}"

CHAIN = """  table: {parameter: real, shape: [4, 3]}
  light: {parameter: real, shape: [3, 2]}
  z: {latent: categorical, logits: "table[z[t-1]]", initial: 3, classes: 3, plate: t}
"""
HMM = (
    HEAD % (X, "")
    + "model:\n"
    + CHAIN
    + """  x: {observed: bernoulli, logits: "light[z]", plate: t}
objective: mle
"""
)
RAGGED = HEAD % (X + N, ", lengths: n") + "model:\n  n: {given: n}\n" + HMM.split("model:\n")[1]
EACH = HMM.replace("table[z[t-1]]", "[0.3, -0.2, 0.5]").replace(
    "  table: {parameter: real, shape: [4, 3]}\n", ""
)
MIXED = (
    HEAD % (X, "")
    + """model:
  table: {parameter: real, shape: [2, 4, 3]}
  light: {parameter: real, shape: [3, 3, 2]}
  c: {latent: categorical, logits: [0.2, -0.4], classes: 2}
  z: {latent: categorical, logits: "table[c, z[t-1]]", initial: 3, classes: 3, plate: t}
  x: {observed: bernoulli, logits: "light[z, z] + c", plate: t}
objective: mle
"""
)
SWITCHING = (
    HEAD % ("x: {from: x, shape: [4, 2]}", "")
    + """model:
  table: {parameter: real, shape: [4, 3]}
  slope: {parameter: real, shape: [3, 2]}
  z: {latent: categorical, logits: "table[z[t-1]]", initial: 3, classes: 3, plate: t}
  x: {observed: normal, loc: "slope[z] * x[t-1]", scale: 1, plate: t, initial: 0.5}
objective: mle
"""
)


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def settled(text, folder, scale=0.7):
    made = program(text, folder)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in made.parameters():
            value.copy_(scale * torch.randn(value.shape, generator=generator))
    return made


def data(rows, discrete=True):
    generator = torch.Generator().manual_seed(1)
    values = torch.randn((rows, 4, 2), generator=generator)
    return (values > 0).to(values.dtype) if discrete else values


def chains(rows):
    """Every sequence of states, repeated for all rows."""
    for states in itertools.product(range(3), repeat=4):
        yield torch.tensor(states).expand(rows, 4)


@pytest.mark.parametrize("text", [HMM, EACH, SWITCHING], ids=["states", "each step", "switching"])
def test_states_are_summed_out_exactly(text, tmp_path):
    made = settled(text, tmp_path)
    x = data(3, discrete=text is not SWITCHING)
    exact = torch.stack([made.model.log_joint(z=z, x=x) for z in chains(3)]).logsumexp(0)
    found = made.model.log_prob(x=x)
    torch.testing.assert_close(found, exact, rtol=1e-12, atol=1e-12)
    one, other = (torch.autograd.grad(v.sum(), list(made.parameters())) for v in (found, exact))
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_the_joint_density_is_the_product_over_steps(tmp_path):
    made = settled(SWITCHING, tmp_path)
    weights = dict(made.model.named_parameters())
    x, z = data(2, discrete=False), torch.tensor([[0, 2, 2, 1], [1, 1, 0, 2]])
    for row in range(2):
        total, state, last = 0.0, 3, torch.full((2,), 0.5)
        for step in range(4):
            now = int(z[row, step])
            total += d.Categorical(logits=weights["table"][state]).log_prob(z[row, step])
            total += d.Normal(weights["slope"][now] * last, 1.0).log_prob(x[row, step]).sum()
            state, last = now, x[row, step]
        torch.testing.assert_close(made.model.log_joint(z=z, x=x)[row], total)


def test_a_class_of_chains_is_summed_out_around_their_states(tmp_path):
    made, x = settled(MIXED, tmp_path), data(3)
    every = [
        made.model.log_joint(c=torch.full((3,), c), z=z, x=x) for c in range(2) for z in chains(3)
    ]
    found = made.model.log_prob(x=x)
    torch.testing.assert_close(found, torch.stack(every).logsumexp(0), rtol=1e-12, atol=1e-12)


def test_steps_beyond_the_length_of_a_row_count_for_nothing(tmp_path):
    whole, ragged = settled(HMM, tmp_path), settled(RAGGED, tmp_path)
    x, lengths = data(4), torch.tensor([4, 2, 1, 3])
    found = ragged.model.log_prob(n=lengths, x=x)
    torch.testing.assert_close(
        ragged.model.log_prob(n=lengths * 0 + 4, x=x), whole.model.log_prob(x=x)
    )
    other = x.clone()
    for row, length in enumerate(lengths):
        other[row, length:] = 1 - other[row, length:]
        exact = []
        for states in itertools.product(range(3), repeat=int(length)):
            z = torch.tensor(states)
            before = torch.cat([torch.tensor([3]), z[:-1]])
            log_p = d.Categorical(logits=whole.model.table[before]).log_prob(z).sum()
            light = d.Bernoulli(logits=whole.model.light[z])
            exact.append(log_p + light.log_prob(x[row, :length]).sum())
        torch.testing.assert_close(found[row], torch.stack(exact).logsumexp(0))
    torch.testing.assert_close(ragged.model.log_prob(n=lengths, x=other), found)


BACK = HMM.replace("z[t-1]", "z[t+1]").replace("plate: t}\n  x", "plate: t, reverse: true}\n  x")
RAGGED_BACK = (
    HEAD % (X + N, ", lengths: n") + "model:\n  n: {given: n}\n" + BACK.split("model:\n")[1]
)


def test_a_reverse_chain_is_the_chain_of_the_reversed_rows(tmp_path):
    ahead, back, ragged = (settled(t, tmp_path) for t in (HMM, BACK, RAGGED_BACK))
    x, lengths = data(4), torch.tensor([4, 2, 1, 3])
    exact = torch.stack([back.model.log_joint(z=z, x=x) for z in chains(4)]).logsumexp(0)
    torch.testing.assert_close(back.model.log_prob(x=x), exact)
    torch.testing.assert_close(ahead.model.log_prob(x=x.flip(1)), exact)
    assert (ahead.model.log_prob(x=x) - exact).abs().max() > 1e-3
    found = ragged.model.log_prob(n=lengths, x=x)
    for row, length in enumerate(lengths):
        short = torch.zeros(1, 4, 2)
        short[0, :length] = x[row, :length].flip(0)
        one = settled(RAGGED, tmp_path).model.log_prob(n=lengths[row : row + 1], x=short)
        torch.testing.assert_close(found[row : row + 1], one)


def test_the_sum_takes_the_state_before_and_not_the_one_after(tmp_path):
    """A transposed table gives another density: the law above can fail."""
    made, x = settled(HMM, tmp_path), data(3)
    right = made.model.log_prob(x=x)
    with torch.no_grad():
        made.model.table[:3] = made.model.table[:3].T.clone()
    assert (made.model.log_prob(x=x) - right).abs().max() > 1e-3


DEEP = (
    HEAD % (X + N, ", lengths: n")
    + """model:
  n: {given: n}
  c: {latent: normal, loc: 0, scale: 1, shape: [2]}
  z: {latent: normal, params: "move(z[t-1], c)", initial: 0.5, shape: [3], plate: t}
  x: {observed: bernoulli, logits: emit(z), plate: t}
guide:
  h: {let: "tanh(back(h[t+1], x))", initial: 0, shape: [5], plate: t, reverse: true}
  c: {latent: normal, loc: 0, scale: 1}
  z: {latent: normal, params: "join(z[t-1], h, c)"}
links: {move: {mlp: [4]}, emit: linear, back: linear, join: {mlp: [4]}}
objective: {elbo: {particles: 2}}
"""
)


def deep_log_q(guide, values, x, c, particle, row):
    """log q of the states of one row and one particle, one step at a time."""
    h, hidden = torch.zeros(5), [None] * 4
    for step in reversed(range(3)):  # the row has three of the four steps
        h = hidden[step] = torch.tanh(guide.back(torch.cat([h, x[row, step]])))
    total, last = 0.0, torch.full((3,), 0.5)
    for step in range(3):
        inner = guide.join(torch.cat([last, hidden[step], c[particle, row]]))
        loc, scale = guide.z_loc_head(inner), guide.z_log_scale_head(inner).exp()
        last = values[particle, row, step]
        total = total + d.Normal(loc, scale).log_prob(last).sum()
    return total


def test_a_recurrent_guide_draws_what_it_scores(tmp_path):
    made = settled(DEEP, tmp_path, 0.2)
    x, n = data(2), torch.tensor([3, 3])
    drawn, log_q = made.guide.sample_and_log_prob(Noise.at(3, dtype=torch.float64), 2, x=x, n=n)
    assert drawn["z"].shape == (2, 2, 4, 3)
    for particle, row in itertools.product(range(2), range(2)):
        exact = deep_log_q(made.guide, drawn["z"], x, drawn["c"], particle, row)
        exact = exact + d.Normal(0.0, 1.0).log_prob(drawn["c"][particle, row]).sum()
        torch.testing.assert_close(log_q[particle, row], exact)


def test_a_row_does_not_see_what_it_is_filled_up_with(tmp_path):
    """A state with reverse order begins at the last step of its row."""
    made, n = settled(DEEP, tmp_path, 0.2), torch.tensor([3, 1])
    x = data(2)
    other = x.clone()
    other[0, 3:], other[1, 1:] = 1 - other[0, 3:], 1 - other[1, 1:]
    log_q = [
        made.guide.sample_and_log_prob(Noise.at(3, dtype=torch.float64), 2, x=v, n=n)[1]
        for v in (x, other)
    ]
    torch.testing.assert_close(*log_q, rtol=0.0, atol=0.0)


def test_draws_of_a_model_follow_its_density(tmp_path):
    """The mean of grad log p over draws is 0: 40 means of 500 rows, 5 standard errors."""
    made, scores = settled(SWITCHING, tmp_path), []
    for chunk in range(40):
        drawn = made.model.sample(Noise.at(chunk, 7, dtype=torch.float64), 500)
        log_p = made.model.log_joint(z=drawn["z"], x=drawn["x"]).mean()
        grads = torch.autograd.grad(log_p, list(made.parameters()))
        scores.append(torch.cat([g.reshape(-1) for g in grads]))
    stacked = torch.stack(scores)
    error = stacked.std(0) / len(scores) ** 0.5
    assert (stacked.mean(0).abs() / error).max() < 5.0


def test_the_bound_of_a_deep_model_is_below_the_density(tmp_path):
    """The mean of importance weights of many particles is the same for both guides."""
    made = settled(DEEP, tmp_path, 0.2)
    x, n = data(1), torch.tensor([3])
    estimates = []
    for seed in (5, 6):
        with torch.no_grad():
            drawn, log_q = made.guide.sample_and_log_prob(
                Noise.at(seed, dtype=torch.float64), 40_000, x=x, n=n
            )
            log_p = made.model.log_joint(n=n, c=drawn["c"], z=drawn["z"], x=x)
            weights = (log_p - log_q).reshape(-1)
            estimates.append(weights.logsumexp(0) - torch.tensor(40_000.0).log())
            for value in made.guide.parameters():
                value.mul_(0.3)
    torch.testing.assert_close(estimates[0], estimates[1], rtol=0.0, atol=0.1)


ONE_LOGIT = """\
specc: 1
name: tiny
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
plates: {t: {scan: 2}}
model:
  table: {parameter: real, shape: [3]}
  light: {parameter: real, shape: [3]}
  z: {latent: categorical, logits: LOGITS, initial: 0, classes: 3, plate: t}
  x: {observed: bernoulli, logits: 'light[z]', plate: t}
objective: mle
"""


@pytest.mark.parametrize("logits", ["'table[z[t-1]]'", "'sum(table)'"])
def test_one_logit_for_every_class_is_a_uniform_choice(logits, tmp_path):
    made = program(ONE_LOGIT.replace("LOGITS", logits), tmp_path)
    flat = program(ONE_LOGIT.replace("LOGITS", "0"), tmp_path)
    flat.load_state_dict(made.state_dict())
    x = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    one, other = (computed(each, {"x": x}, Noise.at(0)).loss for each in (made, flat))
    assert torch.allclose(one, other)
