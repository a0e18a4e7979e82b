"""Codes of queries about a network of finite nodes."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

CODES: tuple[Code, ...] = (
    error(
        "E1001",
        "question-not-read",
        "this is not a query about probabilities: {problem}",
        "write, for example, `P(a, b | c=1)`: the query before the bar, the evidence after it",
    ),
    error(
        "E1002",
        "unknown-variable",
        "`{name}` is not a random or given node of the model",
        "{hint}",
    ),
    error(
        "E1003",
        "no-such-value",
        "`{name}` has the values 0 to {last}, and {value} is not one of them",
        "classes are counted from 0",
    ),
    error(
        "E1004",
        "variable-twice",
        "`{name}` appears twice in the query",
        "delete one of them",
    ),
    error(
        "E1005",
        "known-impossible",
        "the evidence has probability 0, so no probability given it is defined",
        "change one of the values",
    ),
    error(
        "E1006",
        "not-a-variable",
        "`{name}` {reason}, and a query sums over single class numbers",
        "query categorical and Bernoulli nodes that do not depend on it",
    ),
    error(
        "E1007",
        "table-not-known",
        "the probabilities of `{name}` are not known: {reason}",
        "{hint}",
    ),
    error(
        "E1008",
        "answer-too-large",
        "the exact answer needs a table of {count} numbers; the limit is {limit}",
        "query fewer nodes at once, or condition on more of them",
    ),
)
