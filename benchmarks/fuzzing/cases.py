"""Cases by number: a text, the name of its file, and settings of the command line."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from benchmarks.fuzzing.energies import random_energy
from benchmarks.fuzzing.seeds import CANARY, PUNCTUATION, TAGS, WORDS, scalars, seeds, some, sound

Random = random.Random
Path = tuple[str | int, ...]
Tree = Any
"""The values of YAML: mappings, lists and scalars."""

PLAIN = "spec.yaml"
_DUMPER: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The YAML writer: the one in C, if available, takes a quarter of the time."""
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\d.eE]*|\*\*|[^\sA-Za-z_\d]|\s+")


@dataclass(frozen=True, slots=True)
class Case:
    """An input: `kind` names its mutation; `text` has the bytes of the file `path`."""

    seed: int
    number: int
    kind: str
    text: bytes
    path: str = PLAIN
    settings: tuple[str, ...] = ()


def case(seed: int, number: int, kind: str | None = None) -> Case:
    """The case with this number, of a kind if one is given; it is the same on all machines."""
    chance = random.Random(f"{seed}:{number}")
    weights = [weight for weight, _ in KINDS.values()]
    kind = kind or chance.choices(list(KINDS), weights)[0]
    text, path, settings = KINDS[kind][1](chance)
    return Case(seed, number, kind, text, path, settings)


# texts


def _characters(text: str, chance: Random) -> str:
    place, width = chance.randrange(len(text) + 1), chance.randrange(8)
    new = chance.choice([*PUNCTUATION, *TAGS, chr(chance.randrange(1, 0x250)), "", "", "\n"])
    return text[:place] + new + text[place + width :]


