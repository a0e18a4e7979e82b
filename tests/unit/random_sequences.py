"""Random sequences for random specs: nodes with a value at each step, and who sees which step."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.unit.random_nodes import CLASSES, DRAWS, FAMILIES, unsized, width

SETTLED = [name for name in FAMILIES if name not in ("student_t", "log_normal")]
"""Without tails that overflow where one draw is a parameter of the next."""
REDUCED = ["last({0}, t)", "first({0}, t)", "sum({0}, t)", "mean({0}, t)", "max(2 * {0}, t)"]
STATES = ("categorical", "categorical", "bernoulli", "one_hot_categorical")


@dataclass
class Node:
    """A node on the sequence: `family` is empty where it is deterministic.

    `initial` is what its step before the first one is; with none there is no step before.
    """

    name: str
    family: str = ""
    size: int = 0
    initial: str = ""
    reverse: bool = False

    @property
    def shifted(self):
        """What its value at the step before is written as."""
        return f"{self.name}[t{'+' if self.reverse else '-'}1]"

    @property
    def fields(self):
        """What a node of the model says of its steps."""
        initial = [f'initial: "{self.initial}"'] if self.initial else []
        return ["plate: t", *initial, *(["reverse: true"] if self.reverse else [])]


class Steps:
    """The part of a spec that is a sequence; `data` is the name of what is observed on it."""

    def __init__(self, story, unguided):
        self.story, self.unguided = story, unguided
        self.back = story.chance(20)
        self.own: list[tuple[str, list[str]]] = []
        self.nodes: list[Node] = []
        self.summed: set[str] = set()
        self.data = ""

    def model(self, rows, data):
        """The nodes of the model, after those of a row."""
        story = self.story
        self.data = data if story.chance(75) else "y"
        yield from self._plate()
        known = [*rows, *self._alone()]
        yield from self.own
        self._declare(rows)
        if self.unguided and story.chance(20):
            yield from self._filter(known)
            return
        for place in story.draw(st.permutations(range(len(self.nodes)))):
            node = self.nodes[place]
            before = self._around(node, known)
            yield node.name, [*self._made(node, before), *node.fields]
            known.append(node.name)

    def _plate(self):
        """The sequence itself, and how many of its steps a row has."""
        steps, lengths = self.story.choose([1, 2, 2, 3, 3]), ""
        if self.story.chance(40):
            lengths = ", lengths: n"
            self.story.fields["n"] = "{from: n, shape: [], dtype: int64}"
            yield "n", ["given: n"]
        self.story.plates["t"] = f"{{scan: {steps}{lengths}}}"
        self.steps = steps

    def _alone(self):
        """Given data and a parameter with a value at each step, which go into `own`."""
        story, names = self.story, []
        if story.chance(20):
            story.fields["e"] = f"{{from: e, shape: [{self.steps}, 2]}}"
            initial = self._initial("", 2) if story.chance(30) else ""
            self._add(names, Node("e", "", 2, initial, self._turned()), ["given: e"])
            if story.chance(60):
                self._of_all_steps(names, story.choose(REDUCED))
        if story.chance(20) and self.steps > 1:
            story.sizes["index(t)"], story.classes["index(t)"] = 0, self.steps
            names.append("index(t)")
        if story.chance(20):
            size = story.choose([0, 2])
            self._add(names, Node("b", "", size), ["parameter: real", f"shape: [{size or ''}]"])
        return names

    def _of_all_steps(self, names, form):
        """A value of the row from the given data at all of its steps."""
        value = form.format("e")
        self.story.sizes[value] = 2
        names.append(value)

    def _add(self, names, node, fields):
        self.own.append((node.name, [*fields, *node.fields]))
        self.story.sizes[node.name] = node.size
        names.append(node.name)
        if node.initial:
            self.story.sizes[node.shifted] = node.size
            names.append(node.shifted)

    def _declare(self, rows):
        """What the nodes are, before any of them says what it depends on."""
        story = self.story
        for number in range(story.choose([0, 1, 1, 2])):
            summed = self.unguided or story.chance(12)
            family = story.choose(STATES if summed and story.chance(92) else SETTLED)
            size = story.choose([0, 0, 0, 2] if summed else [0, 0, 2])
            if summed and not self.unguided:
                self.summed.add(f"z{number}")
            self._node(f"z{number}", family, size, rows, 75)
        for number in range(story.choose([0, 0, 1] if self.unguided else [0, 0, 1, 1, 2])):
            self._node(f"h{number}", "", story.choose([0, 2, 2]), rows, 80)
        family = story.choose(SETTLED)
        self._node(self.data, family, story.choose([0, 2, 2]), rows, 35)
        if self.data == "y":
            story.fields["y"] = "{from: y}"

    def _node(self, name, family, size, rows, percent):
        story = self.story
        initial = self._initial(family, size, rows) if story.chance(percent) else ""
        node = Node(name, family, size, initial, self._turned())
        self.nodes.append(node)
        story.sizes[name] = width(family, size)
        story.sizes[node.shifted] = width(family, size)
        if family == "categorical":
            story.classes[name] = CLASSES
            story.classes[node.shifted] = CLASSES + (initial == str(CLASSES))

    def _turned(self):
        """Whether a node runs from the last step to the first: most of them run one way."""
        return self.back != self.story.chance(8)

    def _initial(self, family, size, rows=()):
        """A number, a parameter, or an expression over what a row has."""
        story = self.story
        if family == "categorical":
            return story.choose(["0", "1", str(CLASSES - 1), str(CLASSES), str(CLASSES)])
        same = [name for name in rows if story.sizes[name] in (0, size)]
        way = story.choose(["number", "number", "parameter", "expression"])
        if way == "parameter" and width(family, size) == size:
            name = f"w{story.count}"
            story.count += 1
            story.tables.append((name, ["parameter: real", f"shape: [{size or ''}]"]))
            return name
        if way == "expression" and same and width(family, size) == size:
            return story.choose(["{0}", "2 * {0} - 1"]).format(story.choose(same))
        return story.choose(["0", "0.5", "1"])

    def _around(self, node, known):
        """What a node may depend on: its own step before, those of others, and what is known."""
        shifted = [n.shifted for n in self.nodes if n.initial and n is not node]
        own = [node.shifted] if node.initial and self.story.chance(85) else []
        return [*own, *known, *(name for name in shifted if self.story.chance(40))]

    def _made(self, node, before):
        """What a node of the model says, apart from its steps."""
        story = self.story
        if not node.family:
            return self.computed(node, before)
        role = "observed" if node.name == self.data else "latent"
        fields = story.node(role, node.family, node.size, before, story.chance(30), node.name)
        if node.family == "one_hot_categorical" and story.chance(80):
            fields.append(f"shape: [{CLASSES}]")
        if role == "latent" and node.name in self.summed:
            fields.append("draw: enumerate")
        return fields

    def computed(self, node, before):
        """A `let`: the state of a recurrent network, or plain arithmetic."""
        story, shape = self.story, f"shape: [{node.size or ''}]"
        same = [name for name in before if story.sizes[name] in (0, node.size)]
        first, rest = node.shifted, [name for name in before if name != node.shifted]
        way = story.choose(["unit", "network", "network", "sum"])
        if way == "unit" and node.initial and node.size and rest:
            name = f"r{len(story.links)}"
            story.links[name] = "gru"
            return [f'let: "{name}({", ".join([first, *story.some(rest)])})"', shape]
        if way == "sum" and same:
            terms = [story.choose(same), story.choose(same)]
            form = story.choose(["0.5 * {0} - {1}", "exp({0} / 4)", "tanh({0}) * {1}"])
            return [f'let: "{form.format(*terms)}"', shape]
        names = story.some(before) if before else []
        return [f'let: "tanh({story.link(names)})"' if names else "let: 0.5", shape]

    def _filter(self, known):
        """A normal latent with a linear past, and normal data that are linear in it."""
        story = self.story
        node = Node("z0", "normal", story.choose([0, 2]), "", self.back)
        node.initial = self._initial("normal", node.size) if story.chance(80) else ""
        story.sizes["z0"] = story.sizes[node.shifted] = node.size
        outer = [name for name in known if name not in story.classes]
        loc = self._affine(node.shifted, outer) if node.initial else "0.3"
        scale = story.value("p", node.size, outer)
        fields = ["latent: normal", f'loc: "{loc}"', f'scale: "{scale}"']
        yield "z0", [*fields, f"shape: [{node.size or ''}]", *node.fields]
        size = story.choose([0, 2])
        scale = story.value("p", size, outer)
        fields = ["observed: normal", f'loc: "{self._affine("z0", outer)}"', f'scale: "{scale}"']
        data = Node(self.data, "normal", size)
        yield self.data, [*fields, f"shape: [{size or ''}]", *data.fields]
        story.sizes[self.data] = size
        self.nodes = [node, data]

    def _affine(self, name, outer):
        """An affine function of one value, beside others that may enter in any way."""
        story = self.story
        made = f"f{len(story.links)}"
        story.links[made] = "linear"
        taken = [name, *(n for n in outer if story.chance(30))]
        more = story.choose(["", f" - 0.5 * {made}({', '.join(taken)})"])
        return f"{made}({', '.join(taken)}){more}"

    # the guide

    def guide(self, rows):
        """The guide's nodes on the sequence."""
        story = self.story
        drawn = [n for n in self.nodes if n.name.startswith("z") and n.name not in self.summed]
        if self.unguided and story.chance(95):
            return
        known = [*rows, self.data, *(name for name, _ in self.own)]
        shifted = [n.shifted for n in self.nodes if n.initial and n.name == self.data]
        known += [name for name in shifted if story.chance(40)]
        for number in range(story.choose([0, 1, 1])):
            name = story.choose([f"k{number}", f"h{number}"])
            back = story.chance(50)
            node = Node(name, "", story.choose([0, 2, 2]), story.choose(["", "0", "0.5"]), back)
            story.sizes[name] = story.sizes[node.shifted] = node.size
            steps = [n.shifted for n in drawn if n.initial and story.chance(25)]
            own = [node.shifted] if node.initial else []
            yield name, [*self.computed(node, [*own, *known, *steps]), *node.fields]
            known.append(name)
        for latent in drawn:
            if story.chance(92):
                yield self._drawn(latent, drawn, known)
                known += [latent.name] if story.chance(60) else []

    def _drawn(self, latent, drawn, known):
        """A latent as the guide draws it; it starts as the model's node, or has its own start."""
        story = self.story
        fields, initial, back = [], latent.initial, latent.reverse
        if story.chance(15):
            initial = story.choose(["0", "1"])
            fields.append(f"initial: {initial}")
        if story.chance(8):
            back = True
            fields.append("reverse: true")
        own = Node(latent.name, latent.family, latent.size, initial, back)
        story.sizes[own.shifted] = width(latent.family, latent.size)
        if latent.family == "categorical":
            story.classes[own.shifted] = CLASSES + (initial == str(CLASSES))
        before = [own.shifted] if initial and story.chance(60) else []
        before += [n.shifted for n in drawn if n.initial and n is not latent and story.chance(25)]
        before += [name for name in known if story.chance(70)]
        twin = story.twin(latent.family) if story.chance(50) else latent.family
        twin = twin if twin in SETTLED else latent.family
        made = story.node("latent", twin, latent.size, before, story.chance(60), latent.name)
        way = story.choose(DRAWS)
        return latent.name, [*unsized(made), *fields, *([f"draw: {way}"] if way else [])]

    def objective(self, chosen):
        """The objective; a divergence may be written for a latent of the sequence."""
        if "n0" in chosen and self.story.chance(60):
            return chosen.replace("n0", "z0").replace("model.x", f"model.{self.data}")
        return chosen
