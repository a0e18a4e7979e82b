"""Random specs for hypothesis: small programs of many kinds of nodes, most of them sound."""

from __future__ import annotations

from hypothesis import strategies as st

# A distribution with its parameters: `r` real, `p` positive, `c`, `v` vectors of them, or as it is.
FAMILIES = {
    "normal": {"loc": "r", "scale": "p"},
    "laplace": {"loc": "r", "scale": "p"},
    "student_t": {"df": "3", "loc": "r", "scale": "p"},
    "log_normal": {"loc": "r", "scale": "p"},
    "gamma": {"concentration": "p", "rate": "p"},
    "exponential": {"rate": "p"},
    "beta": {"concentration1": "p", "concentration0": "p"},
    "half_normal": {"scale": "p"},
    "bernoulli": {"logits": "r"},
    "categorical": {"logits": "c"},
    "one_hot_categorical": {"logits": "c"},
    "poisson": {"rate": "p"},
    "negative_binomial": {"total_count": "4", "logits": "r"},
    "dirichlet": {"concentration": "v"},
}
CLASSES = 3
FINITE = ("bernoulli", "categorical", "one_hot_categorical")
REAL = ("normal", "laplace", "student_t")
UNJOINED = ("one_hot_categorical", "dirichlet", "student_t")
"""Vectors of a fixed size; and tails that overflow where one draw is a parameter of the next."""
REPARAMETERIZED = ("normal", "laplace", "log_normal", "gamma", "exponential", "beta", "half_normal")
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
DRAWS = (
    "",
    "",
    "",
    "pathwise",
    "{pathwise: {form: sticking}}",
    "enumerate",
    "delta",
    "score",
    "{score: {baseline: none}}",
    "{score: {baseline: leave_one_out}}",
)


class Story:
    """A spec in the making: its nodes so far, and the links that they asked for."""

    def __init__(self, draw):
        self.draw = draw
        self.links: dict[str, str] = {}
        self.sizes: dict[str, int] = {}

    def choose(self, options):
        return self.draw(st.sampled_from(list(options)))

    def chance(self, percent):
        return self.draw(st.integers(0, 99)) < percent

    def some(self, names):
        names = list(names)
        chosen = [name for name in names if self.chance(50)]
        return chosen or names[:1]

    def link(self, arguments):
        kind = self.choose(["linear", "{mlp: [4], activation: tanh}", "{mlp: [3, 3]}"])
        name = f"f{len(self.links)}"
        self.links[name] = kind
        return f"{name}({', '.join(arguments)})"

    def value(self, kind, size, before):
        """A parameter: a number, or an expression over the nodes before."""
        if kind not in ("r", "p", "c", "v"):
            return kind
        if not before or self.chance(25):
            return {"r": "0.5", "p": "1.5", "c": "1", "v": "1"}[kind]
        fits = (0, size)  # a number counts for every entry of a vector
        same = [name for name in before if self.sizes[name] in fits and kind in ("r", "p")]
        if same and self.chance(35):
            inner = self.choose(["{0}", "2 * {0} - 1", "tanh({0}) / 3", "{0} ** 2"])
            inner = inner.format(self.choose(same))
        else:
            inner = self.link(self.some(before))
        return f"softplus({inner}) + 0.1" if kind in ("p", "v") else inner

    def causal(self, name, before):
        """A causal link applied to the node itself, with a context or without."""
        link = f"c{len(self.links)}"
        self.links[link] = self.choose(["{masked_mlp: [5]}", "{masked_mlp: [4], orders: 2}"])
        known = self.some(before) if before and self.chance(40) else []
        return f"{link}({', '.join([name, *known])})"

    def node(self, role, family, size, before, params=False, name=""):
        """`latent: normal, loc: "f0(z)", scale: 1.5`; a named vector may depend on itself."""
        fields = [f"{role}: {family}"]
        given = FAMILIES[family]
        if name and size and family in ("normal", "bernoulli") and self.chance(25):
            main = "loc" if family == "normal" else "logits"
            rest = ["scale: 1.5"] if family == "normal" else []
            main = [f'{main}: "{self.causal(name, before)}"', *rest]
            if rest and self.chance(50):
                main = [f'params: "{self.causal(name, before)}"']
            return [*fields, *main, f"shape: [{size}]"]
        if params and before:
            fields.append(f'params: "{self.link(self.some(before))}"')
        else:
            for name, kind in given.items():
                fields.append(f'{name}: "{self.value(kind, size, before)}"')
        if family in ("categorical", "one_hot_categorical"):
            fields.append(f"classes: {CLASSES}")
        elif family == "dirichlet":
            fields.append(f"shape: [{CLASSES}]")
        else:
            fields.append(f"shape: [{size or ''}]")
        if family in REAL and self.chance(20):
            fields.append(f"through: {self.flow(before)}")
        return fields

    def flow(self, before):
        """One or two bijections; a context may condition each."""
        steps = []
        for _ in range(self.choose([1, 1, 2])):
            name = f"b{len(self.links)}"
            self.links[name] = "affine"
            known = self.some(before) if before and self.chance(40) else []
            steps.append(f'"{name}({", ".join(known)})"' if known else name)
        return steps[0] if len(steps) == 1 else f"[{', '.join(steps)}]"


