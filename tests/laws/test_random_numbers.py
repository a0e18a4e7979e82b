"""Random specs: generated densities and losses against an independent interpreter.

The interpreter computes one event at a time. Densities must agree up to rounding. The loss is
compared with the mean weight of draws from the guide, by the formula of the interpreter: 4,000
seeded draws of each, 6 standard errors, a false alarm in one of 500 million comparisons of normal
means.
"""

import itertools
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from specc.catalog.supports import BOOLEAN
from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.graph.graph import GUIDE, ROWS, Type
from specc.runtime.noise import Noise
from specc.runtime.program import load
from tests.laws import summing
from tests.laws.estimating import gradient
from tests.laws.seldom import SELDOM
from tests.losses import computed
from tests.oracles.interpreter import Interpreter, events
from tests.unit.random_elements import element_specs
from tests.unit.random_specs import specs
from tests.unit.test_random_specs import batch_of

COUNT, PARTICLES = 2, 2
DRAWS, CHUNKS, SINGLES, Z = 100, 40, 300, 6.0
MOST = 200
"""The largest number of values of a density that is summed."""
Z_SCORE = 8.0
"""The bound for 40 means: Student's t with 39 degrees of freedom exceeds 8 once in a billion."""
CALM = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def made(text, folder):
    """The program of a spec with fixed weights, and its data; None if the spec is refused."""
    result, checked = compile(Source("made.yaml", text))
    if result is None:
        return None
    for file, content in result.files.items():
        (folder / file).write_text(content, encoding="utf-8")
    program = load(folder).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in program.parameters():
            value.copy_(0.4 * torch.randn(value.shape, generator=generator, dtype=torch.float64))
    batch = batch_of(checked.typed, checked.plan.data, COUNT, generator)
    return program, checked, batch


def guided(program, batch, particles, seed):
    """Draws from the guide with log q; without a guide, no values and 0."""
    if not program.can("guide.sample_and_log_prob"):
        return {}, torch.zeros(1, 1)
    sample = program.require("guide.sample_and_log_prob")
    inputs = program.inputs("guide.sample_and_log_prob", batch)
    return sample(Noise.at(seed, dtype=torch.float64), particles, **inputs)


def check_densities(program, checked, batch):
    """Compares log p(x, z) and log q(z | x), for every particle of every row."""
    latents, log_q = guided(program, batch, PARTICLES, 1)
    values = {**batch, **latents}
    free = summed_out(program, checked)
    steps = steps_of(checked, {name: value[0] for name, value in batch.items()})
    if checked.plan.objective.coupled or summing.count(checked, free, steps) > MOST:
        return
    values |= anything(checked, [n for n in checked.objective.draws if n not in values])
    wanted = checked.plan.graph.graph.model.nodes.values()
    if any(n.is_random and not set(n.values) <= set(values) for n in wanted):
        return
    kinds = {name: kind_of(checked, name, value) for name, value in values.items()}
    oracle = Interpreter(checked, program)
    log_p = program.require("model.log_joint")(**program.inputs("model.log_joint", values))
    for particle, row in itertools.product(range(PARTICLES), range(COUNT)):
        one = events(values, kinds, checked.graph.scans, particle, row)
        pairs = [("model", log_p), *([("guide", log_q)] if latents else [])]
        for name, found in pairs:
            exact = torch.as_tensor(oracle.log_joint(name, one))
            if name == "model" and free:
                steps = steps_of(checked, one)
                exact = summing.summed(joint_of(oracle, one, ()), checked, free, steps)
            own = found.expand(PARTICLES, COUNT)[particle, row]
            if not torch.isfinite(exact):  # for example counts beyond the largest integer
                assert not torch.isfinite(own)
                continue
            torch.testing.assert_close(own, exact, rtol=1e-9, atol=1e-9)


def summed_out(program, checked):
    """The latents that are summed or integrated out of the joint density of a model."""
    needed = program.capabilities.get("model.log_joint", ())
    draws = checked.objective.draws.items()
    return [n for n, d in draws if d.program == "model" and d.has_axis and n not in needed]


