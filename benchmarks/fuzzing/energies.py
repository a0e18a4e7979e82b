"""Specs with random energies, also with links, of which some have a part that was replaced."""

from __future__ import annotations

import random
import re

from tests.laws.energizing import Maker
from tests.laws.linking import LinkMaker

OBJECTIVES = (
    "{cd: {steps: 1}}",
    "{cd: {steps: 1}}",
    "{cd: {steps: 2, persistent: true, chains: 4}}",
    "{cd: {steps: 1, tolerance: 0.01}}",
)
REPLACED = (
    "({0} + {1})", "({0} - {0})", "({0} * {1})", "({0} / 2)", "(-{0})", "exp({0})", "tanh({0})",
    "{0} ** 2", "square({0})", "sum({0})", "mean({0})", "neighbors({0})", "flatten({0})",
    "average_pool({0}, 2)", "blocks({0}, 2)", "append_zero({0})", "drop_last({0})", "stop({0})",
    "({0} @ {1})", "[{0}, {0}]", "{0}[0]", "logsumexp({0}, 1)", "(1 - {0})", "({0} * {0})", "0",
    "1.5", "1e30", "f0({0})", "f0.T({0})", "f1({0})", "f1.T({0})",
)  # fmt: skip
"""What stands in the place of a name, with that name and another one."""

_NAME = re.compile(r"\b[a-z]\d*\b")


def random_energy(chance: random.Random) -> str:
    """The text of a spec; two in three have one to three names of the energy replaced."""
    maker = chance.choice((Maker, LinkMaker))(chance.randrange(1_000_000))
    made = maker.energy()
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        _replace(made.terms, chance)
    # The name `k` is that of an index in random batches.
    return re.sub(r"\bk\b", "r", made.spec(chance.choice(OBJECTIVES)))


def _replace(terms: list[str], chance: random.Random) -> None:
    """Replaces one name in one of the terms, every second of which is a sign."""
    names = [name for term in terms[1::2] for name in _NAME.findall(term)]
    place = chance.randrange(1, len(terms), 2)
    found = list(_NAME.finditer(terms[place]))
    if not found:
        return
    part = chance.choice(found)
    new = chance.choice(REPLACED).format(part[0], chance.choice(names))
    terms[place] = f"{terms[place][: part.start()]}{new}{terms[place][part.end() :]}"
