"""Derives guides from the typed model, for `guide: auto`, as nodes that a spec could have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Options
from typing import Any

from msgspec.structs import replace

from specc.catalog.guide import LongForm, NoGuide, Unknown
from specc.catalog.onto import link_onto
from specc.catalog.registry import DRAWS, GUIDES
from specc.catalog.supports import REAL
from specc.catalog.transforms import biject_to
from specc.diagnostics.nearest import nearest
from specc.graph.build import build_graph, type_graph
from specc.graph.constants import number_of
from specc.graph.ends import moving_ends
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, ROWS, TypedGraph
from specc.graph.guide_ends import latents_behind, on_plate, written_ends
from specc.graph.inverse import dependence_of_rows, faithful_inverse
from specc.graph.inverse import nearest as nearest_inputs
from specc.graph.nodes import Distributed, Node, Part
from specc.graph.priors import NoPrior, Written, write_prior
from specc.language.located import Mapping
from specc.language.schema.auto import GUIDE, Auto, merged
from specc.language.schema.prior import LINKS, Prior, scalar, with_value
from specc.language.schema.read_document import read_document
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Spans, Spec, Unread

OF_MODEL = ("specc", "name", "constants", "data", "plates", "model", "links")
"""The keys of a spec on which the types of the model depend."""


def derive_guides(
    reading: Reading, root: Mapping, autos: tuple[Auto, ...], priors: tuple[Prior, ...]
) -> tuple[Mapping, str]:
    """The tree with nodes in place of priors of links and of requests for guides, and their text.

    Reports links whose weights cannot be latents (E0493), requests for what is no latent (E0492),
    and latents for which there is no guide (E0491). Latents of a model with errors get no guide,
    and their absence is not reported.
    """
    groups: dict[str, tuple[str, ...]] = {}
    weights = LongForm({}, {}, {})
    for prior in priors:
        typed = _typed(root)
        found = None if typed is None else _weights(reading, root, typed, prior)
        if found is None:
            reading.unread.append((LINKS, prior.link))
        else:
            root, groups[prior.link] = _with_weights(root, prior, found), found.latents
            weights = weights.with_more(found.nodes)
    typed = _typed(root) if autos else None
    if typed is None:
        reading.unread += [(GUIDE,)] if autos else []
        return root, weights.text
    root, text = _Derivation(reading, root, typed, groups).run(autos)
    return root, weights.text + text


def _weights(reading: Reading, root: Mapping, typed: TypedGraph, prior: Prior) -> Written | None:
    """The nodes in place of a link with a prior; reports E0493 if there are none."""
    try:
        return write_prior(typed, prior, _Names(typed, root).fresh)
    except NoPrior as error:
        return reading.report("E0493", prior.span, name=prior.link, reason=str(error))


def _with_weights(root: Mapping, prior: Prior, found: Written) -> Mapping:
    """The tree without a link, with its nodes, and with the expressions that use them."""
    for path, text in found.texts.items():
        root = with_value(root, path, scalar(text, prior.span) if text else None)
    links = root.get(LINKS)
    assert isinstance(links, Mapping)
    left = tuple(entry for entry in links.entries if entry.name != prior.link)
    if left:
        root = with_value(root, (LINKS,), Mapping(left, links.span))
    else:
        root = Mapping(tuple(e for e in root.entries if e.name != LINKS), root.span)
    return merged(root, found.nodes.text, prior.span)


def _typed(root: Mapping) -> TypedGraph | None:
    """The types of the model alone; None if it has errors, which later stages report."""
    reading = Reading()
    own = Mapping(tuple(e for e in root.entries if e.name in OF_MODEL), root.span)
    document = read_document(reading, own)
    if document is None:
        return None
    spec = Spec(document, Spans.of(own), root.span.source, Unread.of(reading.unread))
    findings = Findings(partial=bool(reading.unread))
    typed = type_graph(build_graph(spec, findings), findings)
    return None if reading.errors() or findings.has_errors() else typed


class _Names:
    """The names in a spec, to which new ones are added."""

    def __init__(self, typed: TypedGraph, root: Mapping) -> None:
        graph, guide = typed.graph, root.get(GUIDE)
        nodes = (name for program in graph.programs.values() for name in program.nodes)
        self.taken = {*nodes, *graph.links, *graph.constants, *graph.plates, *graph.scans}
        self.taken |= {*graph.fields}
        if isinstance(guide, Mapping):
            self.taken |= {entry.name for entry in guide.entries}

    def fresh(self, wanted: str) -> str:
        """A name that nothing in the spec has."""
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}_{number}", number + 1
        self.taken.add(name)
        return name


class _Derivation:
    """The state of the derivation: the tree so far, and the names in the spec."""

    def __init__(
        self,
        reading: Reading,
        root: Mapping,
        typed: TypedGraph,
        groups: Options[str, tuple[str, ...]],
    ) -> None:
        self.reading, self.root, self.typed, self.groups = reading, root, typed, groups
        guide = root.get(GUIDE)
        self.written = {e.name for e in guide.entries} if isinstance(guide, Mapping) else set()
        self._fresh = _Names(typed, root).fresh
        self.written_out = LongForm({}, {}, {})
        self.points: frozenset[str] = frozenset()

    def run(self, autos: tuple[Auto, ...]) -> tuple[Mapping, str]:
        """The tree with the nodes of all requests, and their text."""
        single = [auto for auto in autos if auto.name]
        self.points = self._points(autos)
        for auto in single:
            if auto.name in self.groups:
                nodes = self.typed.graph.model.nodes
                self._all(auto, [nodes[name] for name in self.groups[auto.name] if name in nodes])
            elif (node := self._latent(auto)) is not None:
                self._one(auto, node)
        every = (name for auto in single for name in self.groups.get(auto.name, (auto.name,)))
        taken = self.written | set(every) | set(self._parts())
        for auto in autos:
            if not auto.name:
                self._all(auto, [n for n in self._latents() if n.name not in taken])
        return self.root, self.written_out.text

    def _points(self, autos: tuple[Auto, ...]) -> frozenset[str]:
        """The latents that are points, by the spec or by a request."""
        nodes = self.typed.graph.model.nodes.values()
        found = {n.name for n in nodes if n.draw is not None and DRAWS[n.draw.kind].point}
        own = {auto.name: bool(auto.kind) and GUIDES[auto.kind].point for auto in autos}
        latents = (node.name for node in self._latents() if node.name not in self.written)
        return frozenset(found.union(n for n in latents if own.get(n, own.get("", False))))

    def _parts(self) -> Iterator[str]:
        """The latents that a written joint node draws."""
        guide = self.root.get(GUIDE)
        for entry in guide.entries if isinstance(guide, Mapping) else ():
            joint = entry.value.get("joint") if isinstance(entry.value, Mapping) else None
            if isinstance(joint, Mapping):
                yield from (part.name for part in joint.entries)

    def _latents(self) -> list[Node]:
        """The latents of the model whose draw the spec does not state."""
        model = self.typed.graph.model
        nodes = (model.nodes[name] for name in model.order)
        return [node for node in nodes if node.role == "latent" and node.draw is None]

    def _latent(self, auto: Auto) -> Node | None:
        nodes = self.typed.graph.model.nodes
        latents = [name for name, node in nodes.items() if node.role == "latent"]
        if auto.name in latents:
            return nodes[auto.name]
        if not self.typed.graph.is_unread(MODEL, auto.name):
            guess = nearest(auto.name, latents)
            listed = ", ".join(f"`{name}`" for name in latents)
            if guess:  # the same mistake: the latent has no guide
                self.reading.unread.append((GUIDE, guess))
            hint = "" if guess else f"its latents are {listed}" if latents else "it has no latents"
            self.reading.report("E0492", auto.span, suggestion=guess, name=auto.name, hint=hint)
        return None

    def _one(self, auto: Auto, node: Node) -> None:
        try:
            unknown = self._unknown(node)
        except NoGuide as error:
            self._refuse(auto, error)
            return
        if unknown is None:
            self.reading.unread.append((GUIDE, node.name))
            return
        kind = auto.kind or _standard(is_local=unknown.is_local)
        if GUIDES[kind].local != unknown.is_local:
            own, other = "each row has its own value", "rows share"
            if not unknown.is_local:
                own, other = "all rows share one value", "each row has"
            hint = f"the kind for it is `{_standard(is_local=unknown.is_local)}`"
            self._refuse(
                auto, NoGuide(node.name, f"{own}, and `{kind}` is for latents that {other}", hint)
            )
            return
        self._write(auto, kind, [unknown])

    def _all(self, auto: Auto, nodes: Sequence[Node]) -> None:
        try:
            unknowns = [self._unknown(node) for node in nodes]
        except NoGuide as error:
            self._refuse(auto, error)
            return
        for node, unknown in zip(nodes, unknowns, strict=True):
            if unknown is None:
                self.reading.unread.append((GUIDE, node.name))
        known = [unknown for unknown in unknowns if unknown is not None]
        local = [unknown for unknown in known if unknown.is_local]
        shared = [unknown for unknown in known if not unknown.is_local]
        if shared:
            fits = auto.kind and not GUIDES[auto.kind].local
            own = auto.kind if fits else _standard(is_local=False)
            self._write(auto, own, shared)
        if local:
            fits = auto.kind and GUIDES[auto.kind].local
            own = auto.kind if fits else _standard(is_local=True)
            self._write(auto, own, local)

    def _write(self, auto: Auto, kind: str, unknowns: Sequence[Unknown]) -> None:
        entry = GUIDES[kind]
        options = auto.options if kind == auto.kind else entry.Options().model_dump()
        try:
            known = self._with_inputs(auto, options, unknowns) if entry.local else unknowns
            written = entry.expand(options, known, self._fresh)
        except NoGuide as error:
            self._refuse(auto, error)
            return
        self.root = merged(self.root, written.text, auto.span)
        self.written_out = self.written_out.with_more(written)

    def _with_inputs(
        self, auto: Auto, options: Options[str, Any], unknowns: Sequence[Unknown]
    ) -> list[Unknown]:
        """Latents of rows with the inputs of their guides, of which there may be too many (W0497).

        Raises `NoGuide` for latents of sequences and energies, and for those with values that
        cannot be enumerated.
        """
        graph = self.typed.graph
        for each in unknowns:
            node = graph.model.nodes[each.name]
            hint = "write its node in the guide"
            if graph.model.energy is not None:
                raise NoGuide(each.name, "it belongs to an energy", "choose an objective for one")
            if node.scan is not None:
                raise NoGuide(each.name, "it is a sequence", hint)
            if each.distribution and not self._is_finite(node):
                raise NoGuide(each.name, f"{each.distribution} has too many values", hint)
        dependence = dependence_of_rows(graph)
        every = [name for name in dependence if graph.model.nodes[name].role == "latent"]
        before = {name: self._latents_of_ends(name) for name in every}
        inverse, most = faithful_inverse(dependence, every, before), int(options["inputs"])
        found = []
        for each in unknowns:
            given = inverse[each.name]
            if len(given) > most:
                count = len(given)
                self.reading.report("W0497", auto.span, name=each.name, count=count, most=most)
                given = nearest_inputs(dependence, each.name, given, most)
            found.append(replace(each, given=given))
        return found

    def _latents_of_ends(self, name: str) -> frozenset[str]:
        """The latents that the ends of a latent depend on, which the guide draws before it."""
        node = self.typed.graph.model.nodes[name]
        ends = moving_ends(self.typed, node)
        if ends is None or not isinstance(node, Distributed):
            return frozenset()
        return latents_behind(self.typed, node, ends)

    def _is_finite(self, node: Node) -> bool:
        return node.entry is not None and node.entry.finite

    def _refuse(self, auto: Auto, error: NoGuide) -> None:
        self.reading.report(
            "E0491", auto.span, name=error.latent, reason=str(error), hint=error.hint
        )
        self.reading.unread.append((GUIDE, auto.name) if auto.name else (GUIDE,))

    def _unknown(self, node: Node) -> Unknown | None:
        """What a guide has to know of a latent; None if the model does not determine it."""
        kind = self.typed.types.get(node.id)
        if kind is None:
            return None
        plate = node.plate or ""
        found = Unknown(
            name=node.name,
            shape=kind.shape,
            base=kind.shape,
            plate=plate,
            repeats=self.typed.graph.plates.get(plate, 1),
            is_local=ROWS in kind.plates,
        )
        entry = self._distribution(node)
        if kind.support.discrete:
            classes = self.typed.classes.get(node.id, 0)
            return replace(found, distribution=entry, classes=classes)
        ends = moving_ends(self.typed, node)
        if ends is not None and isinstance(node, Distributed):
            written = written_ends(self.typed, node, ends)
            points = latents_behind(self.typed, node, ends) & self.points
            if points - {node.name} and node.name not in self.points:
                reason = f"its ends depend on `{min(points)}`, which is a point"
                raise NoGuide(node.name, reason, "let a guide draw both, or make both points")
            varies = on_plate(self.typed, written)
            return replace(found, onto=written.link, ends=written.texts, ends_vary=varies)
        onto = biject_to(kind.support)
        if onto is None:
            return None
        base = onto.unconstrained(kind.shape)
        start = self._start(node) if kind.support == REAL else 0.0
        return replace(found, base=base, onto=link_onto(kind.support), start=start)

    def _distribution(self, node: Node) -> str:
        owner = node
        if isinstance(node, Part):
            owner = self.typed.graph.node((node.program, node.joint))
        return owner.entry.name if owner.entry is not None else ""

    def _start(self, node: Node) -> float:
        """The parameter `loc` of a latent, if it is a number; else 0."""
        location = node.arguments.get("loc")
        if location is None or node.through:
            return 0.0
        graph = self.typed.graph

        def shape_of(name: str) -> tuple[int, ...] | None:
            found = graph.lookup(MODEL, name)
            kind = None if found is None else self.typed.types.get(found.id)
            return None if kind is None else kind.shape

        return float(number_of(location, graph.constants, shape_of) or 0.0)


def _standard(*, is_local: bool) -> str:
    """The kind of guide of a latent whose kind the spec leaves to the compiler."""
    return GUIDES.first(lambda entry: entry.standard and entry.local == is_local).name
