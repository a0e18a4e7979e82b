"""An objective that is short for several players equals its long form."""

from __future__ import annotations

import re
import textwrap

import pytest
import torch

from specc.catalog.registry import SHORTHANDS
from specc.codegen.explain import explain
from specc.comparison.compare import compare
from specc.compiler import front
from specc.diagnostics.render_text import render
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import generated, program
from tests.laws.estimating import settle
from tests.losses import computed
from tests.oracles.shorthands import ROWS, SPEC, spec_of

HEADING = "long form of the objective, for a spec\n"
CASES = [short for row in ROWS.values() for short in row]
BATCH = {
    "x": torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64),
    "y": torch.eye(3, dtype=torch.float64)[[0, 1, 2, 2, 1, 0]],
}


def plan(text):
    checked = front(Source("spec.yaml", text))
    assert checked.plan is not None, render(checked.diagnostics)
    return checked.plan


def short_and_long(short):
    """The spec with the short name, and with the long form as `explain` prints it."""
    text = f"{spec_of(short)}objective: {short}\n"
    shown = explain(plan(text))
    assert shown.count(HEADING) == 1
    block = shown.partition(HEADING)[2].partition("\n\n")[0]
    return text, spec_of(short) + textwrap.dedent(block) + "\n"


def without_places(files):
    """The code without its header (the digest of the spec) and without lines of the spec."""
    code = {name: text for name, text in files.items() if name.endswith(".py")}
    bare = {n: re.sub(r"\A(#.*\n)*", "", text) for n, text in code.items()}
    return {n: re.sub(r" +spec\.yaml:\d+", "", text) for n, text in bare.items()}


@pytest.mark.parametrize("short", CASES)
def test_the_long_form_in_its_place_is_the_same(short, tmp_path):
    text, written = short_and_long(short)
    assert HEADING not in explain(plan(written))
    assert without_places(generated(text)) == without_places(generated(written))
    assert compare(plan(text), plan(written)).verdict == "cosmetic"
    with precision(torch.float64):
        one, other = program(text, tmp_path), program(written, tmp_path)
        settle(one), settle(other)
        for loss in one.manifest.losses:
            noise = [Noise.at(3, dtype=torch.float64) for _ in range(2)]
            first, second = (
                computed(made, {n: BATCH[n] for n in loss.inputs}, own, name=loss.name)[0]
                for made, own in zip((one, other), noise, strict=True)
            )
            assert torch.equal(first, second) and first.isfinite()


def test_another_long_form_is_noticed():
    text, written = short_and_long("{gan: {critic: d, loss: hinge}}")
    other = written.replace("relu(1 + ", "relu(2 + ")
    assert written != other
    assert without_places(generated(text)) != without_places(generated(other))


def words(schema):
    """The options of a schema, and the words that are values of options."""
    found = {*schema.get("properties", {})}
    found |= {word for word in schema.get("enum", []) if isinstance(word, str)}
    found |= {schema["const"]} if "const" in schema else set()
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += list(schema.get("$defs", {}).values())
    return found.union(*(words(each) for each in inner))


@pytest.mark.parametrize("name", SHORTHANDS)
def test_each_has_a_row_with_all_of_its_options(name):
    entry = SHORTHANDS[name]
    shown = " ".join(ROWS[name])
    wanted = words(entry.Options.model_json_schema()) | {w for k in entry.named.values() for w in k}
    assert {word for word in wanted if not re.search(rf"\b{word}\b", shown)} == set()


def test_settings_reach_into_the_short_name():
    text = f"{SPEC}objective: {{gan: {{critic: d, loss: wasserstein}}}}\n"
    checked = front(Source("spec.yaml", text), ["objective.gan.steps=7"])
    assert "steps: 7" in checked.spec.long_form


def test_a_program_of_the_long_form_has_a_name_of_its_own():
    own = "programs: {between: {t: {latent: normal, loc: 0, scale: 1}}}\n"
    short = "objective: {gan: {critic: d, penalty: {gradient: 1}}}\n"
    found = plan(SPEC + own + short).graph.graph.declared
    assert {"between", "between_2"} <= set(found)


@pytest.mark.parametrize("name", ["null", "no", "true"])
def test_a_link_may_be_called_like_a_word_of_yaml(name):
    text = SPEC.replace("  d: {mlp", f'  "{name}": {{mlp')
    found = plan(f'{text}objective: {{gan: {{critic: "{name}"}}}}\n')
    assert found.objective.players[0].links == (name,)
