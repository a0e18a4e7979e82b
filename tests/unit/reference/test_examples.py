"""Every example of the reference is a piece of a spec that compiles."""

from __future__ import annotations

import pytest
import yaml

from specc.catalog.registry import DISTRIBUTIONS, FUNCTIONS, GUIDES, OBJECTIVES, SHORTHANDS
from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.reference.entry import Entry
from specc.reference.pages import named

DATA = "{source: digits, fields: {x: {from: image}, y: {from: label}, o: {from: image}}}"
GIVEN = "x: {given: x}, y: {given: y}"
OBSERVED = "s: {parameter: positive}, o: {observed: normal, loc: 0, scale: s}"
TABLES = (
    "u: {parameter: real, shape: [10, 3]}, v: {parameter: real, shape: [10, 3]}, "
    "centres: {parameter: real, shape: [10, 64]}"
)
ROWS = "user: {given: y}, item: {given: y}, scores: {given: x}, logits: {given: x}"
OF_LATENT = "o: {observed: normal, loc: z, scale: 1, shape: [64]}"
IMAGE = "image: {given: x, shape: [8, 8]}"

MATRICES = (
    "x: {given: x}, y: {parameter: real, shape: [8]}, w: {parameter: real, shape: [2, 8]}, "
    "u: {parameter: real, shape: [8]}, v: {parameter: real, shape: [3]}, "
    "variances: {parameter: positive, shape: [8]}, length_scale: {parameter: positive}, "
    "covariance: {parameter: positive_definite, shape: [8, 8]}, "
    "precision: {parameter: positive_definite, shape: [8, 8]}, "
    "factor: {parameter: cholesky, shape: [8, 8]}"
)
IMAGES = (
    "data: {source: digits, fields: "
    "{x: {from: image}, y: {from: label}, o: {from: image, shape: [8, 8]}}}"
)


def spec(model: str, rest: str = "", data: str = f"data: {DATA}") -> str:
    return f"specc: 1\nname: example\n{data}\nmodel: {{{model}}}\n{rest}\n"


def around(entry: Entry) -> str:
    """A whole spec with the example in it."""
    return globals()[f"around_{entry.kind.replace(' ', '_')}"](entry, entry.example)


def around_distribution(entry: Entry, example: str) -> str:
    if DISTRIBUTIONS[entry.name].improper:
        return spec(f"{example}, {OBSERVED}", "objective: map")
    return spec(f"{example}, {OBSERVED}", f"guide: {{{example}}}\nobjective: elbo")


def around_modifier(entry: Entry, example: str) -> str:
    return spec(f"{example}, {OBSERVED}", f"guide: {{{example}}}\nobjective: elbo")


def around_chain(entry: Entry, example: str) -> str:
    return spec(f"{example}, energy: 'f(x)'", "links: {f: {mlp: [8]}}\nobjective: {cd: {steps: 5}}")


def around_function(entry: Entry, example: str) -> str:
    if FUNCTIONS[entry.name].scalar:
        return SHORT + f'objective: {{minimize: "{example} * d(data.x)"}}\n'
    if FUNCTIONS[entry.name].over_rows:
        value = f"d({example})" if FUNCTIONS[entry.name].remembers else example
        return SHORT + f'objective: {{minimize: "{value}"}}\n'
    if (
        FUNCTIONS[entry.name].target.split(".")[-2] in ("kernels", "matrices")
        or entry.name == "diag"
    ):
        nodes = (MATRICES, f"f: {{let: '{example}'}}", OBSERVED)
        fields = DATA.replace("x: {from: image}", "x: {from: image, shape: [8, 8]}")
        return spec(", ".join(nodes), "objective: mle", f"data: {fields}")
    nodes = (GIVEN, TABLES, ROWS, IMAGE, f"f: {{let: '{example}'}}", OBSERVED)
    return spec(", ".join(nodes), "objective: mle")


