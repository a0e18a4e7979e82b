"""The renderings of findings: safe on a screen, valid for programs."""

import json

import pytest

from specc.compiler import front
from specc.diagnostics import render_github, render_json, render_sarif, render_text
from specc.diagnostics.source import Source

SPEC = """specc: 1
name: vae
model:
  z: {latent: normal, loc: 0, scale: -1, shape: [2]}
  x: {observed: normal, loc: decodr(z), scale: 1}
guide:
  z: {latent: normal, loc: q, scale: 1}
objective: elbo
"""


def findings(text=SPEC):
    return front(Source("a,b:c.yaml", text)).diagnostics


def test_json_has_places_and_words():
    shown = json.loads(render_json.render(findings()))
    assert [f["code"] for f in shown] == ["E0302", "E0231", "E0201"]
    first = shown[0]
    assert SPEC[first["start"] : first["end"]] == "-1"
    assert (first["line"], first["column"], first["severity"]) == (4, 38, "error")


def test_github_commands_are_escaped():
    lines = render_github.render(findings()).split("\n")
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("::error file=a%2Cb%3Ac.yaml,line=")
        assert "\r" not in line


def test_sarif_is_complete():
    shown = json.loads(render_sarif.render(findings()))
    run = shown["runs"][0]
    assert shown["version"] == "2.1.0"
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert 1 <= region["startLine"] <= region["endLine"]


@pytest.mark.parametrize("evil", ["\x1b[2J", "\u202e", "\u2028", "\t"])
def test_nothing_steers_the_terminal(evil):
    text = SPEC.replace("decodr(z)", f'"decodr(z{evil})"')
    shown = render_text.render(findings(text))
    assert not any(ord(c) < 32 and c != "\n" for c in shown)
    assert "\u202e" not in shown


def test_a_long_line_is_cut_around_its_mark():
    text = SPEC.replace("loc: 0", "loc: 0 + " + " + ".join("0" for _ in range(400)) + " + qq")
    shown = render_text.render(findings(text))
    excerpts = [line for line in shown.splitlines() if line.lstrip("0123456789 ").startswith("|")]
    assert len(excerpts) == 9
    assert max(map(len, excerpts)) < 120


def test_colour_is_only_around_words():
    plain, painted = render_text.render(findings()), render_text.render(findings(), colour=True)
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain
