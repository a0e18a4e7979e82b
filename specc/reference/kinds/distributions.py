"""The reference of distributions: density or mass, and parameters with their supports."""

from __future__ import annotations

from specc.catalog.entry import Distribution
from specc.catalog.registry import DISTRIBUTIONS
from specc.catalog.supports import describe
from specc.reference.entry import Entry, Page, Table, cited, code, listed, shown

HEAD = ("parameter", "support", "shape of an event", "default", "meaning")
INTRO = """A node names its distribution after its role, and has the parameters as further keys. A
parameter is a number, a list or an expression; `params: encoder(x)` feeds all parameters that are
not given by name. The shape of an event is `[]` for elementwise parameters, which broadcast over
`shape:`.
"""


def page() -> Page:
    """Return the page of all distributions, in alphabetical order."""
    found = tuple(map(entry, DISTRIBUTIONS.values()))
    return Page("distributions", "Distributions", INTRO, found)


def entry(of: Distribution) -> Entry:
    """Return the entry of a distribution."""
    return Entry(
        name=of.name,
        kind="distribution",
        summary=of.summary,
        formula=of.formula,
        facts=_facts(of),
        tables=(Table(HEAD, (*_parameters(of), *_options(of))),),
        example=of.example,
        sources=cited(of.references),
    )


def _parameters(of: Distribution) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for parameter in of.parameters:
        default = of.defaults.get(parameter.name)
        rows.append(
            (
                code(parameter.name),
                describe(parameter.support),
                shown(list(parameter.dims)),
                "" if default is None else code(shown(float(default))),
                parameter.summary,
            )
        )
    dims = {p.name: shown(list(p.dims)) for p in of.parameters}
    for other in of.alternatives:
        meaning = f"instead of {code(other.replaces)}, which is {other.function}({other.name})"
        size = dims[other.replaces]
        rows.append((code(other.name), describe(other.support), size, "", meaning))
    return rows


def _options(of: Distribution) -> list[tuple[str, ...]]:
    meaning = "the size {}, where no parameter shows it"
    return [
        (code(name), "a number or a constant", "", "", meaning.format(dim))
        for name, dim in of.options.items()
    ]


def _support(of: Distribution) -> str:
    """Return the support, and whether parameters or options bound it."""
    names = [*(p.name for p in of.parameters), *of.options.values()]
    widest, bounded = of.result({}), of.result({name: 2.0 + n for n, name in enumerate(names)})
    words = describe(widest)
    return words if bounded == widest else f"{words}, within bounds that its parameters set"


def _facts(of: Distribution) -> tuple[str, ...]:
    event = f", events of shape [{', '.join(of.result_dims)}]" if of.result_dims else ""
    support = f"Support: {_support(of)}{event}"
    facts = [support if support.endswith("...") else f"{support}."]
    if of.improper:
        facts.append("It has no draws: for global latents under a sampler or `map`.")
    elif of.reparameterized:
        facts.append("Gradients pass through draws (`draw: pathwise`).")
    elif of.finite:
        facts.append("It has finitely many values: `draw: enumerate` or `draw: score`.")
    else:
        facts.append("Gradients by `draw: score`.")
    forms = (("mean", of.mean), ("entropy", of.entropy), ("distribution function", of.cdf))
    closed = [word for word, has in forms if has]
    if closed:
        words = " and ".join([", ".join(closed[:-1]), closed[-1]] if closed[1:] else closed)
        facts.append(f"In closed form: {words}.")
    if of.kl_with:
        facts.append(f"The divergence from {listed(of.kl_with)} is in closed form.")
    return tuple(facts)
