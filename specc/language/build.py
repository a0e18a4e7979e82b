"""The construction of the tree of located values from YAML events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml
from msgspec import Struct, field

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source, Span
from specc.language import keys
from specc.language.characters import HIDDEN, character_name
from specc.language.flow import expression_end
from specc.language.limits import (
    MAX_ALIASED,
    MAX_DEPTH,
    MAX_FINDINGS,
    MAX_INTEGER,
    MAX_SEARCHES,
    MAX_VALUES,
)
from specc.language.located import Entry, Located, Scalar, Sequence, Style, TagKind
from specc.language.located import Mapping as LocatedMapping
from specc.language.scalars import WHOLE_NUMBER, resolve

_STYLES: dict[str | None, Style] = {"'": "single", '"': "double", "|": "literal", ">": "folded"}
_PROPERTY = re.compile(r"(?:[&!]\S*(?:\s+|$))+")
_TAG = re.compile(r"![^\s,\[\]{}]*")


class Frame(Struct):
    """A mapping or sequence that is not closed yet."""

    is_mapping: bool
    is_flow: bool
    start: int
    column: int
    anchor: str | None
    entries: list[Entry] = field(default_factory=list)
    items: list[Located] = field(default_factory=list)
    seen: dict[str, Scalar] = field(default_factory=dict)
    key: Scalar | None = None
    skips_value: bool = False
    size: int = 1

    @property
    def wants_key(self) -> bool:
        """Whether the next value is a key."""
        return self.is_mapping and self.key is None and not self.skips_value


def start_of(event: yaml.Event) -> int:
    """The offset of the first character of an event."""
    assert event.start_mark is not None
    return event.start_mark.index


def end_of(event: yaml.Event) -> int:
    """The offset after the last character of an event."""
    assert event.end_mark is not None
    return event.end_mark.index


class Stop(Exception):
    """Stops the reading of a text; the diagnostic with the reason is already recorded.

    `Builder.run` catches it.
    """


class Builder:
    """Builds the tree of values in one pass over the YAML events of `text`.

    YAML would cut some expressions, such as `encoder(x, y)` inside `{ }`. In `text` their
    characters are replaced by letters, and `covered` maps the start of each to its end. `cuts` has
    the cut expressions that this pass finds.
    """

    def __init__(self, source: Source, text: str, covered: Mapping[int, int]) -> None:
        self.source = source
        self.text = text
        self.covered = covered
        self.findings: list[Diagnostic] = []
        self.cuts: list[tuple[int, int, int]] = []
        self.frames: list[Frame] = []
        self.closed: list[Frame] = []
        self.last: Scalar | None = None
        self.position = 0
        self.root: Located | None = None
        self._documents = 0
        self._values = 0
        self._aliased = 0
        self._searches = 0
        self._anchors: dict[str, tuple[Located, int] | None] = {}

    def run(self, events: Iterator[yaml.Event]) -> None:
        """Process all events; `root` is None if a diagnostic stops the reading.

        Raises yaml.YAMLError if the text is not YAML.
        """
        try:
            for event in events:
                take = _TAKE.get(type(event))
                if take is not None:
                    take(self, event)
        except Stop:
            self.root = None

    def span(self, start: int, end: int) -> Span:
        """A span of the source."""
        return Span(self.source, start, end)

    def report(self, code: str, span: Span, **evidence: object) -> None:
        """Records a diagnostic."""
        self._record(diagnose(code, span, labels=(), suggestion=None, **evidence))

    def _record(self, finding: Diagnostic | None) -> None:
        if finding is not None:
            self.findings.append(finding)
        if len(self.findings) > MAX_FINDINGS:
            raise Stop

    def start_document(self, event: yaml.DocumentStartEvent) -> None:
        """Report a second document and YAML directives."""
        self._documents += 1
        start, end = start_of(event), end_of(event)
        if self._documents > 1:
            self.report("E0010", self.span(start, max(end, start + 1)), marker="---")
            raise Stop
        if event.version or event.tags:
            line = self.text[start:].split("\n", 1)[0].rstrip()
            self.report("E0030", self.span(start, start + len(line)), directive=line)

    def open(self, event: yaml.CollectionStartEvent) -> None:
        """Opens a mapping or a sequence."""
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._check_tag(event)
        bare = not is_mapping and not event.anchor and not event.tag
        mark = event.start_mark if bare and not event.flow_style else event.end_mark
        assert mark is not None
        is_flow = bool(event.flow_style)
        # The pair of `[a: 1]` is a mapping without a bracket.
        has_bracket = is_flow and self.text[mark.index - 1 : mark.index] in ("[", "{")
        start = mark.index - 1 if has_bracket else mark.index
        self.frames.append(Frame(is_mapping, is_flow, start, mark.column, event.anchor))
        self.closed.clear()
        self.position = end_of(event)
        self._count(start)
        if event.anchor:
            self._anchors[event.anchor] = None
        if len(self.frames) > MAX_DEPTH:
            self.report("E0012", self.span(start, start + 1), limit=MAX_DEPTH)
            raise Stop

    def close(self, event: yaml.CollectionEndEvent) -> None:
        """Closes the innermost mapping or sequence."""
        frame = self.frames.pop()
        self.closed.append(frame)
        located: Located
        if frame.is_mapping:
            entries = tuple(frame.entries)
            end = entries[-1].value.span.end if entries else frame.start
            end = max(end, entries[-1].key.span.end) if entries else end
            located = LocatedMapping(entries, self._closed_span(frame, event, end))
        else:
            end = frame.items[-1].span.end if frame.items else frame.start
            located = Sequence(tuple(frame.items), self._closed_span(frame, event, end))
        self.position = end_of(event) if frame.is_flow else self.position
        self._put(located, frame.size, frame.anchor)

    def _closed_span(self, frame: Frame, event: yaml.Event, content_end: int) -> Span:
        """The span of a closed block, which ends with its content, before the end mark of YAML."""
        end = end_of(event) if frame.is_flow else max(content_end, frame.start)
        return self.span(frame.start, max(end, frame.start))

    def scalar(self, event: yaml.ScalarEvent) -> None:
        """Adds a scalar."""
        self._check_tag(event)
        start, end = self._content(event)
        self._count(start)
        style = _STYLES.get(event.style, "plain")
        if start in self.covered and style == "plain":
            value = " ".join(self.source.text[start : self.covered[start]].split("\n"))
            scalar = Scalar(value, self.span(start, self.covered[start]), style, "str")
        else:
            span = self.span(start, end)
            kind, value_ = self._value(event.value, style, span)
            scalar = Scalar(value_, span, style, kind)
            self._check_cut(scalar)
        self.last = scalar
        self.closed.clear()
        self.position = end
        self._put(scalar, 1, event.anchor)

    def _content(self, event: yaml.ScalarEvent) -> tuple[int, int]:
        """The start and end of a scalar without its anchor, its tag, and blank lines after it."""
        start, end = start_of(event), end_of(event)
        if event.anchor or event.tag:
            match = _PROPERTY.match(self.text, start, end)
            start = match.end() if match else start
        if event.style in ("|", ">"):
            end = start + len(self.text[start:end].rstrip())
        return start, max(start, end)

    def _value(
        self, text: str, style: Style, span: Span
    ) -> tuple[TagKind, str | int | float | bool | None]:
        if style != "plain":
            # An escape such as "\e" can represent a character that is not allowed in the text.
            hidden = HIDDEN.search(text) if style == "double" else None
            if hidden:
                self.report("E0003", span, character=character_name(hidden[0]))
            return "str", text
        try:
            return resolve(text)
        except OverflowError:
            limit = f"{MAX_INTEGER:,}" if WHOLE_NUMBER.fullmatch(text) else "1.8e308"
            self.report("E0014", span, number=text, limit=limit)
            return "int", 1

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is None:
            return
        raw = self.text[start_of(event) : end_of(event) + 1]
        match = _TAG.search(raw)
        start = start_of(event) + (match.start() if match else 0)
        tag = match[0] if match else event.tag
        self.report("E0009", self.span(start, start + len(tag)), tag=tag)

    def _check_cut(self, scalar: Scalar) -> None:
        """Checks whether YAML cut a plain value inside `{ }`: its brackets are then unbalanced."""
        text = scalar.value
        if scalar.style != "plain" or not isinstance(text, str) or not self._in_flow:
            return
        if self._searches < MAX_SEARCHES and text.count("(") > text.count(")"):
            self._searches += 1
            end = expression_end(self.text, scalar.span.start)
            if end is not None and end > scalar.span.end:
                self.cuts.append((scalar.span.start, scalar.span.end, end))

    @property
    def _in_flow(self) -> bool:
        return bool(self.frames) and self.frames[-1].is_flow

    def alias(self, event: yaml.AliasEvent) -> None:
        """Adds the value of an alias."""
        name = event.anchor or ""
        span = self.span(start_of(event), end_of(event))
        self.closed.clear()
        self.position = span.end
        if name not in self._anchors:
            near = nearest(name, self._anchors)
            product = "quote the value if `*` means a product"
            fix = f"did you mean `*{near}`? If not, {product}" if near else product
            self.report("E0024", span, name=name, fix=fix)
            self._put(Scalar(None, span, "plain", "null"), 1, None)
            return
        found = self._anchors[name]
        if found is None:
            self.report("E0027", span, name=name)
            raise Stop
        self._aliased += found[1]
        if self._aliased > MAX_ALIASED:
            self.report("E0007", span, limit=f"{MAX_ALIASED:,}")
            raise Stop
        self._put(found[0], found[1], None)

    def _count(self, start: int) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self.report("E0032", self.span(start, start + 1), limit=f"{MAX_VALUES:,}")
            raise Stop

    def _put(self, located: Located, size: int, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = (located, size)
        if not self.frames:
            self.root = located
            return
        frame = self.frames[-1]
        frame.size += size
        if not frame.is_mapping:
            frame.items.append(located)
        elif frame.wants_key:
            self._key(frame, located)
        else:
            self._entry(frame, located)

    def _key(self, frame: Frame, located: Located) -> None:
        finding = keys.problem(located, self.text, frame.is_flow)
        if finding is None and isinstance(located, Scalar):
            frame.key = located
            return
        frame.skips_value = True
        if isinstance(located, Scalar):
            self._record(finding)
            return
        # A mistake inside a `{ }` that is itself a key is not reported separately.
        start, end = located.span.start, located.span.end
        self.findings = [f for f in self.findings if not start <= f.span.start < end]
        self._record(finding)

    def _entry(self, frame: Frame, value: Located) -> None:
        key, frame.key, frame.skips_value = frame.key, None, False
        if key is None:
            return
        missing = keys.missing_value(key, value, frame.entries, self.text, frame.is_flow)
        if missing is not None:
            self._record(missing)
            return
        entry = Entry(key, value)
        first = frame.seen.setdefault(entry.name, key)
        if first is not key:
            label = (Label(first.span, "first written here"),)
            self._record(diagnose("E0006", key.span, labels=label, key=entry.name))
            return
        frame.entries.append(entry)


_TAKE: dict[type[yaml.Event], Callable[[Builder, Any], None]] = {
    yaml.DocumentStartEvent: Builder.start_document,
    yaml.MappingStartEvent: Builder.open,
    yaml.SequenceStartEvent: Builder.open,
    yaml.MappingEndEvent: Builder.close,
    yaml.SequenceEndEvent: Builder.close,
    yaml.ScalarEvent: Builder.scalar,
    yaml.AliasEvent: Builder.alias,
}