def check_elements(program, checked, batch):
    """Compares the density of all rows with sums over all states of a plate, and its gradient.

    The rows are of one element, so that their densities are one product inside its sum.
    """
    coupled, draws = checked.plan.objective.coupled, checked.objective.draws
    method = next((m for m in ("model.log_prob", "model.log_joint") if program.can(m)), None)
    if not coupled or method is None or any(d.fills for d in draws.values()):
        return
    batch = {**batch, "k": torch.full((COUNT,), 2)}
    drawn = {n: v[0] for n, v in guided(program, batch, 1, 1)[0].items()}
    if program.can("guide.sample_global"):
        drawn |= program.require("guide.sample_global")(Noise.at(2, dtype=torch.float64))
    known = {**batch, **drawn}
    points = [i for i in checked.plan.programs["model"].learnable if i.node.role != "parameter"]
    known |= {i.node.name: getattr(program.model, i.attribute) for i in points}
    free = [n for n in draws if n not in known and n not in coupled]
    kinds = {name: kind_of(checked, name, value) for name, value in known.items()}
    with torch.enable_grad():
        found = program.require(method)(**program.inputs(method, known)).sum()
        oracle, totals = Interpreter(checked, program), {True: [], False: []}
        nodes = [checked.graph.model.nodes[name] for name in checked.graph.model.nodes]
        shared = [n for n in nodes if n.is_random and not checked.typed.types[n.id].is_local]
        choices = [summing.elements(checked, name) for name in coupled]
        for chosen in itertools.product(*choices):
            values = {**known, **dict(zip(coupled, chosen, strict=True))}
            kinds |= {name: checked.typed.type("model", name) for name in coupled}
            prior = sum(oracle.log_prob("model", node, values) for node in shared)
            rows = 0.0
            for row in range(COUNT):
                one = events(values, kinds, checked.graph.scans, 0, row)
                steps = steps_of(checked, one)
                if summing.count(checked, free, steps) * len(choices[0]) > MOST:
                    return
                own = joint_of(oracle, one, shared)
                rows = rows + summing.summed(own, checked, free, steps)
            totals[True].append(prior + rows)
            totals[False].append(prior)
        whole, prior = (torch.stack(each).logsumexp(0) for each in totals.values())
        torch.testing.assert_close(found, whole - prior, rtol=1e-9, atol=1e-9)
        if whole.requires_grad and list(program.parameters()):
            one, other = gradient(program, found), gradient(program, whole - prior)
            torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)


def anything(checked, names):
    """Values of local latents that no guide draws."""
    local = [n for n in names if checked.typed.type("model", n).is_local]
    return batch_of(checked.typed, local, COUNT, torch.Generator().manual_seed(2))


def kind_of(checked, name, value):
    """The type of a value; one entry of a mask may belong to several entries of the data."""
    if name.endswith("_known"):
        return Type(tuple(value.shape[1:]), BOOLEAN, (ROWS,))
    return checked.typed.type("model", name)


def check_likelihood(program, checked, batch):
    """Compares log p(x), if it is exact, and its gradient with sums over all states of each row."""
    draws = checked.objective.draws
    coupled = bool(checked.plan.objective.coupled)
    if not program.can("model.log_prob") or coupled or any(d.fills for d in draws.values()):
        return
    points = [i for i in checked.plan.programs["model"].learnable if i.node.role != "parameter"]
    free = [
        n for n in draws if draws[n].kind != "delta" and checked.typed.type("model", n).is_local
    ]
    oracle, rows = Interpreter(checked, program), []
    kinds = {name: kind_of(checked, name, value) for name, value in batch.items()}
    ready = list(program.parameters())
    with torch.enable_grad():
        found = program.require("model.log_prob")(**program.inputs("model.log_prob", batch))
        for row in range(COUNT):
            one = events(batch, kinds, checked.graph.scans, 0, row)
            one |= {i.node.name: getattr(program.model, i.attribute) for i in points}
            steps = steps_of(checked, one)
            if summing.count(checked, free, steps) > MOST:
                return
            rows.append(
                summing.summed(
                    joint_of(oracle, one, [i.node for i in points]), checked, free, steps
                )
            )
        exact = torch.stack([torch.as_tensor(total) for total in rows])
        torch.testing.assert_close(found, exact, rtol=1e-9, atol=1e-9)
        if exact.requires_grad and ready:
            one, other = (gradient(program, total.sum()) for total in (found, exact))
            torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)


def joint_of(oracle, one, nodes):
    """log p(x, z) of one row as a function of its latents, without nodes that rows share."""

    def log_joint(latents):
        values = {**one, **latents}
        shared = [oracle.log_prob("model", node, values) for node in nodes]
        return oracle.log_joint("model", values) - sum(shared)

    return log_joint


def steps_of(checked, one):
    """The number of steps of each sequence in a row."""
    scans = checked.graph.scans.items()
    return {n: s.steps if s.lengths is None else int(one[s.lengths]) for n, s in scans}


def summed_log_p(program, checked, values):
    """log p(x, z), with every latent without a value marginalized.

    All rows are equal, so the numbers of steps are those of the first one.
    """
    needed = program.capabilities["model.log_joint"]
    log_joint = program.require("model.log_joint")
    free = [name for name in needed if name not in values]
    steps = steps_of(checked, {name: value.flatten()[:1] for name, value in values.items()})

    def at(latents):
        known = {**values, **latents}
        return log_joint(**{name: known[name] for name in needed})

    return summing.summed(at, checked, free, steps, (1, 1))


def weighed(program, checked, rows):
    """The mean of -log w over draws from the guide, for many rows at once."""
    (objective,) = checked.objective.players
    for chunk in range(CHUNKS):
        latents, log_q = guided(program, rows, objective.particles, 1000 + chunk)
        log_w = summed_log_p(program, checked, {**rows, **latents}) - log_q
        if objective.entry.reduction == "logmeanexp":
            log_w = log_w.logsumexp(0) - torch.tensor(float(log_w.shape[0])).log()
        yield -log_w.mean()


