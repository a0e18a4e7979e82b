"""Reading of the nodes of a program."""

from __future__ import annotations

from collections.abc import Iterable

from specc.catalog.registry import CHAINS, DISTRIBUTIONS
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.nearest import nearest
from specc.language.expressions.tree import Call, Name
from specc.language.located import Entry, Located, Mapping, Scalar, Sequence
from specc.language.schema import later
from specc.language.schema.expressions import read_expression
from specc.language.schema.identifiers import is_identifier
from specc.language.schema.node import INITS, ROLES, SCALED, Draw, Node, Role
from specc.language.schema.node_advice import node_advice
from specc.language.schema.read_draw import read_draw
from specc.language.schema.read_joint import read_distribution, read_parts, unread_parts
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path
from specc.language.schema.value import Expression

HEADS: dict[Role, str] = {
    "latent": "the name of a distribution",
    "observed": "the name of a distribution",
    "given": "the name of a data field",
    "let": "an expression",
    "parameter": "the name of a set of numbers, such as `real` or `positive`",
    "joint": "the parts of one draw, each `observed` or `latent`",
}

ALONE: tuple[Role, ...] = tuple(role for role in ROLES if role != "joint")
OPTIONS: dict[str, tuple[Role, ...]] = {
    "distribution": ("joint",),
    "shapes": ("joint",),
    "params": ("latent", "observed", "joint"),
    "shape": ALONE,
    "plate": ALONE,
    "global": ALONE,
    "initial": ("latent", "observed", "let", "given"),
    "reverse": ("latent", "observed", "let", "given"),
    "from": ("observed",),
    "plate_index": ("given",),
    "through": ("latent", "observed", "joint"),
    "draw": ("latent", "observed"),
    "missing": ("observed",),
    "init": ("parameter", "latent"),
}
"""The keys of nodes except roles and parameters, with the roles that may have each of them."""


def read_nodes(reading: Reading, value: Located, path: Path) -> dict[str, Node] | None:
    """The valid nodes of a program by name, with its energy; None if none can be read."""
    nodes = reading.mapping(value, path, "write its nodes, one key each")
    if nodes is None:
        return None
    if not nodes.entries:
        return reading.empty(value, path, "write its nodes, one key each")
    read = {entry.name: _entry(reading, entry, path) for entry in nodes.entries}
    unread = (entry.value for entry in nodes.entries if read[entry.name] is None)
    reading.unread += [part for value in unread for part in unread_parts(value, path)]
    return reading.known(read, path)


def _entry(reading: Reading, entry: Entry, path: Path) -> Node | None:
    if entry.name == "energy" and not isinstance(entry.value, Mapping):
        found = read_expression(reading, entry.value, (*path, entry.name))
        return None if found is None else Node(role="energy", head=found)
    if not is_identifier(reading, entry.key, "node"):
        return None
    is_mapping = isinstance(entry.value, Mapping)
    hint = "" if is_mapping else node_advice(reading, entry, path)
    keys = reading.mapping(entry.value, (*path, entry.name), hint)
    return (
        None if keys is None else _NodeReader(reading, entry.key, keys, (*path, entry.name)).node()
    )


