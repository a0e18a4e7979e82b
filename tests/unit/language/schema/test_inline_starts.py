"""A start written inside of its sequence reads as a node of its own."""

import pytest

from specc.language.schema.print_spec import print_spec

from .reading import findings_of, sound

INLINE = """\
specc: 1
name: walk
plates: {t: {scan: 5}}
model:
  z: {latent: normal, loc: "z[t-1]", initial: {latent: normal, loc: 0, scale: 2}, shape: [3],
      plate: t}
  y: {observed: normal, loc: "y[t-1] + y[t-2]", initial: [0, {parameter: real}], plate: t}
guide:
  z: {latent: normal, loc: "z[t-1]", initial: {latent: normal, params: f(y)}, plate: t}
programs:
  other:
    w: {let: "w[t-1] + u", initial: {latent: normal, loc: 0, scale: 1, shape: []}, plate: t}
    u: {latent: normal, loc: 0, scale: 1}
"""

WRITTEN_OUT = """\
specc: 1
name: walk
plates: {t: {scan: 5}}
model:
  z_initial: {latent: normal, loc: 0, scale: 2, shape: [3]}
  z: {latent: normal, loc: "z[t-1]", initial: z_initial, shape: [3], plate: t}
  y_initial_2: {parameter: real}
  y: {observed: normal, loc: "y[t-1] + y[t-2]", initial: [0, y_initial_2], plate: t}
guide:
  z_initial: {latent: normal, params: f(y)}
  z: {latent: normal, loc: "z[t-1]", initial: z_initial, plate: t}
programs:
  other:
    w_initial: {latent: normal, loc: 0, scale: 1, shape: []}
    w: {let: "w[t-1] + u", initial: w_initial, plate: t}
    u: {latent: normal, loc: 0, scale: 1}
"""


def printed(text, *settings):
    return print_spec(sound(text, *settings))


def test_it_is_that_of_the_long_form():
    assert printed(INLINE) == printed(WRITTEN_OUT)
    assert printed(INLINE) != printed(WRITTEN_OUT.replace("scale: 2", "scale: 1"))


def test_a_start_keeps_its_own_shape():
    text = INLINE.replace("loc: 0, scale: 2}", "loc: 0, scale: 2, shape: [1]}")
    assert printed(text) == printed(WRITTEN_OUT.replace("2, shape: [3]", "2, shape: [1]"))


def test_a_setting_reaches_it():
    found = printed(INLINE, "model.z.initial.scale=4")
    assert found == printed(WRITTEN_OUT.replace("scale: 2", "scale: 4"))


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ("scale: 2}", "scale: 2, shapes: 3}", [("E0117", "shapes")]),
        ("{parameter: real}", "{prameter: real}", [("E0106", "prameter")]),
        ("u: {", "w_initial: {", [("E0333", "{latent: normal, loc: 0, scale: 1, shape: []}")]),
    ],
)
def test_errors_are_at_their_places(old, new, expected):
    assert findings_of(INLINE.replace(old, new, 1)) == expected
