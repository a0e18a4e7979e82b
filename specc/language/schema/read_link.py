"""Reading of `links:`, with the options of each kind of link."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pydantic import ValidationError

from specc.catalog.bijection import Bijection
from specc.catalog.elsewhere import alternative
from specc.catalog.other_names import suggested_name
from specc.catalog.registry import KINDS
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.nearest import nearest
from specc.diagnostics.source import Source, Span
from specc.language import located
from specc.language.located import Entry, Located, Scalar, Sequence
from specc.language.schema.identifiers import is_identifier
from specc.language.schema.link import LinkSpec, average_of
from specc.language.schema.places import dotted
from specc.language.schema.problems import Problem
from specc.language.schema.reading import Reading, bracketed, found
from specc.language.schema.spec import Path
from specc.language.schema.validation import read_model, report_problem
from specc.language.text import read

_CODES = {"activation": "E0609", "layers": "E0608"}
"""The options whose wrong values have a separate code."""

SIZES_FOLLOW = "; its sizes follow from the nodes that it connects"
"""The end of the fix for a size of a link that has none."""


def read_links(reading: Reading, value: Located, path: Path) -> Mapping[str, LinkSpec] | None:
    """The valid links by name; None if the value is not a mapping."""
    entries = reading.mapping(value, path, "write such as `decoder: {mlp: [500, 500]}`")
    if entries is None:
        return None
    read = {e.name: _link(reading, e, path) for e in entries.entries}
    averages = [e for e in entries.entries if (own := read[e.name]) and average_of(own)]
    invalid = [e.name for e in averages if not _check_average(reading, e, read)]
    return reading.known(read | dict.fromkeys(invalid), path)


def _check_average(reading: Reading, entry: Entry, read: Mapping[str, LinkSpec | None]) -> bool:
    """Whether a link averages a link with its own weights; reports it if not."""
    own = read[entry.name]
    average = None if own is None else average_of(own)
    assert average is not None
    followed, span = read.get(average.of), _place(entry.value, average.of)
    if average.of not in read:
        others = [name for name in read if name != entry.name]
        guess = nearest(average.of, others)
        listed = ", ".join(f"`{name}`" for name in others)
        hint = "" if guess else f"there are {listed}" if others else "declare it under `links:`"
        words = {"link": entry.name, "of": average.of, "hint": hint}
        reading.report("E0630", span, labels=(), suggestion=guess, **words)
    elif followed is not None and average_of(followed) is not None:
        reading.report("E0631", span, link=entry.name, of=average.of)
    return followed is not None and average_of(followed) is None


def _place(value: Located, word: str) -> Span:
    """The span of a word inside a value, or of the value if it does not contain the word."""
    stack, places = [value], [value.span]
    while stack:
        found = stack.pop()
        if isinstance(found, located.Mapping):
            stack += [each.value for each in found.entries]
        elif isinstance(found, Scalar) and found.text == word:
            places.append(found.span)
    return places[-1]


def _link(reading: Reading, entry: Entry, path: Path) -> LinkSpec | None:
    if not is_identifier(reading, entry.key, "link"):
        return None
    path = (*path, entry.name)
    if isinstance(entry.value, Scalar) and isinstance(entry.value.value, str):
        return _of_word(reading, entry, entry.value)
    options = reading.mapping(entry.value, path, f"write `{entry.name}: {{mlp: [500, 500]}}`")
    if options is None:
        return None
    kind = _kind(reading, entry, options)
    return None if kind is None else _of_kind(reading, entry, kind, options, path)


def _of_word(reading: Reading, entry: Entry, word: Scalar) -> LinkSpec | None:
    """A link of one word, such as `encoder: linear`, for kinds without required options."""
    if not _is_kind(reading, word):
        return None
    try:
        options = KINDS[word.text].Options.model_validate({word.text: True})
    except ValidationError:
        example = KINDS[word.text].example
        return reading.report(
            "E0603",
            word.span,
            option=word.text,
            link=entry.name,
            expected="given a value",
            found="the word alone",
            hint=f"write such as `{example}`",
        )
    return LinkSpec(kind=word.text, options=options)


def _kind(reading: Reading, entry: Entry, options: located.Mapping) -> str | None:
    """The kind of a link, from the key with its name; reports a missing or a second kind."""
    kinds = [e for e in options.entries if e.name in KINDS]
    if len(kinds) == 1:
        return kinds[0].name if _is_kind(reading, kinds[0].key) else None
    if kinds:
        first, second = kinds[:2]
        label = Label(first.key.span, "the other kind")
        return reading.report(
            "E0614",
            second.key.span,
            labels=[label],
            name=entry.name,
            first=first.name,
            second=second.name,
        )
    return _no_kind(reading, entry, options)


def _no_kind(reading: Reading, entry: Entry, options: located.Mapping) -> None:
    """Report a misspelt kind, or a missing one."""
    known = {name for kind in KINDS for name in KINDS[kind].Options.model_fields}
    strange = [e.key for e in options.entries if e.name not in known]
    if strange:
        kind = next(
            (k for k in strange if alternative(k.text) or suggested_name(k.text, KINDS)), strange[0]
        )
        _is_kind(reading, kind)
    else:
        kinds = ", ".join(f"`{name}`" for name in KINDS)
        reading.report("E0613", entry.key.span, name=entry.name, kinds=kinds)


def _is_kind(reading: Reading, word: Scalar) -> bool:
    """Whether a word is a kind of link; reports it if not."""
    if word.text in KINDS:
        return True
    guess = suggested_name(word.text, KINDS)
    listed = "the kinds are " + ", ".join(f"`{name}`" for name in KINDS)
    hint = "" if guess else alternative(word.text) or listed
    reading.report("E0601", word.span, suggestion=guess, name=word.text, hint=hint)
    return False


def _of_kind(
    reading: Reading, entry: Entry, kind: str, options: located.Mapping, path: Path
) -> LinkSpec | None:
    model = KINDS[kind].Options
    report = partial(_report, link=entry.name, kind=kind)
    # `{linear: }` has an empty value for its kind.
    given = [e for e in options.entries if e.name != kind or not _is_empty(e.value)]
    read = read_model(reading, model, located.Mapping(tuple(given), options.span), path, report)
    return None if read is None else LinkSpec(kind=kind, options=read)


def _is_empty(value: Located) -> bool:
    return isinstance(value, Scalar) and value.tag_kind == "null"


def _report(reading: Reading, problem: Problem, *, link: str, kind: str) -> None:
    """Report a problem of the options of a link."""
    option = str(problem.path[2]) if len(problem.path) > 2 else kind
    if problem.kind == "unknown" and len(problem.path) == 3:
        _unknown_option(reading, problem, kind)
    elif problem.kind == "unknown":
        report_problem(reading, problem)
    elif problem.kind == "choice" and option in _CODES:
        _unknown_choice(reading, problem, _CODES[option])
    else:
        _invalid_option(reading, problem, link, option)


def _unknown_option(reading: Reading, problem: Problem, kind: str) -> None:
    guess = nearest(problem.key, problem.choices)
    listed = ", ".join(f"`{name}`" for name in sorted(problem.choices))
    hint = "" if guess else f"it has {listed}"
    reading.report("E0602", problem.span, suggestion=guess, kind=kind, name=problem.key, hint=hint)


def _unknown_choice(reading: Reading, problem: Problem, code: str) -> None:
    guess = suggested_name(problem.word, problem.choices)
    hint = "" if guess else f"there are {', '.join(f'`{c}`' for c in problem.choices)}"
    reading.report(code, problem.span, suggestion=guess, name=problem.word, hint=hint)


def _invalid_option(reading: Reading, problem: Problem, link: str, option: str) -> None:
    missing = problem.kind == "missing"
    if reading.is_mistyped(problem.value, problem.path, problem.expected):
        return
    guess = suggested_name(problem.word, problem.choices) if problem.kind == "choice" else None
    reading.report(
        "E0603",
        problem.span,
        suggestion=guess,
        option=problem.key if missing else dotted(problem.path[2:]) or option,
        link=link,
        expected="given a value" if missing else problem.expected,
        found="left out" if missing else found(problem.value),
        hint="" if guess else _fix(problem, option),
    )


def _fix(problem: Problem, option: str) -> str:
    """The likely fix of an invalid option of a link."""
    if problem.choices == ("true",):
        return f"write `{option}: true`" + (SIZES_FOLLOW if _has_sizes(problem, option) else "")
    example = example_value(option) if option in KINDS and problem.kind != "range" else ""
    if _is_size(problem.value) and _takes_sizes(example):
        fix = bracketed(problem.value, problem.expected)
        if fix:
            return fix
    return f"write such as `{example}`" if example else ""


def _takes_sizes(example: str) -> bool:
    """Whether an example of a kind has a list of sizes, as in `conv: [32, 64]`, or is empty."""
    start = example.partition("[")[2]
    return not example or start[:1].isdigit()


def _has_sizes(problem: Problem, kind: str) -> bool:
    """Whether the invalid value is a size or a list, of a kind that is not a bijection."""
    is_bijection = isinstance(KINDS[kind], Bijection)
    return not is_bijection and (isinstance(problem.value, Sequence) or _is_size(problem.value))


def example_value(kind: str) -> str:
    """The key and the value of a kind of link in its example, such as `mlp: [500, 500]`."""
    root, _ = read(Source("", KINDS[kind].example))
    assert isinstance(root, located.Mapping)
    entry = next(entry for entry in root.entries if entry.name == kind)
    return f"{kind}: {entry.value.span.text}"


def _is_size(value: Located) -> bool:
    """Whether a value could be the size of a layer."""
    return isinstance(value, Scalar) and value.tag_kind == "int" and str(value.value)[0] != "-"
