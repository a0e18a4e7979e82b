"""Which functions a spec calls, and with which entries."""

from specc.catalog.registry import FUNCTIONS
from specc.compiler import front
from specc.diagnostics.source import Source

SPEC = """
specc: 1
name: made
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  z: {latent: normal, loc: 0, scale: exp(1), shape: [2]}
  h: {let: "tanh(decoder(z)) + dim(z)"}
  x: {observed: bernoulli, probs: sigmoid(h)}
guide:
  z: {latent: normal, params: encoder(x)}
links: {encoder: linear, decoder: linear}
objective: {minimize: "-elbo(model, guide)"}
"""


def functions(text):
    checked = front(Source("specs/made.yaml", text))
    assert checked.graph is not None
    return dict(checked.graph.functions)


def test_functions_are_found_with_their_entries():
    """`logit` takes `probs` to the parameter of the distribution; `dim` and `elbo` are none."""
    names = ("exp", "logit", "sigmoid", "tanh")
    assert functions(SPEC) == {name: FUNCTIONS[name] for name in names}


def test_a_loss_calls_functions_too():
    text = SPEC.replace('"-elbo(model, guide)"', '"square(log_prob(model.x))"')
    assert set(functions(text)) == {"exp", "logit", "sigmoid", "square", "tanh"}


def test_a_link_hides_a_function_of_its_name():
    text = SPEC.replace("decoder", "softplus").replace("tanh", "softplus")
    assert "softplus" not in functions(text)
