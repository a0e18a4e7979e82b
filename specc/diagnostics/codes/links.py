"""What can be wrong with a link: its kind, its options, its uses."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code, error

CODES: tuple[Code, ...] = (
    error("E0601", "unknown-link-kind", "there is no kind of link `{name}`", "{hint}"),
    error("E0602", "unknown-link-option", "a `{kind}` link has no option `{name}`", "{hint}"),
    error(
        "E0603",
        "link-option-value",
        "`{option}` of the link `{link}` must be {expected}; this is {found}",
        "{hint}",
    ),
    error(
        "E0604",
        "link-uses-disagree",
        "the link `{link}` is used with {found} here but with {expected} elsewhere",
        "declare a second link; one link is one set of weights",
    ),
    error(
        "E0607",
        "link-inputs-mixed",
        "the link `{link}` cannot concatenate inputs of shapes {shapes}",
        "{hint}",
    ),
    error("E0608", "unknown-layer", "there is no layer `{name}`", "{hint}"),
    error("E0609", "unknown-activation", "there is no activation `{name}`", "{hint}"),
    error(
        "E0610",
        "link-size-open",
        "the size of the output of `{link}` follows from nothing here",
        "{hint}",
    ),
    error(
        "E0613",
        "link-without-kind",
        "the link `{name}` does not say what kind of network it is",
        "give it one of the keys {kinds}",
    ),
    error(
        "E0614",
        "link-two-kinds",
        "the link `{name}` is of two kinds, `{first}` and `{second}`",
        "keep one of them; two networks are two links",
    ),
    error(
        "E0611",
        "link-in-two-programs",
        "the link `{link}` is used in the {first} and in the {second}",
        "declare a link for each; one set of weights belongs to one program",
    ),
    error("E0612", "link-shape", "the link `{link}` {reason}", "{fix}"),
)
