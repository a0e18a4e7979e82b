"""What changes which digest: every field of the schema as it is declared, order and names none."""

import random
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from specc.codegen.digests import digests
from specc.codegen.tensors import parameters, side
from specc.compiler import front
from specc.diagnostics.source import Source
from specc.language.schema import data, document, link, node, objective, train
from specc.language.schema.digests import digest_class

SPECS = Path(__file__).parents[3] / "specs"


def digests_of(text):
    checked = front(Source("specs/spec.yaml", text))
    assert checked.plan is not None, [(d.code, d.evidence) for d in checked.diagnostics]
    return digests(checked.plan, parameters(checked.plan))


def changed(old, new):
    first, second = digests_of(old), digests_of(new)
    return {key for key in first if first[key] != second[key]} - {"source"}


# names and order


@st.composite
def stories(draw):
    """A guide and a model: latents that use earlier latents, some through links, then data."""
    latents = draw(st.integers(1, 4))
    links = draw(st.integers(0, 2))
    nodes = []
    for number in range(latents + draw(st.integers(1, 2))):
        earlier = min(number, latents)
        used = draw(st.lists(st.integers(0, earlier - 1), max_size=2)) if earlier else []
        through = (
            draw(st.integers(0, links - 1)) if links and used and draw(st.booleans()) else None
        )
        nodes.append((number < latents, used, through, draw(st.sampled_from([1, 2]))))
    return nodes, links


def written(story, seed=None):
    """The story as a spec; a seed gives other names and another order of all entries."""
    nodes, links = story
    chance = random.Random(seed)
    numbers = list(range(len(nodes) + links))
    if seed is not None:
        chance.shuffle(numbers)
    names = [f"n{number}" for number in numbers[: len(nodes)]]
    linked = [f"f{number}" for number in numbers[len(nodes) :]]
    model, guide, fields = {}, {"spread": {"parameter": "positive", "shape": [3]}}, {}
    for name, (is_latent, used, through, scale) in zip(names, nodes, strict=True):
        terms = [names[u] for u in used]
        if through is not None:
            terms = [f"{linked[through]}({', '.join(terms[:1])})", *terms[1:]]
        role = "latent" if is_latent else "observed"
        model[name] = {role: "normal", "loc": " + ".join(terms) or 0, "scale": scale}
        model[name]["shape"] = [3]
        if is_latent:
            guide[name] = {"latent": "normal", "loc": 0, "scale": "spread"}
        else:
            fields[name] = {"from": "values"}
    tables = {
        "model": model,
        "guide": guide,
        "links": {name: {"mlp": [4]} for name in linked},
    }
    if seed is not None:
        tables = {key: mixed(chance, table) for key, table in tables.items()}
    spec = {
        "specc": 1,
        "name": "story",
        "data": {"source": "npz", "path": "data.npz", "fields": fields},
        **tables,
        "objective": "elbo",
    }
    return yaml.safe_dump(spec if seed is None else mixed(chance, spec), sort_keys=False)


def mixed(chance, table):
    entries = list(table.items())
    chance.shuffle(entries)
    return dict(entries)


@given(stories(), st.integers(0, 99))
def test_names_and_order_do_not_change_the_mathematics(story, seed):
    assert changed(written(story), written(story, seed)) <= {"parameters"}


@given(stories(), stories())
def test_other_stories_are_other_mathematics(one, other):
    """Two stories have one digest only where a renaming takes one to the other."""
    import networkx as nx

    alike = nx.is_isomorphic(drawn(one), drawn(other), lambda a, b: a == b, lambda a, b: a == b)
    assert ("math" not in changed(written(one), written(other))) == alike


def drawn(story):
    """The story as a labelled graph: nodes, links in use, and each mention between them."""
    import networkx as nx

    nodes, _ = story
    graph = nx.DiGraph()
    for number, (is_latent, used, through, scale) in enumerate(nodes):
        graph.add_node(number, label=(is_latent, scale, len(used)))
        for place, user in enumerate(used):
            graph.add_node((number, place), label=("mention", place))
            graph.add_edge(number, (number, place))
            graph.add_edge((number, place), user)
        if through is not None:
            graph.add_node(("link", through), label="link")
            graph.add_edge(number, ("link", through))
    return graph