class _NodeReader:
    """Reads one node; reports all of its errors before it returns None."""

    def __init__(self, reading: Reading, key: Scalar, keys: Mapping, path: Path) -> None:
        self.reading, self.key, self.keys, self.path = reading, key, keys, path

    def node(self) -> Node | None:
        before = self.reading.errors()
        if self.unavailable():
            return None
        role = self.role()
        if role is None:
            return None
        node = self.of_role(role)
        return node if self.reading.errors() == before else None

    def unavailable(self) -> bool:
        """Whether the node has keys that this version does not implement; reports them."""
        found = [e for e in self.keys.entries if e.name in later.NODE_KEYS]
        for entry in found:
            later.not_yet(self.reading, entry.key.span, entry.name, later.NODE_KEYS[entry.name])
        return bool(found)

    def role(self) -> Role | None:
        entries = [e for e in self.keys.entries if e.name in ROLES]
        if len(entries) == 1:
            return next(role for role in ROLES if role == entries[0].name)
        if entries:
            self.two_roles(entries)
        else:
            self.no_role()
        return None

    def two_roles(self, entries: list[Entry]) -> None:
        first, second = entries[:2]
        self.reading.report(
            "E0107",
            second.key.span,
            labels=[Label(first.key.span, "the other role")],
            name=self.key.text,
            first=first.name,
            second=second.name,
        )

    def no_role(self) -> None:
        for entry in self.keys.entries:
            guess = nearest(entry.name, ROLES)
            if guess is not None and entry.name not in OPTIONS:
                span = entry.key.span
                return self.reading.report("E0106", span, suggestion=guess, name=self.key.text)
        return self.reading.report("E0106", self.key.span, name=self.key.text)

    def of_role(self, role: Role) -> Node | None:
        head = self.head(role)
        known = self.distribution_keys(role, head)
        arguments: dict[str, Expression] = {}
        options: dict[str, object] = {}
        for entry in self.keys.entries:
            if entry.name in OPTIONS:
                options[entry.name] = self.option(role, entry)
            elif entry.name not in ROLES and not self.is_misspelt(entry, role, known):
                value = read_expression(self.reading, entry.value, (*self.path, entry.name))
                if value is not None:
                    arguments[entry.name] = value
        if role == "joint":
            options["parts"] = self.parts()
        if head is None:
            return None
        return _build(role, head, arguments, options)

    def parts(self) -> object:
        value = self.keys.get("joint")
        assert value is not None
        return read_parts(self.reading, value, (*self.path, "joint"))

    def head(self, role: Role) -> str | Expression | None:
        if role == "joint":
            return read_distribution(self.reading, self.keys, self.path)
        value = self.keys.get(role)
        assert value is not None
        path = (*self.path, role)
        if role == "let":
            return read_expression(self.reading, value, path)
        hint = "write the parameters beside it, not under it" if role != "given" else ""
        is_nested = isinstance(value, (Mapping, Sequence))
        return self.reading.word(value, path, HEADS[role], hint if is_nested else "")

    def distribution_keys(self, role: Role, head: object) -> frozenset[str] | None:
        """The parameters and options of the distribution; None if it is unknown."""
        if role in ("given", "let", "parameter"):
            return frozenset()
        if not isinstance(head, str) or head not in DISTRIBUTIONS:
            return None
        entry = DISTRIBUTIONS[head]
        names = [p.name for p in entry.parameters] + [a.name for a in entry.alternatives]
        return frozenset((*names, *entry.options))

    def is_misspelt(self, entry: Entry, role: Role, known: frozenset[str] | None) -> bool:
        """Whether a key is a misspelt key of nodes, not one of the distribution; reports it."""
        if known is None or entry.name in known:
            return False
        legal = [key for key, roles in OPTIONS.items() if role in roles]
        if nearest(entry.name, (*legal, *known)) not in legal:
            return False
        self.reading.unknown_key(entry.key, self.path, (*legal, *known))
        return True

    # options

    def option(self, role: Role, entry: Entry) -> object:
        path = (*self.path, entry.name)
        if role not in OPTIONS[entry.name]:
            return self.of_another_role(role, entry)
        match entry.name:
            case "params" | "initial":
                return read_expression(self.reading, entry.value, path)
            case "shape":
                return self.shape(entry.value, path)
            case "shapes":
                return self.shapes(entry.value, path)
            case "distribution":
                return None  # read by `head`
            case "through":
                return self.through(entry.value, path)
            case "global" | "reverse":
                return self.reading.boolean(entry.value, path)
            case "draw" | "missing":
                return self.draw(role, entry, path)
            case "init":
                return self.init(entry.value, path)
            case "from":
                return self.reading.word(entry.value, path, "the name of a data field")
        return self.plate(entry.value, path)

    def of_another_role(self, role: Role, entry: Entry) -> None:
        name = self.key.text
        if entry.name == "draw":
            words = "a parameter" if role == "parameter" else role
            return self.reading.report("E0411", entry.key.span, name=name, role=words)
        *others, last = OPTIONS[entry.name]
        roles = f"{', '.join(others)} and {last}" if others else last
        return self.reading.report(
            "E0117", entry.key.span, key=entry.name, role=role, name=name, roles=roles
        )

    def draw(self, role: Role, entry: Entry, path: Path) -> Draw | None:
        """The draw of a latent or of missing values; that of an observed node is a chain."""
        found = read_draw(self.reading, entry.value, path)
        is_chain = found is not None and found.kind in CHAINS
        if found is not None and is_chain and entry.name == "missing":
            span, name = entry.value.span, self.key.text
            return self.reading.report("E0287", span, name=name, chain=found.kind)
        if found is not None and not is_chain and entry.name == "draw" and role == "observed":
            return self.of_another_role(role, entry)
        return found

    def shape(self, value: Located, path: Path) -> tuple[Expression, ...] | None:
        if not isinstance(value, Sequence):
            text = value.span.text if isinstance(value, Scalar) and value.span.text else "10"
            return self.reading.wrong_kind(value, path, "a list of sizes", f"write `[{text}]`")
        sizes = [
            read_expression(self.reading, item, (*path, i)) for i, item in enumerate(value.items)
        ]
        return tuple(size for size in sizes if size is not None)

    def shapes(self, value: Located, path: Path) -> dict[str, tuple[Expression, ...]] | None:
        hint = "write the sizes of parts by name, such as `{u: [8]}`"
        found = self.reading.mapping(value, path, hint)
        if found is None:
            return None
        read = {e.name: self.shape(e.value, (*path, e.name)) for e in found.entries}
        return {name: sizes for name, sizes in read.items() if sizes is not None}

    def through(self, value: Located, path: Path) -> tuple[Expression, ...] | None:
        """The bijections: one or a list, each a call with a context or a name."""
        if not isinstance(value, Sequence):
            step = self.step(value, path)
            return None if step is None else (step,)
        if not value.items:
            return self.reading.empty(value, path, "write the name of a bijection under `links:`")
        steps = [self.step(item, (*path, i)) for i, item in enumerate(value.items)]
        return tuple(step for step in steps if step is not None)

    def step(self, value: Located, path: Path) -> Expression | None:
        if isinstance(value, Mapping):
            return self.reading.report("E0128", value.span, name=self.key.text)
        found = read_expression(self.reading, value, path)
        match found:
            case None | Call(transposed=False, inverted=False):
                return found
            case Name(id=name, span=span):
                return Call(name, (), span, span)
        return self.reading.report("E0128", value.span, name=self.key.text)

    def plate(self, value: Located, path: Path) -> str | None:
        return self.reading.word(value, path, "the name of a plate")

    def init(self, value: Located, path: Path) -> object:
        if isinstance(value, Mapping):
            return self.init_scale(value, path)
        if isinstance(value, Sequence) and value.items:
            numbers = [self.reading.number(item, (*path, i)) for i, item in enumerate(value.items)]
            return tuple(float(n) for n in numbers if n is not None)
        if isinstance(value, Scalar) and isinstance(value.value, str) and value.style == "plain":
            return self.init_word(value, path)
        found = self.reading.number(value, path)
        return None if found is None else float(found)

    def init_scale(self, value: Mapping, path: Path) -> dict[str, float] | None:
        """The standard deviation of random initial values: `{normal: 0.01}`."""
        hint = "write such as `{normal: 0.01}`, a standard deviation"
        found = self.reading.mapping(value, path, hint)
        if found is None or not found.entries:
            return None if found is None else self.reading.empty(value, path, hint)
        entry = found.entries[0]
        for other in found.entries:
            if other.name != SCALED:
                return self.reading.unknown_key(other.key, path, (SCALED,))
        scale = self.reading.number(entry.value, (*path, SCALED))
        if scale is None:
            return None
        if scale <= 0:
            owner, shown = f"`init.{SCALED}` of the node `{self.key.text}`", entry.value.span.text
            return self.reading.report(
                "E0113", entry.value.span, where=owner, value=shown, hint="it must be positive"
            )
        return {SCALED: float(scale)}

    def init_word(self, value: Scalar, path: Path) -> str | None:
        if value.text in INITS:
            return value.text
        guess = nearest(value.text, INITS)
        expected = f"a number, a list of numbers, {_either(INITS)}"
        hint = "" if guess else f"it is {expected}"
        owner = f"`init` of the node `{self.key.text}`"
        return self.reading.report(
            "E0113", value.span, suggestion=guess, where=owner, value=value.text, hint=hint
        )


def _either(words: Iterable[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)


def _build(
    role: Role, head: str | Expression, arguments: dict[str, Expression], options: dict[str, object]
) -> Node:
    renamed = {"global": "is_global", "from": "from_field"}
    given = {renamed.get(key, key): value for key, value in options.items() if value is not None}
    return Node.model_validate({"role": role, "head": head, "arguments": arguments, **given})