def around_link(entry: Entry, example: str) -> str:
    if entry.name == "gru":
        return around_recurrent(example)
    data, argument = IMAGES if entry.name == "deconv" else f"data: {DATA}", "x"
    if entry.name in ("conv", "convolution", "set"):
        argument = "image"
    loc = f"f({argument})"
    if entry.name == "convolution":
        maps = "maps: {let: f(image), shape: [2, 4, 4]}, o: {observed: normal, loc: sum(maps), "
        return spec(f"{GIVEN}, {IMAGE}, {maps}scale: 1}}", f"{example}\nobjective: mle", data)
    if entry.name == "ema":
        example, loc = (
            example.replace("{f: ", "{classifier: {mlp: [4]}, f: "),
            f"{loc} + classifier(x)",
        )
    observed = f"o: {{observed: normal, loc: '{loc}', scale: 1}}"
    image = f", {IMAGE}" if argument == "image" else ""
    return spec(f"{GIVEN}{image}, {observed}", f"{example}\nobjective: mle", data)


def around_recurrent(example: str) -> str:
    state = "h: {let: 'f(h[t-1], x)', plate: t, initial: 0, shape: [5]}"
    observed = "o: {observed: normal, loc: 'sum(h)', scale: 1, plate: t}"
    model = f"x: {{given: x, plate: t}}, {state}, {observed}"
    rest = f"plates: {{t: {{scan: 8}}}}\n{example}\nobjective: mle"
    fields = "{x: {from: image, shape: [8, 8]}, o: {from: image, shape: [8]}}"
    return spec(model, rest, f"data: {{source: digits, fields: {fields}}}")


def around_causal_link(entry: Entry, example: str) -> str:
    shape = "[8, 8]" if entry.name == "masked_conv" else "[64]"
    node = "o: {observed: bernoulli, logits: 'f(o)'}"
    fields = f"{{o: {{from: image, shape: {shape}, binarize: threshold}}}}"
    return spec(node, f"{example}\nobjective: mle", f"data: {{source: digits, fields: {fields}}}")


def around_bijection(entry: Entry, example: str) -> str:
    """One in the model and one in the guide."""
    inside = example.removeprefix("links: {f: ").removesuffix("}")
    node = "z: {latent: normal, loc: 0, scale: 1, shape: [4], through: LINK}"
    model, guide = node.replace("LINK", "f"), node.replace("LINK", "g")
    links = f"links: {{f: {inside}, g: {inside}}}"
    return spec(f"{model}, {OBSERVED}", f"guide: {{{guide}}}\n{links}\nobjective: elbo")


def around_draw(entry: Entry, example: str) -> str:
    if example.startswith("missing"):
        observed = OBSERVED.replace("}, o: {", "}, o: {" + example + ", ")
        return spec(observed, "objective: mle")
    is_finite = entry.name in ("enumerate", "relax", "score")
    kind = "bernoulli, logits: 0" if is_finite else "normal, loc: 0, scale: 1"
    if entry.name == "delta":
        return spec(f"w: {{latent: {kind}, global: true, {example}}}, {OBSERVED}", "objective: map")
    rest = f"guide: {{z: {{latent: {kind}, {example}}}}}\nobjective: {{elbo: {{particles: 2}}}}"
    return spec(f"z: {{latent: {kind}}}, {OBSERVED}", rest)


def around_objective(entry: Entry, example: str) -> str:
    of_energy = entry.name in SHORTHANDS and "One player" in entry.summary
    if of_energy and "energy" in entry.formula.lower() + entry.summary:
        return ENERGY + f"{example}\n"
    if entry.name in SHORTHANDS:
        return SHORT + f"{example}\n"
    if entry.name in ("map", "mle"):
        return spec(OBSERVED, example)
    if OBJECTIVES[entry.name].contrastive or OBJECTIVES[entry.name].conditionals:
        a = "a: {parameter: real, shape: [64]}"
        fields = "fields: {v: {from: image, binarize: sample}}"
        nodes = f"{a}, v: {{observed: bernoulli}}, energy: -(a @ v)"
        return spec(nodes, example, f"data: {{source: digits, {fields}}}")
    kind = "bernoulli, logits: 0" if entry.name == "vimco" else "normal, loc: 0, scale: 1"
    node = f"z: {{latent: {kind}}}"
    return spec(f"{node}, {OBSERVED}", f"guide: {{{node}}}\n{example}")


