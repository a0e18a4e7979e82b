"""Applies the help of a finding to the spec, word by word, where the help is that simple."""

from __future__ import annotations

import re

from specc.diagnostics.report import help_text

CODE = re.compile(r"`([^`]+)`")
ENTRY = re.compile(r"^(\w+): ?(.*)$", re.DOTALL)
OPEN, CLOSE = "[{(", "]})"


WRITE = (
    "write",
    "write such as",
    "write an initial value among",
    "start the file with",
    "add one, such as",
)
TOP = ("specc", "name", "objective", "data", "model", "guide", "train")


def mended(found):
    """The text of the spec with the advised fix, or None where a person must think."""
    text, span, advice = found.span.source.text, found.span, help_text(found)
    if found.suggestion is not None:
        return _replaced(text, span.start, span.end, found.suggestion)
    there = re.match(r"map it there: (.+?)(?: or |$)", advice)
    if there:
        return _replaced(text, span.start, span.end, there[1])
    first = CODE.search(advice)
    if first is None or "..." in first[1] or re.search("and (write|delete) ", advice):
        return None
    before, after = advice[: first.start()].rstrip(), advice[first.end() :]
    if before.endswith("delete"):
        return _without(text, span, first[1])
    if before.endswith("replace the entry by"):
        start, end = _around(text, span)
        return _replaced(text, start, end, first[1])
    if before == "declare it under":
        named = CODE.search(after)
        return _inserted(text, first[1].rstrip(":"), named[1]) if named else None
    if before.startswith("declare it in the model"):
        return _inserted(text, "model", first[1])
    if after.startswith(" on a "):
        return None
    owner = re.match(r" on `(\w+)`(?: in place of `(.*?)`)?", after)
    if owner and before == "write":
        written = _in_node(text, owner[1], first[1])
        return written.replace(f", {owner[2]}", "", 1) if owner[2] and written else written
    if after.startswith(", in quotes"):
        start, end = _around(text, span)
        old = text[start:end].partition(": ")[2]
        new = f"{old[: span.start - end]}{first[1]}{old[len(old) + span.end - end :]}"
        return _replaced(text, end - len(old), end, new if old[0] == '"' else f'"{new}"')
    if before in (*WRITE, "declare it:", "declare one:"):
        return _written(text, span, first[1])
    return None


def _replaced(text, start, end, new):
    return text[:start] + new + text[end:]


def _written(text, span, new):
    entry = ENTRY.match(new)
    if entry is None:
        return _replaced(text, span.start, span.end, new)
    key, value = entry.groups()
    if re.match(rf"{key} +[^ :]", span.text):
        return _replaced(text, span.start, span.end, new)
    inner = re.match(r"^\{(\w+: .*)\}$", value)
    if key in ("plates", "constants", "links") and inner:
        return _inserted(text, key, inner[1])
    place = _place(text, span, key)
    if place is not None:
        return _replaced(text, *place, new)
    if re.match(r"^\w+:", span.text):
        return _replaced(text, span.start, span.end, new)
    if key in TOP:
        return f"{text.rstrip()}\n{new}\n"
    start = _line_start(text, span.start)
    if not text[start : span.start].strip():
        indent = text[start : span.start]
        brace = re.match(r"\w+: *\{", text[span.start :])
        if not brace or span.text == text[span.start : span.end] == "":
            return _replaced(text, span.start, span.start, f"{new}\n{indent}")
    brace = text.find("{", start)
    return text[: brace + 1] + new + ", " + text[brace + 1 :] if brace >= 0 else None


def _in_node(text, name, entry):
    """The text with an entry in a node, in place of one of the same key."""
    key = entry.partition(":")[0]
    head = re.search(rf"^( +){name}: *(\{{)?", text, re.MULTILINE)
    if head is None:
        return None
    if not head[2]:
        inside = re.match(rf"(?:\n{head[1]} +.*)*", text[head.end() :])
        old = re.search(rf"^ +({key}:.*)$", inside[0], re.MULTILINE)
        if old is None:
            return _replaced(text, head.end(), head.end(), f"\n    {entry}")
        return _replaced(text, head.end() + old.start(1), head.end() + old.end(1), entry)
    end = _end(text, head.end() - 1)
    old = re.search(rf"(?<![\w.]){key}:", text[head.end() : end])
    if old is None:
        return _replaced(text, head.end(), head.end(), f"{entry}, ")
    at = head.end() + old.start()
    return _replaced(text, at, _end(text, head.end() + old.end()), entry)


def _around(text, span):
    """The entry of a mapping whose value is marked: from its key on."""
    keys = list(re.finditer(r"(?<![\w.])\w+: ", text[: span.start]))
    return keys[-1].start(), _end(text, keys[-1].end())


def _without(text, span, key):
    key = key.partition(":")[0].strip()
    place = _place(text, span, key)
    if place is None:
        return None
    start, end = place
    after = re.match(r"\s*,\s*", text[end:])
    if after:
        return text[:start] + text[end + after.end() :]
    before = re.search(r",\s*$", text[:start])
    return text[: before.start() if before else start] + text[end:]


def _inserted(text, section, entry):
    """The text with an entry in a section at the left margin."""
    head = re.search(rf"^{section}: *(\{{)?", text, re.MULTILINE)
    if head is None:
        return f"{text.rstrip()}\n{section}: {{{entry}}}\n"
    if head[1]:
        return text[: head.end()] + entry + ", " + text[head.end() :]
    return text[: head.end()] + f"\n  {entry}" + text[head.end() :]


def _line_start(text, at):
    return text.rfind("\n", 0, at) + 1


def _place(text, span, key):
    """Where `key: value` stands: nearest on the marked line, then at the left margin."""
    start = _line_start(text, span.start)
    end = text.find("\n", span.start) % (len(text) + 1)
    found = list(re.finditer(rf"(?<![\w.]){key}:", text[start:end]))
    if found:
        near = min(found, key=lambda m: abs(start + m.start() - span.start))
        return start + near.start(), _end(text, start + near.end())
    node = re.search(rf"^ +{key}: *(?=\{{)", text, re.MULTILINE)
    if node:
        return text.index(key, node.start()), _end(text, node.end())
    top = re.search(rf"^{key}:", text, re.MULTILINE)
    if top is None:
        return None
    until = re.compile(r"^\S", re.MULTILINE).search(text, top.end())
    return top.start(), until.start() if until else len(text)


def _end(text, at):
    """The end of a value that starts at `at`, in a flow mapping or to the end of its line."""
    depth, quote = 0, ""
    for i in range(at, len(text)):
        char = text[i]
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in OPEN:
            depth += 1
        elif (char in CLOSE and depth == 0) or (char == "," and depth == 0) or char == "\n":
            return i
        elif char in CLOSE:
            depth -= 1
    return len(text)