def _lines(text: str, chance: Random) -> str:
    lines = text.split("\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one])
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case 3:
            lines[one] = chance.choice(["  ", " ", ""]) + lines[one].removeprefix("  ")
        case _:
            strange = chance.choice(seeds()).split("\n")
            lines.insert(other, chance.choice(strange))
    return "\n".join(lines)


def _tokens(text: str, chance: Random) -> str:
    tokens = _TOKEN.findall(text)
    places = [n for n, token in enumerate(tokens) if not token.isspace()]
    place = chance.choice(places) if places else 0
    match chance.randrange(4):
        case 0:
            tokens[place] = chance.choice(scalars())
        case 1:
            tokens[place] = tokens[chance.choice(places)]
        case 2:
            del tokens[place]
        case _:
            tokens.insert(place, chance.choice(PUNCTUATION))
    return "".join(tokens)


def _cut(text: str, chance: Random) -> str:
    """The start of one spec and the end of another."""
    other = chance.choice(seeds())
    return text[: chance.randrange(len(text) + 1)] + other[chance.randrange(len(other)) :]


# trees


def _places(tree: object, path: Path = ()) -> Iterator[Path]:
    yield path
    items = tree.items() if isinstance(tree, dict) else ()
    items = enumerate(tree) if isinstance(tree, list) else items
    for key, value in items:
        yield from _places(value, (*path, key))


def _at(tree: Tree, path: Path) -> Tree:
    for key in path:
        tree = tree[key]
    return tree


def _change(tree: Tree, chance: Random) -> None:
    """Change a random value below the top level."""
    paths = [path for path in _places(tree) if path]
    if not paths:
        return
    path = chance.choice(paths)
    above, key = _at(tree, path[:-1]), path[-1]
    match chance.randrange(9):
        case 0:
            del above[key]
        case 1:
            above[key] = copy.deepcopy(_at(tree, chance.choice(paths)))
        case 2 | 3:
            above[key] = _value(chance)
        case 4 if isinstance(above, dict):
            _rename(above, key, chance.choice([*WORDS, *map(str, key_words())]))
        case 5 if isinstance(above, dict):
            above[chance.choice(key_words())] = _value(chance)
        case 6:
            above[key] = {chance.choice(key_words()): above[key]}
        case 7:
            above[key] = [above[key]] * chance.choice([1, 1, 2, 3])
        case _:
            other = _grafts()
            found = [p for p in other if p[0] == path[-1]] or other
            above[key] = copy.deepcopy(chance.choice(found)[1])


def _rename(above: dict[Tree, Tree], key: object, new: str) -> None:
    entries = [(new if k == key else k, v) for k, v in above.items()]
    above.clear()
    above.update(entries)


def _value(chance: Random) -> object:
    text = chance.choice(scalars())
    if chance.random() < 0.3:
        return text
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text


def _some(chance: Random) -> Tree:
    return chance.choice(sound_trees() if chance.random() < 0.9 else trees())


@cache
def sound_trees() -> tuple[Tree, ...]:
    """The values of the valid seeds."""
    return tuple(yaml.safe_load(text) for text in sound())


@cache
def trees() -> tuple[Tree, ...]:
    """The values of all seeds that are YAML and have a model."""
    found = []
    for text in seeds():
        try:
            tree = yaml.safe_load(text)
        except yaml.YAMLError:
            continue
        if isinstance(tree, dict) and "model" in tree:
            found.append(tree)
    return tuple(found)


@cache
def _grafts() -> tuple[tuple[Tree, Tree], ...]:
    """All keys of all seeds with their values."""
    return tuple((path[-1], _at(tree, path)) for tree in trees() for path in _places(tree) if path)


@cache
def key_words() -> tuple[str, ...]:
    """All keys of all seeds."""
    return tuple(sorted({key for key, _ in _grafts() if isinstance(key, str)}))


def _tree(chance: Random) -> Tree:
    tree = copy.deepcopy(_some(chance))
    for _ in range(chance.choice([1, 1, 1, 1, 2, 4])):
        _change(tree, chance)
    return tree


def _gentle(chance: Random) -> Tree:
    """A valid spec with changed numbers, similar expressions, or without an optional part."""
    tree = copy.deepcopy(chance.choice(sound_trees()))
    for _ in range(chance.choice([1, 1, 2, 3])):
        leaves = [p for p in _places(tree) if p and not isinstance(_at(tree, p), (dict, list))]
        path = chance.choice(leaves)
        above, key, old = _at(tree, path[:-1]), path[-1], _at(tree, path)
        if isinstance(old, (int, float)):
            above[key] = chance.choice(NEAR)
        elif isinstance(key, str) and key in MEANT:
            word = chance.choice(NEARLY).format(old, chance.choice(NEAR))
            above[key] = word
        elif chance.random() < 0.3 and path[0] in ("train", "evaluate", "doc"):
            del above[key]
        else:
            same = [value for name, value in _grafts() if name == key]
            above[key] = copy.deepcopy(chance.choice(same or [old]))
    return tree


NEAR = (0, 1, 2, 3, 5, 10, 64, 0.5, 0.1, 1e-3, 1.5, -1, 1e-30, 1e30, True, 100, 1000, 100_000)
NEARLY = ("({0}) * {1}", "{1} + {0}", "{1}", "softplus({0})", "exp({0})", "-({0})", "({0})**{1}",
          "{0} / {1}", "{1} * {1}", "concat({1}, {0})", "{0} - {0}", "sum({0})", "[{1}, {1}]",
          "sigmoid({0})", "softmax({0})", "{0} + {1} * [1, 2]", "clip({0}, {1}, 1)")  # fmt: skip
MEANT = frozenset(
    """loc scale rate concentration logits probs low high df let initial scale_tril total_count
    concentration1 concentration0 minimize""".split()  # noqa: SIM905
)


def _spliced(chance: Random) -> Tree:
    """Sections of one spec in another, or nodes of one model in another."""
    one, other = (copy.deepcopy(_some(chance)) for _ in range(2))
    for title in ("model", "guide", "links", "data", "plates", "objective", "train", "evaluate"):
        if title not in other or chance.random() > 0.35:
            continue
        mixed = isinstance(one.get(title), dict) and isinstance(other[title], dict)
        one[title] = {**one[title], **other[title]} if mixed else other[title]
    if chance.random() < 0.3:
        _change(one, chance)
    return one


# kinds

Made = tuple[bytes, str, tuple[str, ...]]


def _of_text(change: Callable[[str, Random], str]) -> Callable[[Random], Made]:
    def make(chance: Random) -> Made:
        text = some(chance)
        for _ in range(chance.choice([1, 1, 1, 1, 2])):
            text = change(text, chance)
        return _bytes(text), PLAIN, ()

    return make


def _of_tree(grow: Callable[[Random], Tree]) -> Callable[[Random], Made]:
    return lambda chance: (_dumped(grow(chance)), PLAIN, ())


def _dumped(tree: object) -> bytes:
    try:
        text = yaml.dump(tree, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
    except UnicodeEncodeError:  # a surrogate, which only the writer in Python accepts
        text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    return _bytes(text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _binary(chance: Random) -> Made:
    data = bytearray(_bytes(some(chance)))
    for _ in range(chance.choice([1, 2, 8])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data), PLAIN, ()


NAMES = (
    f"m\nimport os; os.system('touch {CANARY}') #", f'm"""\nimport {CANARY}\n"""', f"{CANARY}'''",
    f"coding=utf7 {CANARY}", f"-*- coding: utf-16 -*- {CANARY}", f"coding:latin-1{CANARY}",
    f"\r{CANARY} = 1", f"\x0c{CANARY}()", f"\x1b]0;{CANARY}\x07", f"\u2028{CANARY}",
    f"\x85{CANARY}", f"\u202e{CANARY}", f"\udc80{CANARY}", f"é{CANARY}", "名" * 60, "n" * 240,
    f" {CANARY} ", "#",
    f"::error ::{CANARY}", f"m\n::error::{CANARY}", f"%0A::error::{CANARY}", f"<b>{CANARY}</b>",
    f"{{{CANARY}}}", f"%s%n{CANARY}", f"\\\n{CANARY}", f"\\N{{DASH}}{CANARY}", f"\\x0a{CANARY}",
    f"vim: set {CANARY}", f"m'; {CANARY} #", f'm"; {CANARY} #', f"`{CANARY}`", f"$({CANARY})",
)  # fmt: skip


def _named(chance: Random) -> Made:
    """A valid or invalid spec in a file or folder with a strange name."""
    tree = copy.deepcopy(_some(chance))
    if chance.random() < 0.2:
        _change(tree, chance)
    names = [name for name in NAMES if len(name.encode("utf-8", "surrogateescape")) < 250]
    name = chance.choice(names)
    for _ in range(chance.choice([0, 0, 1, 3])):
        at = chance.randrange(len(name))
        new = chance.choice(["\n", "\r", "\x0b", '"', "'", "#", "\\", " ", "\x1b", "\u2029", "é"])
        name = name[:at] + new + name[at + 1 :]
    path = chance.choice([f"{name}.yaml", f"{name}/spec.yaml", f"{name}/{name}.yaml"])
    return _dumped(tree), path, ()


DOCS = (
    f'ends with a quote "{CANARY}"', f'"""\nimport {CANARY}\n"""', f"'''{CANARY}", f"\\{CANARY}\\",
    f"a\nb\n{CANARY}", f"a\r{CANARY}", f"\x00{CANARY}", f"\x1b[31m{CANARY}", f"\u2028{CANARY}",
    f"\u202e{CANARY}", f"coding: utf7 {CANARY}", f"{{{CANARY}}}", f"%s {CANARY}",
    f"\\u0041{CANARY}", f"\ud800{CANARY}", f"\x85{CANARY}()", f"\x0c{CANARY}()",
    "x " * 3000, f"{CANARY}" * 300, "\\",
)  # fmt: skip


def _worded(chance: Random) -> Made:
    """A valid spec with strange texts in `doc`, options, and names of files and columns."""
    tree = copy.deepcopy(_some(chance))
    text = chance.choice(DOCS)
    places = [path for path in _places(tree) if path and isinstance(_at(tree, path), str)]
    if chance.random() < 0.5 or not places:
        tree["doc"] = text
    elif chance.random() < 0.5 and "data" in places[0]:
        path = chance.choice(places)
        _at(tree, path[:-1])[path[-1]] = text
    else:
        path = chance.choice([p for p in places if p[0] in ("data", "doc", "name")] or places)
        _at(tree, path[:-1])[path[-1]] = text
    return _escaped(tree), PLAIN, ()


def _escaped(tree: object) -> bytes:
    """The spec as ASCII, with escapes for all other characters."""
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=False).encode("ascii", "replace")


def _set(chance: Random) -> Made:
    """A valid spec with one to three `--set` arguments."""
    tree = _some(chance)
    paths = [path for path in _places(tree) if path]
    settings = []
    for _ in range(chance.choice([1, 1, 2, 3])):
        key = ".".join(map(str, chance.choice(paths)))
        if chance.random() < 0.2:
            key = chance.choice([*key_words(), "train.epochs", "train.steps", "train.seed"])
        if chance.random() < 0.1:
            key = _characters(key, chance)
        value = chance.choice(scalars())
        if chance.random() < 0.1:
            value = _characters(value, chance)
        settings.append(f"{key}={value}" if chance.random() < 0.98 else value)
    return _dumped(tree), PLAIN, tuple(text.replace("\x00", "") for text in settings)


KINDS: dict[str, tuple[int, Callable[[Random], Made]]] = {
    "characters": (10, _of_text(_characters)),
    "tokens": (14, _of_text(_tokens)),
    "lines": (8, _of_text(_lines)),
    "cut": (2, _of_text(_cut)),
    "tree": (20, _of_tree(_tree)),
    "gentle": (14, _of_tree(_gentle)),
    "splice": (10, _of_tree(_spliced)),
    "bytes": (2, _binary),
    "path": (6, _named),
    "words": (4, _worded),
    "set": (10, _set),
    "energies": (10, lambda chance: (random_energy(chance).encode(), PLAIN, ())),
}
"""The kinds of cases, each with its weight and its function."""
