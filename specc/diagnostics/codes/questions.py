"""Why a question about a network has no answer."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

CODES: tuple[Code, ...] = (
    error(
        "E1001",
        "question-not-read",
        "this is no question about probabilities: {problem}",
        "write such as `P(a, b | c=1)`: what is asked before the bar, what is known after it",
    ),
    error(
        "E1002",
        "unknown-variable",
        "`{name}` is no random or given node of the model",
        "{hint}",
    ),
    error(
        "E1003",
        "no-such-value",
        "`{name}` has the values 0 to {last}, and {value} is none of them",
        "classes are counted from 0",
    ),
    error(
        "E1004",
        "variable-twice",
        "`{name}` stands twice in the question",
        "delete one of them",
    ),
    error(
        "E1005",
        "known-impossible",
        "what is known has the probability 0, so nothing follows from it",
        "change one of the values",
    ),
    error(
        "E1006",
        "not-a-variable",
        "`{name}` {reason}, and a query adds up the values of single class numbers",
        "ask about categorical and Bernoulli nodes that do not depend on it",
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
        "the exact answer needs a table of {count} numbers; {limit} is the most",
        "ask for fewer nodes at once, or say the values of more of them",
    ),
)
