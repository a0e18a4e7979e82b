"""Codes of links: kinds, options, uses."""

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
        "declare a second link; every use of a link shares one set of weights",
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
        "the size of the output of `{link}` cannot be inferred here",
        "{hint}",
    ),
    error(
        "E0613",
        "link-without-kind",
        "the link `{name}` has no kind of network",
        "give it one of the keys {kinds}",
    ),
    error(
        "E0614",
        "link-two-kinds",
        "the link `{name}` has two kinds, `{first}` and `{second}`",
        "delete one of them; two networks are two links",
    ),
    error(
        "E0615",
        "not-a-bijection",
        "a draw goes `through` a bijection, and the `{kind}` link `{link}` has no inverse",
        "the bijections are {known}",
    ),
    error("E0616", "unknown-bijection", "there is no bijection `{name}`", "{hint}"),
    error(
        "E0617",
        "bijection-without-a-value",
        "`{link}` is a bijection, and {problem}",
        "apply it to a node, as in `{link}(z)` or `{link}.inverse(x)`, or let a draw go through it",
    ),
    error(
        "E0618",
        "bijection-without-context",
        "the `{kind}` bijection `{link}` takes no context",
        "{hint}",
    ),
    error(
        "E0619",
        "causal-link-of-another",
        "the `{kind}` link `{link}` must be applied to `{name}` itself, before anything else",
        "write `{link}({name})`, or `{link}({name}, h)` to condition it on a node `h`",
    ),
    error(
        "E0620",
        "causal-link-without-density",
        "the `{kind}` link `{link}` can only be used in a random node, and `{name}` has no density",
        "use it as a parameter of a random node `x`, as in `logits: {link}(x)`",
    ),
    error(
        "E0621",
        "causal-link-under-a-bijection",
        "`{name}` goes through a bijection, so `{link}` cannot give its entries one by one",
        "delete `through`, or compute the parameters otherwise; `maf` and `iaf` combine both",
    ),
    error(
        "E0622",
        "causal-link-of-vectors",
        "`{name}` is {distribution}, whose entries are drawn together; "
        "`{link}` computes them one by one",
        "{hint}",
    ),
    error("E0630", "average-of-nothing", "`{link}` averages `{of}`, which is no link", "{hint}"),
    error(
        "E0631",
        "average-of-an-average",
        "`{link}` averages `{of}`, which has no weights of its own",
        "average a link with layers",
    ),
    error("E0632", "average-that-differs", "`{link}` averages `{of}`, {reason}", "{fix}"),
    error(
        "E0633",
        "average-trained",
        "no player trains `{link}`, which averages `{of}`",
        "list `{of}`; `{link}` follows after each of its updates",
    ),
    error("E0612", "link-shape", "the link `{link}` {reason}", "{fix}"),
)
