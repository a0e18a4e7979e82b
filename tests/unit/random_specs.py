"""Random specs for hypothesis: small programs of many kinds of nodes, most of them sound."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.unit.random_nodes import (
    DRAWS,
    FAMILIES,
    FINITE,
    REPARAMETERIZED,
    Story,
    unsized,
)
from tests.unit.random_sequences import Steps

UNJOINED = ("one_hot_categorical", "dirichlet", "student_t")
"""Vectors of a fixed size; and tails that overflow where one draw is a parameter of the next."""
OBJECTIVES = (
    "elbo",
    "elbo",
    "{elbo: {particles: 2}}",
    "{iwae: {particles: 3}}",
    "{vimco: {particles: 2}}",
    "mle",
    "map",
    '{minimize: "-elbo(model, guide)"}',
    '{minimize: "0.5 * kl(guide.n0, model.n0) - log_prob(model.x)"}',
)


@st.composite
def specs(draw, steps=0):
    """The text of a spec; so many in a hundred have a sequence."""
    story = Story(draw)
    objective = story.choose(OBJECTIVES)
    model, guide, latents = [], [], []
    shared: set[str] = set()
    before: list[str] = []
    unguided = objective in ("mle", "map")
    sequence = Steps(story, unguided) if story.chance(steps) else None
    rows = [0, 0, 1, 2] if sequence else [0, 1, 2, 3]
    for number in range(story.choose(rows)):
        summed = unguided and story.chance(85 if sequence else 60)
        alone(story, number, model, latents, shared, before, summed)
    determined(story, model, before)
    if story.chance(20):
        plated(story, model, guide, before)
    lacking = missing(story, model, before) if story.chance(5 if sequence else 18) else None
    way = story.choose(["", "", "", "", "", "latent", "observed"])
    if way:
        joined(story, model, latents, before, way)
    if sequence:
        model += sequence.model(before, "y" if way == "observed" else "x")
    if way != "observed" and (sequence is None or sequence.data == "y"):
        family = story.choose(FAMILIES)
        size = story.choose([0, 2, 2])
        fields = story.node("observed", family, size, before, story.chance(30), "x")
        model.append(("x", [*fields, *(["missing: integrate"] if story.chance(12) else [])]))
        story.known("x", family, size)
    model += story.take_tables()
    if "v" in story.sizes and objective in ("mle", "map") and story.chance(90):
        objective = "elbo"  # a part is not summed out
    unguided = objective in ("mle", "map")
    on_steps = sequence is not None and sequence.data == "x"
    seen = [*([] if on_steps else ["x"]), *(["g"] if "g" in story.sizes else [])]
    if lacking is not None and story.chance(20 if unguided else 90):
        fields = story.node("latent", *lacking, seen)
        guide.append(("m", unsized(fields)))
        seen += ["m"] if story.chance(60) else []
    for latent in latents:
        if not story.chance(4 if latent[0] in ("v", "w") else 90 if unguided else 12):
            guide += guided(story, latent, seen, shared)
    if sequence:
        guide += sequence.guide(seen)
        objective = sequence.objective(objective)
    guide += story.take_tables()
    if "kl(" in objective and objective.split("guide.")[1][:2] not in story.sizes:
        objective = "elbo"
    return written(story, model, guide, objective)


def alone(story, number, model, latents, shared, before, summed):
    """A latent of each row, or of all rows."""
    name = f"n{number}"
    family = story.choose(("bernoulli", "categorical") if summed else FAMILIES)
    size = 0 if summed else story.choose([0, 0, 2])
    fields = story.node("latent", family, size, before, story.chance(30), name)
    if not before and family not in FINITE and story.chance(15):
        fields.append("global: true")
        shared.add(name)
    model.append((name, fields))
    story.known(name, family, size)
    latents.append((name, family, size))
    before.append(name)


def determined(story, model, before):
    """A parameter, a deterministic node, and given data."""
    if story.chance(20):
        entries = story.choose(["2", "2", ""])
        kind = story.choose(["real", "positive"])
        model.append(("a", [f"parameter: {kind}", f"shape: [{entries}]"]))
        story.sizes["a"] = int(entries or 0)
        before.append("a")
    if before and story.chance(25):
        last = before[-1]
        value = story.choose(["exp({0})", "{0} * 2", "sum({0})"]).format(last)
        model.append(("d", [f'let: "{value}"']))
        story.sizes["d"] = 0 if "sum" in value else story.sizes[last]
        before.append("d")
    if story.chance(20):
        model.append(("g", ["given: g"]))
        story.fields["g"] = "{from: g, shape: [2]}"
        story.sizes["g"] = 2
        before.append("g")


def guided(story, latent, seen, shared):
    """The guide's node of a latent, with a parameter of its own or as a function of data."""
    name, family, size = latent
    twin = story.twin(family)
    if story.chance(20):
        own = f"q{name}"
        yield own, ["parameter: real", f"shape: [{(entries := story.choose(['', size or '']))}]"]
        story.sizes[own] = entries or 0
        fields = story.node("latent", twin, size, [own])
    else:
        known = [] if name in shared else seen
        fields = story.node("latent", twin, size, known, story.chance(60), name)
    way = story.choose(DRAWS)
    yield name, [*unsized(fields), *([f"draw: {way}"] if way else [])]
    if story.chance(40) and name not in shared:
        seen.append(name)


