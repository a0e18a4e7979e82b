"""A random step of a diffusion model in place of all of them: the same bound and gradient."""

import math
from functools import partial

import pytest
import torch

from specc.runtime.noise import Noise
from tests.truths.gallery import source, trained, trained_text
from tests.truths.measuring import Z, bound, rows

DRAWS, ROWS, TIMES, STEPS = 120, 20, 20, 49
STEP = "KL(q(z[t] | z[t+1], x) || p(z[t] | z[t+1]))"


def brief():
    """The text of the gallery spec with little training."""
    text = source("variational_diffusion").text.replace("epochs: 400", "epochs: 3")
    return text.replace("rows: 4000", "rows: 1000")


def of_one_step(program, x, seed, weight=STEPS):
    """The loss of the spec, by one random step for each of several copies of the rows.

    With another `weight` of the step than the number of steps it is another one.
    """
    found = program.loss("loss", {}, {"x": x.repeat(TIMES, 1)}, Noise.at(seed), {})
    return found.loss + (weight - STEPS) * found.metrics[STEP]


def of_all_steps(program, x, seed):
    """The negative of the evidence lower bound, from a draw of the whole chain."""
    latents, log_q = program.guide.sample_and_log_prob(Noise.at(seed), 1, x=x)
    return -(program.model.log_joint(x=x, **latents) - log_q).mean()


def moments(loss, program, x, seeds):
    """Mean and its variance of a loss, and of its gradient in the variances and in a layer."""
    found = []
    parameters = [program.model.learnt, program.model.noise_in[-1].bias]
    for seed in seeds:
        value = loss(program, x, seed)
        gradients = torch.autograd.grad(value, parameters)
        found.append(torch.cat([value.detach()[None], *(g.flatten() for g in gradients)]))
    values = torch.stack(found).double()
    return values.mean(0), values.var(0) / len(values)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained_text(brief(), tmp_path_factory.mktemp("run"), ("evaluate={}",))


def test_a_random_step_has_the_bound_and_its_gradient(run):
    """53 numbers within Z standard errors each, but not with another weight of the step."""
    x = torch.tensor(rows(run, "test", "x")[:ROWS], dtype=torch.float32)
    program, others = run.loaded.program, range(DRAWS, 2 * DRAWS)
    mean, variance = moments(of_all_steps, program, x, range(DRAWS))
    for weight, is_right in ((STEPS, True), (STEPS - 8, False)):
        loss = partial(of_one_step, weight=weight)
        found, error = moments(loss, program, x, others)
        is_near = (found - mean).abs() < Z * (variance + error).sqrt()
        assert bool(is_near.all()) == is_right


def test_digits_have_fewer_bits_than_uniform_levels(tmp_path):
    """After two epochs the bound of whole images is above that of 17 equal levels."""
    run = trained("variational_digits", tmp_path, ("train.epochs=2", "evaluate={}"))
    assert bound(run, 1, estimator="elbo").values.mean() > -64 * math.log(17)