def by_name(value, key=""):
    """Sorts all mappings, except where order has a meaning.

    The parts of a joint draw are in their order in it, the first of several programs that use a
    link has its tensors, players update one after the other, and nodes that name no source have the
    rows of the first.
    """
    if isinstance(value, list):
        return [by_name(item) for item in value]
    if not isinstance(value, dict):
        return value
    items = (
        value.items()
        if key in ("joint", "programs", "players", "sources")
        else sorted(value.items())
    )
    return {name: by_name(item, name) for name, item in items}


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda p: p.stem)
def test_layout_and_comments_change_nothing(path):
    text = path.read_text(encoding="utf-8")
    again = yaml.safe_dump(by_name(yaml.safe_load(text)), sort_keys=False, default_flow_style=False)
    assert changed(text, f"# words\n{again}") == set()


# fields

BASE = """\
specc: 1
name: base
doc: words
constants: {size: 3}
data:
  source: npz
  path: data.npz
  split: {test: 0.2}
  fields:
    x: {from: values, shape: [4]}
    y: {from: others, shape: [4], hide: {share: 0.5}}
    k: {from: classes, shape: []}
    v: {from: waves, shape: [2]}
    n: {from: counts, shape: []}
plates: {groups: 5, teams: 5, t: {scan: 2, lengths: n}}
model:
  group: {given: k, plate_index: groups}
  a: {parameter: positive, shape: [3], init: 1.0}
  m: {parameter: real, shape: [3], plate: groups}
  both_sides:
    joint: {left: latent, right: latent}
    distribution: normal
    loc: 0
    scale: 2
    shapes: {left: [2], right: [2]}
  z: {latent: normal, loc: 0, scale: a, shape: [size]}
  w: {latent: normal, loc: 'm[group]', scale: 1, shape: [3]}
  both: {let: z + w}
  s: {latent: log_normal, loc: 0, scale: 1}
  x: {observed: normal, loc: decoder(both), scale: 1, missing: integrate}
  y: {observed: normal, loc: decoder(w), scale: s, missing: integrate}
  n: {given: n}
  v: {observed: normal, loc: 'v[t-1]', scale: 1, plate: t, initial: 0}
guide:
  left: {latent: normal, loc: 0, scale: 3}
  right: {latent: laplace, loc: 0, scale: 3}
  s: {latent: log_normal, loc: 0, scale: 1}
  z: {latent: normal, params: 'encoder(x, y)'}
  w: {latent: normal, loc: 0, scale: 1}
links:
  decoder: {mlp: [6], activation: tanh}
  encoder: {mlp: [6], activation: tanh}
objective: {elbo: {particles: 2}}
train: {optimizer: {adam: {lr: 0.001}}, batch_size: 10, schedule: [{at: 0.5, lr: 0.0005}]}
evaluate:
  test: {estimator: iwae, particles: 10, data: test}
"""

MATH, TENSORS, TRAINING, NOTHING = {"math"}, {"parameters"}, {"training"}, set()
BOTH = MATH | TENSORS

