"""The help of a finding, followed word by word, mends what it was printed for."""

import functools
import re
from collections import Counter

import pytest

from specc.compiler import front
from specc.diagnostics.source import Source
from tests.golden.advice import mended
from tests.golden.test_diagnostics import cases
from tests.unit.diagnostics.pages import PAGES

WRONG = re.compile(r"```yaml wrong\n(.*?)```\n", re.DOTALL)

NEXT = {
    "E0493": {"E0423": "the link that nothing uses had all weights that can be trained"},
    # The first reading ends at the cut, the misspelling or the word; then the graph is looked at.
    "E0015": {"E0221": "the expression uses the node itself, as is seen when it can be read"},
    "E0201": {"E0447": "the node of the program that is named has a shape, to be reduced"},
    "E0102": {"E0245": "the key that was meant names a node that is not given"},
    "E0114": {"E0310": "the global node uses data, as is seen when it is global"},
    "E0122": {"E0301": "the function that was meant keeps a shape that does not fit"},
    # One fault hides the next of the same chain.
    "E0241": {"E0315": "the example has the steps within the shape, too"},
    "E0242": {"E0244": "a node on the plate that looks back needs a start, which is a choice"},
    "E0244": {"E0341": "the table has an entry for no class, so another start was meant"},
    "E0245": {"E0502": "the field of the lengths cannot be known; the next help says to add it"},
    "E0246": {"E0439": "a normal latent of each step under a Bernoulli needs a guide"},
    "E0260": {"E0363": "the states are summed out, as is seen when each step has a start"},
    "E0310": {
        "E0331": "the guide has the same key in its own node",
        "E0439": "the latent, now of each row, needs a guide",
    },
    "E0315": {"E0301": "another parameter of the example has the refused shape, too"},
    "E0325": {"E0423": "without its bijection the example has nothing to learn"},
    "E0618": {"E0309": "the example draws from another set of values in its guide"},
}
"""Errors that a fix uncovers, since they could not be seen before; each with the reason."""


def specs():
    for case in cases():
        if not case.values[1]["set"].strip():
            yield pytest.param(case.values[1]["spec"], id=case.id)
    for page in sorted(PAGES.glob("*.md")):
        for number, spec in enumerate(WRONG.findall(page.read_text(encoding="utf-8"))):
            yield pytest.param(spec, id=f"{page.stem}-{number}")


SPECS = list(specs())


@functools.cache
def fixes(spec):
    """Each finding with the codes before and after its help is followed."""
    fixed = []
    found = front(Source("model.yaml", spec)).diagnostics
    before = Counter(each.code for each in found)
    for each in found:
        text = mended(each)
        if text is not None:
            after = front(Source("model.yaml", text)).diagnostics
            fixed.append((each, before, Counter(other.code for other in after)))
    return fixed


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_advised_mends_it(spec):
    for found, before, after in fixes(spec):
        assert after[found.code] < before[found.code], found


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_advised_leads_to_no_other_error(spec):
    for found, before, after in fixes(spec):
        new = {code for code in after if code.startswith("E") and code not in before}
        assert new <= {*NEXT.get(found.code, {})}, found


def test_many_codes_have_a_fix_that_can_be_followed():
    codes = [found.code for case in SPECS for found, _, _ in fixes(case.values[0])]
    assert len(codes) >= 130
    assert len(set(codes)) >= 60