def width(family, size):
    """The size of one event, 0 for a number."""
    if family in ("one_hot_categorical", "dirichlet"):
        return CLASSES
    return 0 if family == "categorical" else size


@st.composite
def specs(draw):
    """The text of a spec."""
    story = Story(draw)
    model, guide, latents = [], [], []
    shared: set[str] = set()
    before: list[str] = []
    for number in range(draw(st.integers(0, 3))):
        name = f"n{number}"
        family = story.choose(FAMILIES)
        size = story.choose([0, 0, 2])
        fields = story.node("latent", family, size, before, story.chance(30), name)
        if not before and family not in FINITE and story.chance(15):
            fields.append("global: true")
            shared.add(name)
        model.append((name, fields))
        story.sizes[name] = width(family, size)
        latents.append((name, family, size))
        before.append(name)
    if story.chance(20):
        entries = story.choose(["2", "2", ""])
        kind = story.choose(["real", "positive"])
        model.append(("a", [f"parameter: {kind}", f"shape: [{entries}]"]))
        story.sizes["a"] = int(entries or 0)
        before.append("a")
    if before and story.chance(25):
        last = before[-1]
        model.append(("d", [f'let: "{story.choose(["exp({0})", "{0} * 2", "sum({0})"])}"']))
        model[-1] = ("d", [model[-1][1][0].format(last)])
        story.sizes["d"] = 0 if "sum" in model[-1][1][0] else story.sizes[last]
        before.append("d")
    if story.chance(20):
        model.append(("g", ["given: g"]))
        story.sizes["g"] = 2
        before.append("g")
    if story.chance(20):
        plated(story, model, guide, before)
    lacking = missing(story, model, before) if story.chance(18) else None
    way = story.choose(["", "", "", "", "", "latent", "observed"])
    if way:
        joined(story, model, latents, before, way)
    if way != "observed":
        family = story.choose(FAMILIES)
        size = story.choose([0, 2, 2])
        fields = story.node("observed", family, size, before, story.chance(30), "x")
        model.append(("x", [*fields, *(["missing: integrate"] if story.chance(12) else [])]))
        story.sizes["x"] = width(family, size)
    objective = story.choose(OBJECTIVES)
    if "v" in story.sizes and objective in ("mle", "map") and story.chance(90):
        objective = "elbo"  # a part is not summed out
    unguided = objective in ("mle", "map")
    seen = ["x", *(["g"] if "g" in story.sizes else [])]
    if lacking is not None and story.chance(20 if unguided else 90):
        fields = story.node("latent", *lacking, seen)
        guide.append(("m", [field for field in fields if not field.startswith("shape")]))
        seen += ["m"] if story.chance(60) else []
    for name, family, size in latents:
        if story.chance(4 if name in ("v", "w") else 90 if unguided else 12):
            continue
        twin = family
        if family in REPARAMETERIZED and story.chance(20):
            twin = story.choose(["normal", "gamma", "log_normal"])
        if story.chance(20):
            own = f"q{name}"
            guide.append((own, ["parameter: real", f"shape: [{story.choose(['', size or ''])}]"]))
            story.sizes[own] = size if guide[-1][1][1] == f"shape: [{size}]" else 0
            fields = story.node("latent", twin, size, [own])
        else:
            known = [] if name in shared else seen
            fields = story.node("latent", twin, size, known, story.chance(60), name)
        fields = [field for field in fields if not field.startswith("shape")]
        way = story.choose(DRAWS)
        guide.append((name, [*fields, *([f"draw: {way}"] if way else [])]))
        if story.chance(40) and name not in shared:
            seen.append(name)
    return written(story, model, guide, objective)


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
    story.sizes["m"] = width(family, size)
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
        fields = [field for field in fields if not field.startswith("shape")]
        guide.append(("u", [*fields, "plate: users"]))
    story.sizes["u[k]"] = size
    before.append("u[k]")


def written(story, model, guide, objective):
    lines = ["specc: 1", "name: made", "data: {source: npz, path: d.npz, fields: {x: {from: x}}}"]
    if "g" in story.sizes:
        lines[-1] = lines[-1][:-2] + ", g: {from: g, shape: [2]}}}"
    if "m" in story.sizes:
        shape = story.sizes["m"] or ""
        lines[-1] = lines[-1][:-2] + f", m: {{from: m, shape: [{shape}]}}}}}}"
    if "u[k]" in story.sizes:
        lines[-1] = lines[-1][:-2] + ", k: {from: k, dtype: int64}}}"
        lines.append("plates: {users: 3}")
    for title, nodes in (("model", model), ("guide", guide)):
        if nodes:
            lines.append(f"{title}:")
            lines += [f"  {name}: {{{', '.join(fields)}}}" for name, fields in nodes]
    if story.links:
        lines.append("links:")
        lines += [f"  {name}: {kind}" for name, kind in story.links.items()]
    lines.append(f"objective: {objective}")
    return "\n".join(lines) + "\n"