# For each field of the schema one change of the text, and the digests that it has to change.
CHANGES = {
    "Document.name": ("name: base", "name: other", NOTHING),
    "Document.doc": ("doc: words", "doc: other words", NOTHING),
    "Document.constants": ("{size: 3}", "{size: 3, unused: 4}", NOTHING),
    "Document.plates": ("teams: 5", "teams: 6", MATH | TRAINING),
    "Document.moved": ("train:", "moved: {model.a: model.b}\ntrain:", NOTHING),
    "DataSpec.source": ("source: npz\n  path: data.npz", "source: csv\n  path: data.npz", MATH),
    "DataSpec.options": ("data.npz", "other.npz", TRAINING),
    "DataSpec.split": ("{test: 0.2}", "{test: 0.3}", TRAINING),
    "DataSpec.subset": ("{test: 0.2}", "{test: 0.2}\n  subset: {rows: 9}", TRAINING),
    "FieldSpec.column": ("from: values", "from: numbers", MATH),
    "FieldSpec.shape": (
        "from: values, shape: [4]}\n    y: {from: others, shape: [4]",
        "from: values, shape: [5]}\n    y: {from: others, shape: [5]",
        BOTH,
    ),
    "FieldSpec.binarize": ("from: values,", "from: values, binarize: sample,", MATH),
    "FieldSpec.scale": ("from: values,", "from: values, scale: 0.5,", MATH),
    "FieldSpec.categories": ("from: values,", "from: values, categories: true,", MATH),
    "FieldSpec.base": ("from: values,", "from: values, base: 1,", MATH),
    "FieldSpec.clip": ("from: values,", "from: values, clip: [0, 1],", MATH),
    "FieldSpec.log": ("from: values,", "from: values, log: true,", MATH),
    "FieldSpec.logit": ("from: values,", "from: values, logit: 0.05,", MATH),
    "FieldSpec.standardize": ("from: values,", "from: values, standardize: true,", MATH),
    "FieldSpec.constrain": ("from: values,", "from: values, constrain: unit_interval,", MATH),
    "FieldSpec.picture": ("from: values,", "from: values, picture: [2, 2],", NOTHING),
    "FieldSpec.one_hot": (
        "from: values, shape: [4]",
        "from: values, shape: [], one_hot: 4",
        MATH,
    ),
    "ManyHot.first": ("from: values,", "from: values, many_hot: {from: 1, size: 4},", MATH),
    "ManyHot.size": (
        "from: values, shape: [4]",
        "from: values, shape: [2], many_hot: {size: 4}",
        MATH,
    ),
    "FieldSpec.dtype": ("from: values,", "from: values, dtype: float64,", MATH),
    "Node.role": ("group: {given: k,", "other: {given: k}\n  group: {given: k,", MATH),
    "Node.head": ("both: {let: z + w}", "both: {let: z - w}", MATH),
    "Node.arguments": ("scale: a", "scale: 2 * a", MATH),
    "Node.params": ("params: 'encoder(x, y)'", "params: 'encoder(y, x)'", MATH),
    "Node.shape": ("m: {parameter: real, shape: [3]", "m: {parameter: real, shape: [1]", BOTH),
    "Node.plate": (
        "plate_index: groups}\n  a: {parameter: positive, shape: [3], init: 1.0}\n"
        "  m: {parameter: real, shape: [3], plate: groups}",
        "plate_index: teams}\n  a: {parameter: positive, shape: [3], init: 1.0}\n"
        "  m: {parameter: real, shape: [3], plate: teams}",
        NOTHING,  # two plates of one size have changed places
    ),
    "Node.plate_index": ("given: k, plate_index: groups", "given: k, plate_index: groups", NOTHING),
    "Node.is_global": (
        "scale: 1}\n  x: {observed",
        "scale: 1, global: true}\n  x: {observed",
        MATH,
    ),
    "Node.from_field": (
        "x: {observed: normal,",
        "x: {observed: normal, from: y,",
        MATH,
    ),
    "Node.missing": ("scale: 1, missing: integrate}", "scale: 1}", MATH),
    "FieldSpec.missing": ("from: others,", "from: others, missing: -1,", MATH),
    "FieldSpec.fill": ("from: others,", "from: others, fill: mean,", MATH),
    "FieldSpec.hide": (", hide: {share: 0.5}", "", MATH),
    "FieldSpec.repeat": ("from: others,", "from: others, repeat: 2,", MATH),
    "Hide.keep": ("{share: 0.5}", "{share: 0.5, keep: 9}", MATH),
    "Hide.share": ("{share: 0.5}", "{share: 0.4}", MATH),
    "Hide.per_class": ("{share: 0.5}", "{share: 0.5, per_class: true}", MATH),
    "Hide.seed": ("{share: 0.5}", "{share: 0.5, seed: 1}", MATH),
    "Hide.part": ("{share: 0.5}", "{share: 0.5, part: all}", MATH),
    "Node.draw": ("params: 'e", "draw: {pathwise: sticking}, params: 'e", MATH),
    "Node.through": (
        "  w: {latent: normal, loc: 0, scale: 1}\nlinks:",
        "  w: {latent: normal, loc: 0, scale: 1, through: f}\nlinks:\n  f: affine",
        BOTH,
    ),
    "Node.initial": ("initial: 0", "initial: 1", MATH),
    "Node.reverse": ("'v[t-1]',", "'v[t+1]', reverse: true,", MATH),
    "Scan.steps": ("scan: 2", "scan: 1 + 1", NOTHING),
    "Scan.lengths": (", lengths: n}", "}", MATH),
    "Node.parts": ("{left: latent, right: latent}", "{right: latent, left: latent}", MATH),
    "Node.shapes": ("shapes: {left: [2], right: [2]}", "shapes: {left: [2], right: [3]}", MATH),
    "Node.init": ("init: 1.0", "init: 2.0", TRAINING),
    "Draw.kind": ("params: 'e", "draw: score, params: 'e", MATH),
    "Draw.options": ("params: 'e", "draw: {pathwise: sticking}, params: 'e", MATH),
    "LinkSpec.kind": ("decoder: {mlp: [6], activation: tanh}", "decoder: linear", BOTH),
    "LinkSpec.options": (
        "decoder: {mlp: [6], activation: tanh}",
        "decoder: {mlp: [6], activation: relu}",
        MATH,
    ),
    "NamedObjective.name": ("{elbo: {particles: 2}}", "{iwae: {particles: 2}}", MATH),
    "NamedObjective.options": ("{elbo: {particles: 2}}", "{elbo: {particles: 3}}", MATH),
    "Minimize.expression": (
        "{elbo: {particles: 2}}",
        "{minimize: '-2 * elbo(model, guide)'}",
        MATH,
    ),
    "TrainSpec.optimizer": ("adam:", "adamw:", TRAINING),
    "TrainSpec.batch_size": ("batch_size: 10", "batch_size: 20", TRAINING),
    "TrainSpec.epochs": ("batch_size", "epochs: 7, batch_size", TRAINING),
    "TrainSpec.steps": ("batch_size", "steps: 7, batch_size", TRAINING),
    "TrainSpec.seed": ("batch_size", "seed: 7, batch_size", TRAINING),
    "TrainSpec.schedule": (", schedule: [{at: 0.5, lr: 0.0005}]", "", TRAINING),
    "TrainSpec.clip": ("batch_size", "clip: 7, batch_size", TRAINING),
    "TrainSpec.validate_every": ("batch_size", "validate_every: 7, batch_size", TRAINING),
    "TrainSpec.threads": ("batch_size", "threads: 1, batch_size", NOTHING),
    "TrainSpec.precision": ("batch_size", "precision: float64, batch_size", TRAINING),
    "TrainSpec.subsample": ("batch_size", "subsample: [groups], batch_size", TRAINING),
    "TrainSpec.accumulate": ("batch_size", "accumulate: 2, batch_size", TRAINING),
    "TrainSpec.ema": ("batch_size", "ema: 0.99, batch_size", TRAINING),
    "TrainSpec.early_stopping": ("batch_size", "early_stopping: {}, batch_size", TRAINING),
    "TrainSpec.compile": ("batch_size", "compile: auto, batch_size", NOTHING),
    "TrainSpec.keep": ("batch_size", "keep: 3, batch_size", NOTHING),
    "EarlyStopping.patience": ("batch_size", "early_stopping: {patience: 3}, batch_size", TRAINING),
    "EarlyStopping.least": ("batch_size", "early_stopping: {least: 0.1}, batch_size", TRAINING),
    "Schedule.name": ("[{at: 0.5, lr: 0.0005}]", "cosine", TRAINING),
    "Schedule.options": ("[{at: 0.5, lr: 0.0005}]", "{linear: {final: 0.5}}", TRAINING),
    "Optimizer.name": ("adam:", "adamw:", TRAINING),
    "Optimizer.options": ("lr: 0.001}", "lr: 0.002}", TRAINING),
    "ScheduleStep.at": ("at: 0.5", "at: 0.6", TRAINING),
    "ScheduleStep.lr": ("lr: 0.0005", "lr: 0.0004", TRAINING),
    "Evaluation.estimator": ("estimator: iwae", "estimator: elbo", TRAINING),
    "Evaluation.particles": ("iwae, particles: 10", "iwae, particles: 20", TRAINING),
    "Evaluation.chains": ("data: test}", "data: test, chains: 9}", TRAINING),
    "Evaluation.temperatures": ("data: test}", "data: test, temperatures: 9}", TRAINING),
    "Evaluation.direction": ("data: test}", "data: test, direction: both}", TRAINING),
    "Evaluation.latents": ("data: test}", "data: test, latents: ais}", TRAINING),
    "Evaluation.data": ("data: test}", "data: train}", TRAINING),
    "Evaluation.rows": ("data: test}", "data: test, rows: 9}", TRAINING),
    "Evaluation.seed": ("data: test}", "data: test, seed: 9}", TRAINING),
}

