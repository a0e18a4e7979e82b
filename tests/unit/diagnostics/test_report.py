"""Messages of diagnostics: what is too long is cut, a list between its entries."""

import pytest

from specc.diagnostics import report
from specc.diagnostics.source import Source, Span

PLACE = Span(Source("t.yaml", "x"), 0, 1)


def message(name):
    return report.message(report.diagnose("E0305", PLACE, name=name))


def test_a_list_is_cut_between_its_entries():
    names = [f"`name{n}`" for n in range(200)]
    (found,) = (line for line in message(", ".join(names)).splitlines())
    shown = found.removeprefix("the shape of `").split("` cannot")[0].split(", ")
    middle = shown.index("...")
    assert shown[:middle] == names[:middle]
    after = shown[middle + 1 :]
    assert after[-1].startswith(names[-1]) and after[:-1] == names[-len(after) : -1]
    assert middle > 20 and len(after) > 20


@pytest.mark.parametrize(("length", "is_cut"), [(600, False), (601, True)])
def test_other_text_is_cut_in_the_middle(length, is_cut):
    found = message("a" * length)
    assert ("..." in found) == is_cut
    assert len(found) < 700
