"""Random nodes: distributions with parameters that are expressions over the nodes before."""

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
    "weibull": {"scale": "p", "concentration": "1.5"},
    "zero_inflated(poisson)": {"gate_logits": "r", "rate": "p"},
    "truncated(normal)": {"lower": "-2", "loc": "r", "scale": "p"},
}
CAUSAL = (
    "{masked_mlp: [5]}",
    "{masked_mlp: [4], orders: 2}",
    "{nade: 4, orders: 2}",
    "{transformer: 4, depth: 1, heads: 2}",
)
CLASSES = 3
FINITE = ("bernoulli", "categorical", "one_hot_categorical")
REAL = ("normal", "laplace", "student_t")
REPARAMETERIZED = ("normal", "laplace", "log_normal", "gamma", "exponential", "beta", "half_normal")
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
    """A spec in the making: its nodes so far, and the links that they asked for.

    `sizes` has the size of one event of each name, 0 for a number, and -1 for what no parameter of
    another node has the shape of; `classes` how many class numbers a name has. `tables` are the
    learnt tables that the nodes written last asked for: they go into the same program.
    """

    def __init__(self, draw):
        self.draw = draw
        self.links: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.classes: dict[str, int] = {}
        self.fields: dict[str, str] = {"x": "{from: x}"}
        self.plates: dict[str, str] = {}
        self.tables: list[tuple[str, list[str]]] = []
        self.count = 0

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

    def take_tables(self):
        """The tables asked for since the last call, as nodes."""
        taken, self.tables = self.tables, []
        return taken

    def value(self, kind, size, before):
        """A parameter: a number, or an expression over the nodes before."""
        if kind not in ("r", "p", "c", "v"):
            return kind
        if not before or self.chance(25):
            return {"r": "0.5", "p": "1.5", "c": "1", "v": "1"}[kind]
        fits = (0, size)  # a number counts for every entry of a vector
        same = [name for name in before if self.sizes[name] in fits and kind in ("r", "p")]
        classes = [name for name in before if name in self.classes]
        if classes and self.chance(40):
            inner = self.table(kind, size, self.choose(classes))
        elif same and self.chance(35):
            inner = self.choose(["{0}", "2 * {0} - 1", "tanh({0}) / 3", "{0} ** 2"])
            inner = inner.format(self.choose(same))
        else:
            inner = self.link(self.some(before))
        return f"softplus({inner}) + 0.1" if kind in ("p", "v") else inner

    def table(self, kind, size, index):
        """A row of a learnt table, by a class number."""
        name = f"w{self.count}"
        self.count += 1
        wide = CLASSES if kind in ("c", "v") else size
        shape = f"[{self.classes[index]}{f', {wide}' if wide else ''}]"
        self.tables.append((name, ["parameter: real", f"shape: {shape}"]))
        return f"{name}[{index}]"

    def causal(self, name, before):
        """A causal link applied to the node itself, with a context or without."""
        link = f"c{len(self.links)}"
        self.links[link] = self.choose(CAUSAL)
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
            for parameter, kind in given.items():
                fields.append(f'{parameter}: "{self.value(kind, size, before)}"')
        if family in ("categorical", "one_hot_categorical"):
            fields.append(f"classes: {CLASSES}")
        elif family == "dirichlet":
            fields.append(f"shape: [{CLASSES}]")
        else:
            fields.append(f"shape: [{size or ''}]")
        if family in REAL and self.chance(20):
            fields.append(f"through: {self.flow(before)}")
        return fields

    def known(self, name, family, size):
        """Note what another node can make of a value of this one."""
        self.sizes[name] = width(family, size)
        if family == "categorical":
            self.classes[name] = CLASSES

    def twin(self, family):
        """The distribution of the guide's node: the model's, or another of the same values."""
        if family in REPARAMETERIZED and self.chance(20):
            return self.choose(["normal", "gamma", "log_normal"])
        return family

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


def unsized(fields):
    """The fields of a node without its shape, which a guide's node has from the model."""
    return [field for field in fields if not field.startswith("shape")]