# Fields that are whole sections; what is inside them stands in the table.
SECTIONS = {
    "Document.specc": "1 is the only version",
    "Document.data": "DataSpec",
    "Document.model": "Node",
    "Document.guide": "Node",
    "Document.programs": "Node",
    "Document.links": "LinkSpec",
    "Document.objective": "NamedObjective, Minimize, Players, Stages",
    "Document.sampler": "SamplerSpec",
    "Document.train": "TrainSpec",
    "Document.evaluate": "Evaluation",
    "DataSpec.fields": "FieldSpec",
    "FieldSpec.many_hot": "ManyHot",
    "Players.players": "Player",
    "Stages.stages": "Stage",
    "Stage.objective": "NamedObjective, Minimize, Players",
    "Sources.sources": "SourceSpec",
}

PLAYED = """\
specc: 1
name: played
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  z: {latent: bernoulli, logits: 0, shape: [4]}
  x: {observed: bernoulli, logits: decoder(z)}
guide:
  z: {latent: bernoulli, logits: encoder(x), draw: score}
  b: {let: baseline(x), shape: []}
links: {decoder: linear, encoder: linear, baseline: linear}
objective:
  players:
    bound: {minimize: "-elbo(model, guide)", links: [decoder, encoder]}
    critic: {minimize: "(stop(elbo(model, guide)) - guide.b) ** 2", links: [baseline]}
"""
PLAYERS = {
    "Player.minimize": (") ** 2", ") ** 4"),
    "Player.links": ("links: [baseline]", "links: [baseline, encoder]"),
    "the draw": ("draw: score", "draw: {score: {baseline: running}}"),
}
ABOVE = """\
specc: 1
name: above
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  w: {parameter: real, shape: [4, 3]}
  h: {latent: bernoulli, shape: [4]}
  g: {latent: bernoulli, shape: [3]}
  energy: "-(h @ w @ g)"
  x: {observed: bernoulli, logits: decoder(h)}
guide:
  h: {latent: bernoulli, logits: encoder(x)}
links: {decoder: linear, encoder: linear}
objective:
  players:
    wake: {minimize: -log_prob(model.x), links: [decoder]}
    top: {minimize: cd(model), links: [w]}
    sleep: {minimize: "-log_prob(guide.h, at=model)", links: [encoder]}
"""
CHAINED = {"Player.chain": ("links: [w]", "links: [w], chain: {steps: 5}")}
TRAINED = {
    "SharedSettings.optimizer": ("links: [baseline]", "links: [baseline], optimizer: adamw"),
    "SharedSettings.schedule": ("links: [baseline]", "links: [baseline], schedule: cosine"),
    "SharedSettings.clip": ("links: [baseline]", "links: [baseline], clip: 1"),
    "PlayerSettings.clip_weights": ("links: [baseline]", "links: [baseline], clip_weights: 0.1"),
    "PlayerSettings.steps": ("links: [baseline]", "links: [baseline], steps: 5"),
}

