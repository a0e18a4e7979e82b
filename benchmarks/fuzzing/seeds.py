"""Specs as seeds of mutations, and the words that mutations insert."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from specc.catalog.registry import (
    BIJECTIONS,
    CAUSAL_LINKS,
    DISTRIBUTIONS,
    FUNCTIONS,
    LINKS,
    OBJECTIVES,
    SHORTHANDS,
)
from specc.compiler import front
from specc.diagnostics.source import Source

ROOT = Path(__file__).parents[2]
CANARY = "canary7f3a"
"""A word in names and texts, which generated code may have only in comments and strings."""

_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)

PUNCTUATION = tuple("{}[]:,&*|>-?#!%@`'\"")

TAGS = (
    "&a", "*a", "!!python/object:os.system", "!!str", "---", "...", "%YAML 1.2", "\t", "\r\n",
    "\u202e", "\x00", "\x1b[31m", "\ufeff", "\u2028", "\x85", "é", "名", "\U0001f600", "\ud800",
)  # fmt: skip

NUMBERS = (
    "0", "1", "-1", "2", "3", "7", "0.5", "-0.5", "1e999", "-1e999", "1e308", "1e-308", "5e-324",
    "99999999999999999999", "9223372036854775807", "9223372036854775808", "1000000000", "65536",
    ".nan", ".inf", "-.inf", "0x10", "012", "1_000", "1e3", "null", "true", "false", "~", "1j",
    "100000", "4096", "1000000", "0.0", "-0.0", "3.0", "1.0e+3", "2147483648",
)  # fmt: skip

EXPRESSIONS = (
    "(-1)**0.5", "1e308 * 10", "1/0", "0**-1", "10**400", "2**63", "-(2**63)", "0.0/0.0",
    "-1e308*10", "log(-1)", "log(0)", "exp(1000)", "sqrt(-1)", "concat(1, 2)", "concat(1, 1, z)",
    "eye(3)", "eye(100000)", "eye(0)", "eye(-1)", "eye(1.5)", "one_hot(1, 3)",
    "one_hot(z, 1000000000)", "zeros(3)", "[1, 2]", "[[1, 2], [3, 4]]", "[]", "[[], []]", "z[0]",
    "z[-1]", "z[100]", "z[t-1]", "z[t+1]", "z[t-2]", "x[t-1]", "table[x[t-1]]", "u[k]", "z @ z",
    "dim(x)", "dim(z) * 1000000000", "dim(q)", "z[0.5]", "z[z]", "z[[0, 1]]", "f(z)", "decoder(z)",
    "encoder(x)", "encoder(x, z)", "decoder", "exp", "z.x", "model.x", "data.x", "(z)", "((z",
    "z z", "-z", "--z", "+z", "z**2", "z**-1", "2**z", "z/0", "0/z", "sum(z)", "mean(z, 0)",
    "norm(z)", "softmax(z)", "z if z else z", "lambda: 0",
    "last(z, t)", "sum(x, t)", "mean(z, k)", "flatten(x, t)", "index(t)", "index(k)", "x[3, 0]",
    "max(z * x, t)", "last(last(x, t), t)", "y[t-3]",
    "__import__('os').system('touch hacked')", "z == z", "z < 1", "not z", "f'{z}'", "1 + 1j",
    "z\\\n", "stop(z)", "known(x)", "pick(z, 0)", "take(z, 0)", "stack(z, z)", "1 - z", "z - z",
    "exp(exp(exp(exp(z))))", "1e400", "0.1 + noise", "rows", "particles", "self", "batch",
)  # fmt: skip

WORDS = (
    "z", "x", "y", "u", "k", "t", "q", "model", "guide", "data", "latent", "observed", "given",
    "parameter", "let", "joint", "shape", "shapes", "plate", "plates", "scan", "lengths", "initial",
    "init", "global", "through", "params", "missing", "draw", "classes", "total", "links", "layers",
    "hidden", "objective", "train", "evaluate", "fields", "from", "source", "path", "split", "test",
    "binarize", "sample", "threshold", "one_hot", "many_hot", "standardize", "scale", "dtype",
    "picture", "hide", "fill", "marker", "repeat", "steps", "epochs", "batch_size", "optimizer",
    "schedule", "seed", "particles", "enumerate", "pathwise", "score", "integrate", "constants",
    "name", "doc", "specc", "loc", "concentration", "rate", "logits", "probs", "low", "high", "df",
    "class", "lambda", "torch", "self", "noise", "rows", "Tensor", "loss", "forward", "__init__",
    "../../x", "/etc/passwd", "con", "a.b", "os", "eval", "None", "real", "positive", "simplex",
    "elbo", "iwae", "mle", "map", "vimco", "minimize", "kl_weight", "free_bits", "estimator",
    "{iwae: {particles: 100000}}", "{scan: 1000000000}", "{size: 8}", "{size: auto}",
    "[2]", "[100000, 100000]", "[1, 1, 1, 1]",
    "[0]", "[-1]", "[1e9]", "[1000000000]", "{latent: normal}", "{parameter: real}", "{let: z}",
    "{given: x}", "{mlp: [1000000000]}", "{mlp: [64, 64]}", "{conv: []}", "linear", "{}", "[]",
)  # fmt: skip


@cache
def seeds() -> tuple[str, ...]:
    """The specs in `specs/`, in golden tests and in the docs."""
    files = sorted((ROOT / "specs").glob("*.yaml"))
    files += sorted((ROOT / "tests" / "golden").rglob("*.yaml"))
    found = [path.read_text(encoding="utf-8") for path in files]
    pages = sorted((ROOT / "docs").glob("*.md"))
    pages += sorted((ROOT / "specc" / "diagnostics" / "pages").glob("*.md"))
    pages += sorted((ROOT / "tests" / "golden" / "diagnostics").glob("*.md"))
    for page in pages:
        found += [b for b in _BLOCK.findall(page.read_text(encoding="utf-8")) if "model:" in b]
    return tuple(dict.fromkeys(found))


@cache
def sound() -> tuple[str, ...]:
    """The seeds that compile without changes."""
    return tuple(text for text in seeds() if front(Source("seed.yaml", text)).ok)


def some(chance: random.Random) -> str:
    """A random seed, usually a valid one."""
    return chance.choice(sound() if chance.random() < 0.9 else seeds())


@cache
def entries() -> tuple[str, ...]:
    """The names of all catalog entries, and their examples."""
    return tuple(_entries())


def _entries() -> Iterator[str]:
    nets = (LINKS, BIJECTIONS, CAUSAL_LINKS)
    for registry in (DISTRIBUTIONS, FUNCTIONS, *nets, OBJECTIVES, SHORTHANDS):
        yield from registry
    for function in FUNCTIONS.values():
        yield function.example


@cache
def scalars() -> tuple[str, ...]:
    """All replacements of a single value."""
    return (*NUMBERS, *EXPRESSIONS, *WORDS, *entries())