def around_guide(entry: Entry, example: str) -> str:
    if GUIDES[entry.name].local:
        return spec(
            f"z: {{latent: normal, loc: 0, scale: 1}}, {OF_LATENT}", f"{example}\nobjective: elbo"
        )
    latent = "w: {latent: gamma, concentration: 1, rate: 1, shape: [3], global: true}"
    observed = "o: {observed: normal, loc: sum(w), scale: 1, shape: [64]}"
    return spec(f"{latent}, {observed}", f"{example}\nobjective: elbo")


def around_sampler(entry: Entry, example: str) -> str:
    latent = "m: {latent: normal, loc: 0, scale: 1, global: true}"
    return spec(f"{latent}, o: {{observed: normal, loc: m, scale: 1}}", example)


def around_source(entry: Entry, example: str) -> str:
    fields = yaml.safe_load(example)["data"]["fields"]
    first, *others = fields
    nodes = [f"{name}: {{given: {name}}}" for name in others]
    observed = OBSERVED.replace("o: {observed", f"{first}: {{observed")
    return spec(", ".join([*nodes, observed]), "objective: mle", example)


def around_optimizer(entry: Entry, example: str) -> str:
    return spec(OBSERVED, f"objective: mle\n{example}")


def around_schedule(entry: Entry, example: str) -> str:
    """A plateau needs rows to validate on."""
    text = around_optimizer(entry, example)
    return text.replace("source: digits,", "source: digits, split: {valid: 0.1},", 1)


def around_initializer(entry: Entry, example: str) -> str:
    observed = "o: {observed: normal, loc: 'f(x)', scale: 1}"
    return spec(f"{GIVEN}, {observed}", f"{example}\nobjective: mle")


around_activation = around_initializer


def around_metric(entry: Entry, example: str) -> str:
    """Points of the plane, given the part that they are of."""
    data = "data: {source: toy, density: moons, fields: {x: {from: x}, y: {from: label}}}"
    model = "y: {given: y}, x: {observed: normal, loc: 'f(y)', scale: 1, shape: [2]}"
    return spec(model, f"links: {{f: linear}}\nobjective: mle\n{example}", data)


around_kernel = around_feature = around_metric

SHORT = """\
specc: 1
name: short
data: {source: digits, fields: {x: {from: image}, y: {from: label}}}
model:
  y: {given: y}
  z: {latent: normal, loc: 0, scale: 1, shape: [2]}
  x: {observed: normal, loc: "down(z, y)", scale: 1}
guide:
  z: {latent: normal, params: up(x)}
links: {down: linear, up: linear, d: linear}
"""

ENERGY = """\
specc: 1
name: short
data: {source: digits, fields: {x: {from: image}}}
model:
  x: {observed: normal, draw: {mala: {step_size: 0.1}}}
  energy: "f(x)"
programs:
  contrast:
    x: {latent: normal, loc: 0, scale: 1, shape: [64]}
links: {f: {mlp: [8]}}
"""

ENTRIES = [entry for entry in named() if entry.example]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: f"{e.kind}-{e.name}")
def test_an_example_compiles(entry: Entry):
    text = around(entry)
    compiled, checked = compile(Source("example.yaml", text))
    errors = [d for d in checked.diagnostics if d.code.startswith("E")]
    assert errors == [], text
    assert compiled is not None


def test_every_entry_of_the_catalog_has_an_example():
    assert {e.name for e in named() if not e.example and e.kind != "key"} == set()