STAGED = """\
specc: 1
name: staged
data: {source: digits, fields: {x: {from: image, binarize: sample}}}
model:
  w: {parameter: real, shape: [4, 4]}
  u: {parameter: real, shape: [4, 4]}
  z: {latent: normal, loc: 0, scale: 1, shape: [4]}
  x: {observed: bernoulli, logits: decoder(z @ w @ u)}
guide:
  z: {latent: normal, params: encoder(x)}
links: {decoder: linear, encoder: linear}
objective:
  stages:
    - {name: first, elbo: {}, links: [decoder, encoder], epochs: 3}
    - {name: second, elbo: {}, freeze: [w], copy: {u: w}}
"""
STAGES = {
    "Stage.name": ("name: second", "name: later"),
    "Stage.links": ("[decoder, encoder]", "[decoder]"),
    "Stage.freeze": ("freeze: [w]", "freeze: [encoder]"),
    "Stage.copies": (", copy: {u: w}", ""),
    "CopySource.name": ("{u: w}", "{w: u}"),
    "CopySource.transposed": ("{u: w}", "{u: transpose(w)}"),
}
LENGTHS = {"StageSettings.epochs": ("epochs: 3", "epochs: 4")}

CLASSES = """\
specc: 1
name: staged
data: {source: digits, fields: {x: {from: image}, y: {from: label}}}
model:
  x: {given: x}
  y: {observed: categorical, logits: classifier(x), classes: 10}
links: {classifier: linear}
objective:
  stages:
    - {name: first, mle: {}, rows: {y: [0, 1]}}
    - {name: second, mle: {}}
"""
ROWS = {"StageSettings.rows": ("[0, 1]", "[0, 2]")}

