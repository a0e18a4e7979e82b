"""Codes of the document: its keys, the kinds of their values, its expressions."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error, warning

CODES: tuple[Code, ...] = (
    error(
        "E0101",
        "not-a-spec",
        "a spec is a mapping of keys such as `specc:` and `model:`; this is {found}",
        "{hint}",
    ),
    error("E0102", "unknown-key", "{where} has no key `{key}`", "{hint}"),
    error("E0103", "missing-key", "{where} lacks the required key `{key}`", "{hint}"),
    error("E0104", "wrong-kind", "{where} must be {expected}; this is {found}", "{hint}"),
    error(
        "E0105",
        "language-version",
        "the file is written in version `{version}` of the language; this specc reads version 1",
        "write `specc: 1`",
    ),
    error(
        "E0106",
        "no-role",
        "the node `{name}` has no role",
        "give it one of latent, observed, given, let, parameter",
    ),
    error(
        "E0107",
        "two-roles",
        "the node `{name}` has two roles, `{first}` and `{second}`",
        "delete one; a node is either {first} or {second}",
    ),
    error(
        "E0108",
        "not-an-identifier",
        "`{name}` cannot be a name: a name is letters, digits and _, and starts with a letter",
        "{hint}",
    ),
    error(
        "E0109",
        "reserved-name",
        "`{name}` cannot be the name of a {kind}: it already means {meaning}",
        "choose another name, such as `{other}`",
    ),
    error(
        "E0110",
        "non-finite-number",
        "{where} is `{value}`; it must be a finite number",
        "write a finite number",
    ),
    error(
        "E0111",
        "number-out-of-range",
        "{where} is {value}; it must be {expected}",
        "",
    ),
    error(
        "E0112",
        "one-key-expected",
        "{where} must have one key, with its options under it; it has {count} keys",
        "{hint}",
    ),
    error("E0113", "unknown-choice", "{where} cannot be `{value}`", "{hint}"),
    error(
        "E0114",
        "word-for-a-boolean",
        "`{value}` is a word in YAML 1.2, not {meaning}",
        "write `{meaning}`",
    ),
    error(
        "E0115",
        "quoted-number",
        "{where} must be a number; `{value}` is in quotes, which makes it a word",
        "delete the quotes",
    ),
    error("E0116", "empty-value", "{where} has no value", "{hint}"),
    error(
        "E0117",
        "option-of-another-role",
        "the {role} node `{name}` cannot have `{key}`",
        "only {roles} nodes have `{key}`; delete it",
    ),
    error(
        "E0118",
        "two-lengths",
        "the length of training is given twice, as `{first}` and `{second}`",
        "delete one of them",
    ),
    error(
        "E0121",
        "expression-character",
        "`{character}` has no meaning in an expression",
        "{hint}",
    ),
    error(
        "E0122",
        "expression-syntax",
        "in the expression `{expression}`, {problem}",
        "{hint}",
    ),
    error(
        "E0123",
        "expression-bracket",
        "this `{opening}` is never closed in the expression",
        "add the `{closing}`",
    ),
    error(
        "E0124",
        "expression-python",
        "{construct} is Python syntax that expressions of a spec do not support",
        "an expression is numbers, names, + - * / ** @, calls f(x) and indices u[i]",
    ),
    error(
        "E0125",
        "expression-too-deep",
        "the expression is nested more than {limit} levels deep",
        "name its parts as `let` nodes; in a long sum every `+` is a level",
    ),
    error("E0126", "expression-empty", "there is no expression here", "{hint}"),
    error(
        "E0127",
        "expression-too-long",
        "the expression has {length} characters; the limit is {limit}",
        "name its parts as `let` nodes",
    ),
    error(
        "E0128",
        "not-a-step",
        "`through` of `{name}` must be the name of a bijection, alone or applied to a context",
        "write `through: f` or `through: f(h)`, with `f` under `links:`; several are a list",
    ),
    error(
        "E0129",
        "part-role",
        "the part `{part}` of a joint draw cannot be `{role}`",
        "{hint}",
    ),
    warning(
        "W0131",
        "number-in-quotes",
        "`{value}` is in quotes and is read as an expression",
        "delete the quotes",
    ),
)
