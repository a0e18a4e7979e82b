"""The faithful inverse of random graphs, and of a model with a known posterior."""

from __future__ import annotations

import itertools
import random

import networkx as nx
import pytest
import torch

from specc.compiler import compile, front
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.graph.guides import dependence_of_rows
from specc.graph.inverse import faithful_inverse, nearest
from specc.runtime.noise import Noise
from tests.laws.compiling import program


def random_model(seed):
    """A random directed graph of up to 7 nodes whose leaves, and some others, are data."""
    rng = random.Random(seed)
    count = rng.randint(2, 7)
    graph = nx.DiGraph()
    graph.add_nodes_from(f"n{i}" for i in range(count))
    edges = [(i, j) for i, j in itertools.combinations(range(count), 2) if rng.random() < 0.45]
    graph.add_edges_from((f"n{i}", f"n{j}") for i, j in edges)
    latents = [n for n in graph if graph.out_degree(n) and rng.random() < 0.8]
    return graph, latents


def inverse_graph(graph, inverse):
    """The graph of the guide, in which data have no parents."""
    found = nx.DiGraph()
    found.add_nodes_from(graph)
    found.add_edges_from((parent, name) for name, given in inverse.items() for parent in given)
    return found


def claims(guide, inverse, data):
    """Independences of each latent of those drawn before it and of data, given its inputs."""
    order = list(inverse)[::-1]
    for place, name in enumerate(order):
        given = set(inverse[name])
        yield from ((name, other, given) for other in {*order[:place], *data} - given)


@pytest.mark.parametrize("seed", range(60))
def test_the_inverse_claims_no_independence_that_the_model_lacks(seed):
    graph, latents = random_model(seed)
    inverse = faithful_inverse(graph, latents)
    guide = inverse_graph(graph, inverse)
    assert nx.is_directed_acyclic_graph(guide) and set(inverse) == set(latents)
    data = set(graph) - set(latents)
    for name, other, given in claims(guide, inverse, data):
        assert nx.is_d_separator(graph, {name}, {other}, given), (name, other, given)


def test_the_reverse_of_each_edge_is_not_faithful():
    """Of two causes of one effect each depends on the other, which reversed edges would miss."""
    graph = nx.DiGraph([("a", "x"), ("b", "x")])
    inverse = faithful_inverse(graph, ["a", "b"])
    assert {name: set(given) for name, given in inverse.items()} == {"a": {"b", "x"}, "b": {"x"}}
    assert not nx.is_d_separator(graph, {"a"}, {"b"}, {"x"})


def test_the_fewest_new_edges_come_first():
    graph = nx.DiGraph([("a", "x"), ("b", "x"), ("c", "x"), ("d", "y")])
    assert next(iter(faithful_inverse(graph, ["a", "b", "c", "d"]))) == "a"
    chain = nx.DiGraph([("z3", "z2"), ("z2", "z1"), ("z1", "x")])
    inverse = faithful_inverse(chain, ["z1", "z2", "z3"])
    assert inverse == {"z3": ("z2",), "z2": ("z1",), "z1": ("x",)}


def test_the_nearest_inputs_are_kept():
    graph = nx.DiGraph([("z", "a"), ("a", "b"), ("b", "c")])
    assert nearest(graph, "z", ("c", "a", "b"), 2) == ("a", "b")


LINEAR = """
specc: 1
name: linear
model:
  a: {latent: normal, loc: 0, scale: 1.2}
  b: {latent: normal, loc: 0.5 * a + 0.3, scale: 0.8}
  m: {let: a - b}
  x: {observed: normal, loc: m, scale: 0.5}
  y: {observed: normal, loc: 2 * b, scale: 0.9}
guide: {auto: {inverse: {hidden: [4]}}}
objective: elbo
"""


def test_values_behind_deterministic_nodes():
    typed = front(Source("spec.yaml", LINEAR)).typed
    found = dependence_of_rows(typed.graph)
    assert set(found.edges) == {("a", "b"), ("a", "x"), ("b", "x"), ("b", "y")}


def evidence_and_posterior(x, y):
    """log p(x, y), and the regressions q(b | x, y) and q(a | b, x), by the joint normal."""
    weights = torch.tensor(
        [[1.2, 0.0, 0.0, 0.0], [0.6, 0.8, 0.0, 0.0], [0.6, -0.8, 0.5, 0.0], [1.2, 1.6, 0.0, 0.9]]
    )
    mean = torch.tensor([0.0, 0.3, -0.3, 0.6])
    covariance = weights @ weights.T
    seen = torch.stack([x, y], -1)
    marginal = torch.distributions.MultivariateNormal(mean[2:], covariance[2:, 2:])

    def regression(of, on):
        slope = covariance[of, on] @ torch.linalg.inv(covariance[on][:, on])
        variance = covariance[of, of] - slope @ covariance[on, of]
        return slope, mean[of] - slope @ mean[on], variance.sqrt()

    return marginal.log_prob(seen), regression(1, [2, 3]), regression(0, [1, 2])


def test_a_linear_model_reaches_its_evidence(tmp_path):
    """With linear encoders at the exact regressions every draw gives the evidence."""
    text = LINEAR.replace("{auto: {inverse: {hidden: [4]}}}", "auto")
    files = compile(Source("spec.yaml", text))[0]
    assert files is not None and "a_encoder(b, x)" in files.plan.experiment.derived
    linear = LINEAR.replace("guide: {auto: {inverse: {hidden: [4]}}}", LONG)
    with precision(torch.float64):
        made = program(linear, tmp_path)
        x, y = torch.tensor([0.4, -1.0]), torch.tensor([1.3, 0.2])
        evidence, of_b, of_a = evidence_and_posterior(x, y)
        for name, (slope, shift, scale) in (("b", of_b), ("a", of_a)):
            _set(made.guide, name, slope, shift, scale)
        noise = Noise.at(0, dtype=torch.float64)
        drawn, log_q = made.guide.sample_and_log_prob(noise, 4, x=x, y=y)
        log_p = made.model.log_joint(x=x, y=y, **drawn)
        torch.testing.assert_close(log_p - log_q, evidence.expand(4, -1))


LONG = """guide:
  b: {latent: normal, params: "b_encoder(x, y)"}
  a: {latent: normal, params: "a_encoder(b, x)"}
links: {a_encoder: linear, b_encoder: linear}"""


def _set(guide, name, slope, shift, scale):
    def linear(head):
        found = dict(guide.named_modules())[f"{name}_{head}_head"]
        return next(m for m in found.modules() if isinstance(m, torch.nn.Linear))

    with torch.no_grad():
        linear("loc").weight.copy_(slope)
        linear("loc").bias.fill_(shift)
        linear("log_scale").weight.zero_()
        linear("log_scale").bias.fill_(scale.log())