SUBSET = BASE.replace("{test: 0.2}", "{test: 0.2}\n  subset: {rows: 9, seed: 3}")
SUBSETS = {
    "Subset.rows": ("rows: 9", "rows: 8"),
    "Subset.per_class": ("seed: 3", "seed: 3, per_class: k"),
    "Subset.seed": ("seed: 3", "seed: 4"),
}

UNPAIRED = """\
specc: 1
name: unpaired
data:
  sources:
    left: {source: toy, density: ring, batch_size: 10, fields: {a: {from: x}}}
    right: {source: toy, density: ring, batch_size: 20, fields: {b: {from: x}}}
model: {z: {latent: normal, loc: 0, scale: 1}}
links: {critic: {mlp: [4]}}
objective:
  players: {critic: {minimize: "critic(data.a) - critic(data.b)", links: [critic]}}
"""
OF_SOURCES = {"SourceSpec.batch_size": ("batch_size: 20", "batch_size: 30")}

# The other value of these fields is refused, so that there are no digests.
UNPLANNED = {"Players.order"}


def declared():
    for module in (data, document, link, node, objective, train):
        for kind in vars(module).values():
            own = isinstance(kind, type) and issubclass(kind, BaseModel)
            if own and kind.__module__ == module.__name__:
                fields = {f: i for f, i in kind.model_fields.items() if f in kind.__annotations__}
                yield from ((f"{kind.__name__}.{f}", i) for f, i in fields.items())


def test_every_field_stands_in_the_table():
    planned = (
        set(CHANGES)
        | set(TRAINED)
        | set(OF_SOURCES)
        | set(SUBSETS)
        | set(LENGTHS)
        | set(ROWS)
        | {"Scan.is_ordered"}
        | {name for name in (*PLAYERS, *CHAINED, *STAGES) if not name.startswith("the ")}
    )
    assert {name for name, _ in declared()} == planned | set(SECTIONS) | UNPLANNED


def test_the_order_of_elements_is_mathematics():
    """A set is another model than a sequence, also where no step depends on another one."""
    sequence = BASE.replace("'v[t-1]', scale: 1, plate: t, initial: 0", "0, scale: 1, plate: t")
    assert changed(sequence, sequence.replace("scan: 2", "size: 2")) == MATH


