"""Writes links with a prior as nodes of the model: a latent for each weight and bias.

The layers of `net: {mlp: [50], prior: {normal: {loc: 0, scale: 1}}}` in `loc: net(x)` become

    net_w1: {latent: normal, loc: 0, scale: 1, shape: [13, 50], global: true}
    net_b1: {latent: normal, loc: 0, scale: 1, shape: [50], global: true}
    net_h1: {let: relu(x @ net_w1 + net_b1)}
    ...
    net_out: {let: net_h1 @ net_w2 + net_b2}

so that later stages see latents and deterministic nodes alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from specc.catalog.entry import Layer, Lowered, Shape
from specc.catalog.guide import Fresh, LongForm
from specc.catalog.links.blocks.activation import ACTIVATIONS
from specc.catalog.links.blocks.dense import SQUEEZE
from specc.catalog.registry import FUNCTIONS
from specc.catalog.transforms import transform_to
from specc.graph.graph import MODEL, LinkUse, TypedGraph
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call, Expression, Name
from specc.language.expressions.walk import calls, rewrite
from specc.language.schema.prior import FAN_IN, Prior

LINEAR = "nn.Linear"
FUNCTION_OF = {target: name for name, target in ACTIVATIONS.items()}


class NoPrior(Exception):
    """Raised if the weights of a link cannot be latents; says why."""


class Written(Struct, frozen=True):
    """The nodes of a link, the names of its latents, and new texts of expressions by path."""

    nodes: LongForm
    latents: tuple[str, ...]
    texts: Mapping[tuple[str, ...], str]


def write_prior(typed: TypedGraph, prior: Prior, fresh: Fresh) -> Written:
    """The nodes that take the place of a link; raises `NoPrior`."""
    uses = [use for use in typed.uses if use.link == prior.link]
    sized = typed.sized.get(prior.link)
    if sized is None or not uses:
        raise NoPrior("nothing uses it")
    if any(use.node[0] != MODEL for use in uses):
        raise NoPrior("a program other than the model uses it")
    if sized.tail is not None:
        raise NoPrior("its kind is not a stack of linear layers")
    return _Writer(typed, prior, fresh).written(uses, sized.module, sized.heads)


class _Writer:
    """Writes the nodes of one link; all of its uses have the same latents."""

    def __init__(self, typed: TypedGraph, prior: Prior, fresh: Fresh) -> None:
        self.typed, self.prior, self.fresh = typed, prior, fresh
        self.lines: dict[str, str] = {}
        self.made: dict[str, tuple[str, str]] = {}
        self.latents: list[str] = []
        self.texts: dict[tuple[str, ...], str] = {}

    def written(
        self,
        uses: Sequence[LinkUse],
        module: Lowered,
        heads: Mapping[tuple[str, str], Lowered],
    ) -> Written:
        for use in uses:
            self._use(use, module, heads)
        links: dict[str, str] = {}
        return Written(LongForm({}, links, self.lines), tuple(self.latents), self.texts)

    def _use(self, use: LinkUse, module: Lowered, heads: Mapping[tuple[str, str], Lowered]) -> None:
        node = self.typed.graph.spec.document.model[use.node[1]]
        path = (MODEL, use.node[1])
        expression = node.params if use.output is None else node.arguments.get(use.argument)
        if expression is None and not isinstance(node.head, str):
            expression = node.head
        if expression is None:
            raise NoPrior("it is used in an expression that cannot be written out")
        call = next(c for c in _calls(expression, self.prior.link))
        features = self._stack(self._input(call, use), module.layers, use.output)
        if use.output is not None:
            name = self.fresh(f"{self.prior.link}_out")
            self.lines[name] = f'{{let: "{features}"}}'
            key = "let" if use.argument == "let" else use.argument
            self.texts[*path, key] = print_expression(
                rewrite(expression, lambda e: Name(name, call.span) if e == call else None)
            )
            return
        for (owner, parameter), head in heads.items():
            if owner == use.node[1]:
                own = self._parameter(use, parameter)
                text = self._stack(features, head.layers, head.output, parameter)
                self.texts[*path, parameter] = own.replace("{}", text)
        self.texts[*path, "params"] = ""

    def _parameter(self, use: LinkUse, name: str) -> str:
        """The map onto the support of a parameter, as an expression of `{}`."""
        entry = self.typed.graph.node(use.node).entry
        assert entry is not None
        support = next(p.support for p in entry.parameters if p.name == name)
        onto = transform_to(support)
        forms = {"{}": "{}", "{}.exp()": "exp({})", "{}.sigmoid()": "sigmoid({})"}
        if onto is None or onto.code not in forms:
            raise NoPrior(f"it gives the {name} of `{use.node[1]}`, which no function maps to")
        return forms[onto.code]

    def _input(self, call: Call, use: LinkUse) -> str:
        """The arguments of a link as one vector."""
        shown = []
        for argument, shape in zip(call.arguments, use.inputs, strict=True):
            if isinstance(argument, Name):
                found = self.typed.graph.lookup(MODEL, argument.id)
                if found is not None and found.id in self.typed.classes:
                    raise NoPrior(f"`{argument.id}` has class numbers; write `one_hot`")
            text = print_expression(argument)
            shown.append(f"flatten({text})" if len(shape) > 1 else text)
        if len(shown) == 1 and len(use.inputs[0]) > 0:
            return shown[0]
        return f"concat({', '.join(shown)})"

    def _stack(
        self, input: str, layers: Sequence[Layer], output: Shape | None, part: str = ""
    ) -> str:
        """The text of the last layer; earlier ones become deterministic nodes."""
        reshaped = [each for each in layers if each.target not in (LINEAR, *FUNCTION_OF)]
        if any(each != SQUEEZE for each in reshaped):
            raise NoPrior(f"it has a layer `{reshaped[0].target}`, and only linear ones can")
        own = [each for each in layers if each.target in (LINEAR, *FUNCTION_OF)]
        text = input
        last = max((n for n, each in enumerate(own) if each.target == LINEAR), default=-1)
        for number, each in enumerate(own):
            if each.target == LINEAR:
                is_number = output == () and number == last
                text = self._linear(text, each, number, part, is_number)
            elif (function := FUNCTION_OF[each.target]) != "identity":
                if function not in FUNCTIONS:
                    raise NoPrior(f"no function of expressions is its activation, {function}")
                text = f"{function}({text})"
            following = own[number + 1].target if number + 1 < len(own) else ""
            if following == LINEAR or (not following and output is None):
                name = self.fresh(f"{self.prior.link}_h{self._count(own, number)}")
                self.lines[name] = f'{{let: "{text}"}}'
                text = name
        return text

    def _count(self, own: Sequence[Layer], number: int) -> int:
        return sum(each.target == LINEAR for each in own[: number + 1])

    def _linear(self, text: str, layer: Layer, place: int, part: str, is_number: bool) -> str:
        """A linear layer, with its latents at the first use of the link."""
        inputs, outputs = (int(str(size)) for size in layer.arguments)
        key = f"{part}{place}"
        if key not in self.made:
            number = f"_{part}" if part else str(1 + sum(not k.isalpha() for k in self.made))
            sizes = [inputs] if is_number else [inputs, outputs]
            weight = self._latent(f"w{number}", sizes, f"{inputs**-0.5:.6g}")
            bias = ""
            if layer.options.get("bias", True):
                bias = self._latent(f"b{number}", [] if is_number else [outputs], "1")
            self.made[key] = weight, bias
        weight, bias = self.made[key]
        return f"{text} @ {weight} + {bias}" if bias else f"{text} @ {weight}"

    def _latent(self, name: str, sizes: list[int], fan_in: str) -> str:
        given = {k: fan_in if v == FAN_IN else v for k, v in self.prior.arguments.items()}
        shown = "".join(f", {key}: {_value(value)}" for key, value in given.items())
        own = self.fresh(f"{self.prior.link}_{name}")
        distribution = self.prior.distribution
        self.lines[own] = f"{{latent: {distribution}{shown}, shape: {sizes}, global: true}}"
        self.latents.append(own)
        return own


def _value(text: str) -> str:
    """A parameter in YAML: an expression is quoted, unless it is one number or name."""
    return text if re.fullmatch(r"-?[\w.]+(e-?\d+)?", text) else f'"{text}"'


def _calls(expression: Expression, link: str) -> Iterator[Call]:
    return (call for call in calls(expression) if call.function == link)
