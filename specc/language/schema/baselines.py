"""Baseline networks of score gradients, for draws that need one and do not name it.

    h: {latent: bernoulli, logits: up(x), draw: {score: {baseline: nvil}}}

is short for

    h: {latent: bernoulli, logits: up(x), draw: {score: {baseline: nvil, value: h_baseline}}}
    h_baseline: {let: h_baseline_net(stop(x)), shape: []}
    links: {h_baseline_net: {mlp: [100], activation: tanh}}

whose inputs are those of the distribution of `h` (Mnih and Gregor 2014, section 2.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as TypingMapping

from specc.catalog.objective import Draw
from specc.catalog.registry import DRAWS
from specc.diagnostics.source import LongForm, Span
from specc.language.located import Entry, Located, Mapping, Scalar
from specc.language.schema.auto import merged
from specc.language.schema.outline import TreeOutline
from specc.language.schema.prior import LINKS, with_value
from specc.language.schema.reading import Reading
from specc.language.text import read

NETWORK = "{mlp: [100], activation: tanh}"
"""The link of a baseline: a hidden layer of 100 units (Mnih and Gregor 2014, section 4)."""

PROGRAMS = "programs"


def write_baselines(reading: Reading, root: Mapping) -> tuple[Mapping, str]:
    """The tree with a value and a link for each draw that needs a baseline, and their text.

    A link that has the name of the network already is used. Reports a draw whose distribution has
    no inputs (E0478).
    """
    sections: dict[tuple[str, ...], str] = {}
    for path, node, entry, span in _requests(root):
        inputs = TreeOutline(root).varying(path[-2], path[-1])
        if not inputs:
            reading.report("E0478", span, name=path[-1], reason=NO_INPUTS, hint=RUNNING)
            reading.unread.append(path)
            root = with_value(root, path, None)
            continue
        value = _fresh(node, f"{path[-1]}_baseline")
        link = f"{value}_net"
        draw = f"draw: {{{entry.name}: {{{entry.option}: {_word(entry)}, value: {value}}}}}"
        lines = {path[:-1]: f"# of {path[-1]}: {draw}\n{_node(value, link, inputs)}"}
        written = root.get(LINKS)
        if not isinstance(written, Mapping) or written.get(link) is None:
            lines[LINKS,] = f"{link}: {NETWORK}\n"
        root = merged(root, _section(lines), span)
        root = with_value(root, (*path, "draw"), _tree(root, f"{draw}\n", span))
        sections |= {key: sections.get(key, "") + text for key, text in lines.items()}
    return root, _section({key: sections[key] for key in sorted(sections)})


NO_INPUTS = "its distribution is the same for all rows, so that a network has no input"
RUNNING = "write `baseline: running`, or name a node of the program in `value:`"


def _requests(
    root: Mapping,
) -> Iterator[tuple[tuple[str, ...], Mapping, Draw, Span]]:
    """The draws that need a baseline and do not name it: path of the node, program, entry, span."""
    sections: dict[tuple[str, ...], Located | None] = {
        (name,): root.get(name) for name in ("model", "guide")
    }
    further = root.get(PROGRAMS)
    if isinstance(further, Mapping):
        sections |= {(PROGRAMS, entry.name): entry.value for entry in further.entries}
    for path, section in sections.items():
        if not isinstance(section, Mapping):
            continue
        for node in section.entries:
            draw = node.value.get("draw") if isinstance(node.value, Mapping) else None
            entry = draw.entries[0] if isinstance(draw, Mapping) and draw.entries else None
            if entry is not None and (found := _needs(entry)) is not None:
                yield (*path, node.name), section, found, entry.value.span


def _needs(written: Entry) -> Draw | None:
    """The draw, if it needs a baseline and does not name it."""
    entry, options = DRAWS.get(written.name), written.value
    if entry is None or not any(variant.learnt for variant in entry.variants):
        return None
    word = options.get(entry.option) if isinstance(options, Mapping) else options
    is_named = isinstance(options, Mapping) and options.get("value") is not None
    is_learnt = isinstance(word, Scalar) and word.text == _word(entry)
    return entry if is_learnt and not is_named else None


def _word(entry: Draw) -> str:
    return next(variant.name for variant in entry.variants if variant.learnt)


def _fresh(program: Mapping, wanted: str) -> str:
    name, number = wanted, 2
    while program.get(name) is not None:
        name, number = f"{wanted}_{number}", number + 1
    return name


def _node(name: str, link: str, inputs: tuple[str, ...]) -> str:
    """The deterministic node of a baseline."""
    called = ", ".join(f"stop({each})" for each in inputs)
    return f'{name}: {{let: "{link}({called})", shape: []}}\n'


def _section(lines: TypingMapping[tuple[str, ...], str]) -> str:
    """Lines under the keys of paths, as a part of a spec; paths with the same start are joined."""
    found: list[str] = []
    above: tuple[str, ...] = ()
    for path, text in lines.items():
        shared = sum(own == last for own, last in zip(path, above, strict=False))
        found += [f"{'  ' * depth}{path[depth]}:\n" for depth in range(shared, len(path))]
        found += [f"{'  ' * len(path)}{line}\n" for line in text.splitlines()]
        above = path
    return "".join(found)


def _tree(root: Mapping, text: str, span: Span) -> Located:
    tree, findings = read(LongForm(root.span.source.path, text, span, {}))
    assert isinstance(tree, Mapping) and not findings, "a baseline is no YAML"
    return tree.entries[0].value