@pytest.mark.parametrize("name", PLAYERS)
def test_what_players_do_is_mathematics(name):
    old, new = PLAYERS[name]
    assert PLAYED.count(old) == 1
    assert changed(PLAYED, PLAYED.replace(old, new)) == MATH


@pytest.mark.parametrize("name", CHAINED)
def test_how_players_draw_units_is_mathematics(name):
    old, new = CHAINED[name]
    assert changed(ABOVE, ABOVE.replace(old, new)) == MATH
    assert changed(ABOVE, ABOVE.replace(old, new.replace("5", "1"))) == set()


@pytest.mark.parametrize("name", STAGES)
def test_what_stages_do_is_mathematics(name):
    old, new = STAGES[name]
    assert STAGED.count(old) == 1
    assert changed(STAGED, STAGED.replace(old, new)) == MATH


def test_how_long_a_stage_is_trained_is_training_and_steers_it():
    text = STAGED.replace(*LENGTHS["StageSettings.epochs"])
    assert changed(STAGED, text) == TRAINING
    assert held(STAGED) == held(text)


def test_the_rows_of_a_stage_are_training():
    other = CLASSES.replace(*ROWS["StageSettings.rows"])
    assert changed(CLASSES, other) == TRAINING
    assert held(CLASSES)["objective.stages.first.rows"] == {"y": [0, 1]}
    assert changed(CLASSES, CLASSES.replace(", rows: {y: [0, 1]}", "")) == TRAINING


def test_the_optimizer_of_a_stage_is_training():
    text = STAGED.replace("epochs: 3", "epochs: 3, optimizer: sgd")
    assert changed(STAGED, text) == TRAINING
    assert held(text)["objective.stages.first.optimizer"] == "sgd"


def test_the_names_in_copies_are_no_mathematics():
    other = STAGED.replace(" u", " t").replace("{u:", "{t:").replace("@ u", "@ t")
    assert changed(STAGED, other) == {"parameters"}


@pytest.mark.parametrize("name", TRAINED)
def test_how_players_are_trained_is_training(name):
    old, new = TRAINED[name]
    text = PLAYED.replace(old, new)
    assert changed(PLAYED, text) == TRAINING
    kind = next(digest_class(field) for each, field in declared() if each == name)
    assert (held(PLAYED) != held(text)) == (kind == "training")


@pytest.mark.parametrize("name", SUBSETS)
def test_which_rows_are_trained_on_is_training(name):
    text = SUBSET.replace(*SUBSETS[name])
    assert changed(SUBSET, text) == TRAINING
    assert held(SUBSET) != held(text)


@pytest.mark.parametrize("name", OF_SOURCES)
def test_how_a_source_is_read_is_training(name):
    text = UNPAIRED.replace(*OF_SOURCES[name])
    assert changed(UNPAIRED, text) == TRAINING
    assert held(UNPAIRED) != held(text)


def test_settings_of_a_player_that_are_those_of_all_are_none():
    same = PLAYED.replace(
        "links: [baseline]",
        "links: [baseline], optimizer: {adam: {lr: 0.001}}, schedule: constant, steps: 1",
    )
    assert changed(PLAYED, same) == NOTHING
    assert held(PLAYED) == held(same)
    constant = same + "train: {schedule: cosine}\n"
    assert changed(PLAYED + "train: {schedule: cosine}\n", constant) == TRAINING


def test_a_run_can_change_the_rate_of_a_player():
    slow = PLAYED.replace("links: [baseline]", "links: [baseline], optimizer: {adam: {lr: 0.01}}")
    fast = slow.replace("lr: 0.01", "lr: 0.1")
    assert changed(slow, fast) == TRAINING
    assert held(PLAYED) == held(slow) == held(fast)


def test_the_names_of_links_are_none_of_it_and_those_of_players_are():
    """A checkpoint has the state of a player's loss under its name."""
    assert changed(PLAYED, PLAYED.replace("critic", "judge")) == MATH
    assert changed(PLAYED, PLAYED.replace("baseline", "height")) == {"parameters"}