def interpreted(program, checked, rows):
    """-log w of draws of the interpreter, for shared latents, without marginalization."""
    oracle = Interpreter(checked, program)
    one = {name: value[0] for name, value in rows.items()}
    with torch.random.fork_rng():
        torch.manual_seed(4)
        for _ in range(SINGLES):
            values = oracle.draw("guide", one)
            yield oracle.log_joint("guide", values) - oracle.log_joint("model", values)


def check_loss(program, checked, batch):
    """Checks that the loss is the mean of -log w, or of -log of the mean of K weights."""
    (objective,) = checked.objective.players
    guided_all = all(draw.program == GUIDE for draw in objective.draws.values())
    shared = any(ROWS not in checked.typed.type("model", n).plates for n in objective.draws)
    if objective.entry.variable == "objective" or (shared and not guided_all):
        return
    if any(draw.fills and draw.program != GUIDE for draw in objective.draws.values()):
        return
    rows = {name: value[:1].expand(DRAWS, *value.shape[1:]) for name, value in batch.items()}
    free = [name for name, draw in objective.draws.items() if draw.program != GUIDE]
    first = {name: value[:1].flatten()[:1] for name, value in batch.items()}
    if summing.count(checked, free, steps_of(checked, first)) > MOST:
        return
    losses = []
    for chunk in range(CHUNKS):
        noise = Noise.at(chunk, 2, dtype=torch.float64)
        losses.append(computed(program, rows, noise, 1)[0])
    weights = interpreted if shared else weighed
    one, other = torch.stack(losses), torch.stack(list(weights(program, checked, rows)))
    error = (one.var() / len(one) + other.var() / len(other)).sqrt()
    gap = (one.mean() - other.mean()).abs()
    if not (torch.isfinite(one).all() and torch.isfinite(other).all()):
        return  # exp of a heavy-tailed draw overflows
    assert gap <= Z * error + 1e-9 * one.mean().abs(), (one.mean(), other.mean(), error)


def check_samples(program, checked, batch):
    """Checks that the mean of grad log p over draws from the model is zero."""
    needed = program.capabilities.get("model.log_joint", ())
    if not program.can("model.sample") or not list(program.model.parameters()):
        return
    rows = {name: value[:1].expand(DRAWS, *value.shape[1:]) for name, value in batch.items()}
    inputs = program.inputs("model.sample", rows)
    scores = []
    for chunk in range(CHUNKS):
        noise = Noise.at(chunk, 3, dtype=torch.float64)
        values = {**rows, **program.require("model.sample")(noise, DRAWS, **inputs)}
        if not set(needed) <= set(values):
            return
        with torch.enable_grad():
            joint = program.require("model.log_joint")(**{name: values[name] for name in needed})
            extreme = any(((v != 0) & (v.double().abs() < 1e-30)).any() for v in values.values())
            if not joint.requires_grad or extreme:
                return  # gamma variates of a tiny concentration are clamped at the smallest float
            scores.append(gradient(program, joint.mean()))
    stacked = torch.stack(scores)
    mean, error = stacked.mean(0), stacked.std(0) / CHUNKS**0.5
    if torch.isfinite(stacked).all():
        worst = (mean.abs() / error.clamp(min=1e-12)).max()
        assert worst < Z_SCORE, worst


def check(text):
    with tempfile.TemporaryDirectory() as name, precision(torch.float64), torch.no_grad():
        found = made(text, Path(name))
        if found is not None:
            check_densities(*found)
            check_likelihood(*found)
            check_elements(*found)
            check_loss(*found)
            check_samples(*found)


@settings(max_examples=70, deadline=None, suppress_health_check=CALM, derandomize=True)
@given(specs())
def test_a_random_spec_has_the_numbers_of_its_text(text):
    check(text)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None, suppress_health_check=CALM)
@given(specs())
def test_very_many_random_specs_have_the_numbers_of_their_text(text):
    check(text)


@settings(max_examples=14, deadline=None, suppress_health_check=CALM, derandomize=True)
@given(specs(steps=100))
def test_a_random_sequence_has_the_numbers_of_its_text(text):
    check(text)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None, suppress_health_check=CALM)
@given(specs(steps=100))
def test_very_many_random_sequences_have_the_numbers_of_their_text(text):
    check(text)


@settings(max_examples=12, deadline=None, suppress_health_check=CALM, derandomize=True)
@given(element_specs())
def test_a_random_plate_has_the_numbers_of_its_text(text):
    assert compile(Source("made.yaml", text))[0] is not None
    check(text)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None, suppress_health_check=CALM)
@given(element_specs())
def test_very_many_random_plates_have_the_numbers_of_their_text(text):
    check(text)


@pytest.mark.parametrize("name", SELDOM)
def test_what_random_specs_seldom_hold(name):
    assert compile(Source("made.yaml", SELDOM[name]))[0] is not None
    check(SELDOM[name])