def missing(story, model, before):
    """Data that some rows, or some of their entries, lack; the guide is to draw it."""
    family = story.choose([f for f in FAMILIES if f not in ("student_t", "negative_binomial")])
    size = story.choose([0, 0, 2])
    if family in FINITE:
        word = story.choose(["enumerate", "enumerate", "score"])
    else:
        word = "pathwise" if family in REPARAMETERIZED else "score"
    if story.chance(10):
        word = story.choose(["enumerate", "pathwise", "integrate", "delta"])
    fields = story.node("observed", family, size, before)
    model.append(("m", [*fields, f"missing: {word}"]))
    story.known("m", family, size)
    story.fields["m"] = f"{{from: m, shape: [{story.sizes['m'] or ''}]}}"
    before.append("m")
    return family, size


def joined(story, model, latents, before, way):
    """One draw with several parts, the data among them or before them."""
    family = story.choose([f for f in FAMILIES if f not in UNJOINED])
    roles = {"v": "latent"}
    other = "x" if way == "observed" else "w"
    if story.chance(80):
        roles = {other: way, **roles} if story.chance(50) else {**roles, other: way}
    elif way == "observed":
        roles = {"x": "observed"}
    shapes = {part: story.choose(["", "2", "2", "1, 2"]) for part in roles}
    counts = {"": 1, "2": 2, "1, 2": 2}
    total = sum(counts[shape] for shape in shapes.values())
    fields = story.node("latent", family, total, before, story.chance(30), "vx")
    kept = [f for f in fields if not f.startswith(("latent:", "shape:"))]
    roles_written = ", ".join(f"{part}: {role}" for part, role in roles.items())
    sizes = ", ".join(f"{part}: [{shape}]" for part, shape in shapes.items())
    own = [f"joint: {{{roles_written}}}", f"distribution: {family}", f"shapes: {{{sizes}}}"]
    model.append(("vx", [*own, *kept]))
    for part, role in roles.items():
        # No parameter of another node has the shape of a matrix.
        story.sizes[part] = {"": 0, "2": 2}.get(shapes[part], -1)
        if role == "latent":
            latents.append((part, family, max(story.sizes[part], 0)))
    if way == "latent":
        story.sizes["vx"] = total
        before += [*roles, "vx"]


def plated(story, model, guide, before):
    """A number or a vector for each of three users: learnt, or a latent of all rows."""
    size = story.choose([0, 2])
    model.append(("k", ["given: k", "plate_index: users"]))
    story.fields["k"] = "{from: k, dtype: int64}"
    story.plates["users"] = "3"
    if story.chance(40):
        model.append(("u", ["parameter: real", "plate: users", f"shape: [{size or ''}]"]))
    else:
        family = story.choose(["normal", "laplace", "gamma"])
        fields = story.node("latent", family, size, [])
        model.append(("u", [*fields, "plate: users"]))
        learnt = story.chance(60)
        if learnt:
            entries = story.choose(["", size or ""])
            plate = story.choose(["", "plate: users"])
            own = ["parameter: real", f"shape: [{entries}]", plate]
            guide.append(("qu", [field for field in own if field]))
            story.sizes["qu"] = entries or 0
        fields = story.node("latent", family, size, ["qu"] if learnt else [])
        guide.append(("u", [*unsized(fields), "plate: users"]))
    story.sizes["u[k]"] = size
    before.append("u[k]")


def written(story, model, guide, objective):
    """The spec as text."""
    fields = ", ".join(f"{name}: {field}" for name, field in story.fields.items())
    lines = [
        "specc: 1",
        "name: made",
        f"data: {{source: npz, path: d.npz, fields: {{{fields}}}}}",
    ]
    if story.plates:
        plates = ", ".join(f"{name}: {plate}" for name, plate in story.plates.items())
        lines.append(f"plates: {{{plates}}}")
    for title, nodes in (("model", model), ("guide", guide)):
        if nodes:
            lines.append(f"{title}:")
            lines += [f"  {name}: {{{', '.join(fields)}}}" for name, fields in nodes]
    if story.links:
        lines.append("links:")
        lines += [f"  {name}: {kind}" for name, kind in story.links.items()]
    lines.append(f"objective: {objective}")
    return "\n".join(lines) + "\n"