@pytest.mark.parametrize("name", CHANGES)
def test_a_field_changes_the_digests_of_its_class(name):
    old, new, expected = CHANGES[name]
    # A row has no likelihood of its own, and so no figure, where all rows share a drawn latent.
    base = BASE[: BASE.index("evaluate:")] if "global: true" in new else BASE
    assert base.count(old) == 1
    assert changed(base, base.replace(old, new)) == expected


def test_the_table_agrees_with_the_schema():
    """A field of the training changes no mathematics, and words for people change nothing."""
    classes = {name: digest_class(field) for name, field in declared()}
    for name, (_, _, expected) in CHANGES.items():
        allowed = {
            "math": BOTH | TRAINING,
            "parameters": TRAINING,
            "training": TRAINING,
            "steering": TRAINING,
            "environment": NOTHING,
            "documentation": NOTHING,
        }[classes[name]]
        assert expected <= allowed, name


def held(text):
    """What a run of the spec holds on to."""
    checked = front(Source("specs/spec.yaml", text))
    return side(checked.plan).fixed


@pytest.mark.parametrize(
    "name", [n for n, field in declared() if digest_class(field) in ("training", "steering")]
)
def test_a_run_holds_on_to_its_training_but_for_what_steers_it(name):
    """Else `diff` and `train --resume` would take a changed run for the same one."""
    kind = next(digest_class(field) for n, field in declared() if n == name)
    if name not in {*SECTIONS, *TRAINED, *LENGTHS, *ROWS, *OF_SOURCES, *SUBSETS}:
        old, new, _ = CHANGES[name]
        assert (held(BASE) != held(BASE.replace(old, new))) == (kind == "training")


SAMPLED = """\
specc: 1
name: sampled
data: {source: digits, fields: {y: {from: label}}}
model:
  b: {latent: normal, loc: 0, scale: 1, shape: [10], global: true}
  y: {observed: categorical, logits: b}
sampler: {nuts: {chains: 2, draws: 100}}
"""


@pytest.mark.parametrize(
    ("other", "is_held"),
    [
        ("chains: 3, draws: 100", True),
        ("warmup: 50, chains: 2, draws: 100", True),
        ("chains: 2, draws: 200", False),
    ],
)
def test_a_run_holds_on_to_the_options_of_a_sampler_but_makes_more_draws(other, is_held):
    text = SAMPLED.replace("chains: 2, draws: 100", other)
    assert changed(SAMPLED, text) == TRAINING
    assert (held(SAMPLED) != held(text)) == is_held


def test_how_weights_start_is_training():
    assert changed(BASE, BASE.replace("decoder: {mlp: [6]", "decoder: {init: zeros, mlp: [6]")) == (
        TRAINING
    )


@pytest.mark.parametrize("used", [(), ("student",), ("student", "teacher")], ids=str)
def test_moving_averages_count_where_they_are_used(used):
    average = "  student: {mlp: [6]}\n  teacher: {ema: {of: student, decay: 0.9}}\n"
    text = BASE.replace("objective:", f"{average}objective:")
    for name in used:
        text = text.replace("loc: decoder(both)", f"loc: decoder(both) + {name}(both)")
    other = text.replace("decay: 0.9", "decay: 0.8")
    assert changed(text, other) == (MATH if "teacher" in used else NOTHING)


def test_a_constant_is_the_number_that_it_stands_for():
    assert changed(BASE, BASE.replace("shape: [size]", "shape: [3]")) == NOTHING
    named = BASE.replace("{size: 3}", "{size: 3, wide: 2}").replace("scale: a", "scale: wide * a")
    assert changed(BASE.replace("scale: a", "scale: 2 * a"), named) == NOTHING


def test_a_named_objective_is_what_it_stands_for():
    one = BASE.replace("{elbo: {particles: 2}}", "elbo")
    assert changed(one, one.replace("objective: elbo", "objective: {elbo: {particles: 1}}")) == (
        NOTHING
    )
    spelled = one.replace("objective: elbo", "objective: {minimize: '-elbo(model, guide)'}")
    assert changed(one, spelled) == NOTHING
