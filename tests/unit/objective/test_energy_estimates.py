"""What the compiler says of the estimates of an energy is what the run says."""

import json

import pytest

from specc.compiler import compile, front
from specc.diagnostics.source import Source
from specc.evaluate.scoring import choose_estimator
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure

BINARY = """
specc: 1
name: made
data: {source: digits, fields: {v: {from: image, binarize: sample}}}
model:
  w: {parameter: real, shape: [64, N]}
  v: {observed: bernoulli}
  h: {latent: bernoulli, shape: [N]}
  energy: "-(v @ w @ h)"
objective: {cd: {steps: 1}}
"""
REAL = BINARY.replace(", binarize: sample", "").replace(
    "v: {observed: bernoulli}", "v: {observed: normal}"
)
REAL = REAL.replace('"-(v @ w @ h)"', '"sum(v ** 2) / 2 - (v @ w @ h)"')
COUNTS = """
specc: 1
name: made
data: {source: npz, path: d.npz, fields: {v: {from: x, shape: [50]}}}
model:
  w: {parameter: real, shape: [50, N]}
  v: {observed: multinomial, total_count: 12}
  h: {latent: bernoulli, shape: [N]}
  energy: "-(v @ w @ h)"
objective: {cd: {steps: 1}}
"""
RATES = COUNTS.replace("multinomial, total_count: 12", "poisson")
GIVEN = """
specc: 1
name: made
data: {source: digits, fields: {v: {from: image, binarize: sample}, y: {from: label, one_hot: 10}}}
model:
  y: {given: y}
  w: {parameter: real, shape: [64, N]}
  u: {parameter: real, shape: [10, N]}
  v: {observed: bernoulli}
  h: {latent: bernoulli, shape: [N]}
  energy: "-(v @ w @ h) - (y @ u @ h)"
objective: {cd: {steps: 1}}
"""
LENGTHS = COUNTS.replace("  w:", "  n: {given: n}\n  w:").replace("count: 12", "count: n")
LENGTHS = LENGTHS.replace("shape: [50]}}}", "shape: [50]}, n: {from: n}}}", 1)
NETWORK = """
specc: 1
name: made
data: {source: toy, density: moons, fields: {x: {from: x}}}
model:
  x: {observed: normal, draw: {mala: {step_size: 0.1}}}
  h: {latent: bernoulli, shape: [N]}
  energy: "f(x) ** 2 + sum(x ** 2) - sum(h) * sum(x)"
links: {f: {mlp: [4]}}
objective: cd
"""
SPINS = """
specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [N]}}}
model:
  w: {parameter: real, shape: [N, N]}
  x: {observed: bernoulli}
  energy: "-(x @ w @ x)"
objective: {cd: {steps: 1}}
"""
PAIRS = BINARY.replace('(v @ w @ h)"', '(v @ w @ h) - h @ u @ h"').replace(
    "  v: {obs", "  u: {parameter: real, shape: [N, N]}\n  v: {obs"
)
PAIRS = PAIRS.replace("{cd: {steps: 1}}", "mle")
ALL = ("exact", "iwae", "ais")
ANNEALED = ("ais",)


def problems(text, estimator):
    """The reasons of the compiler."""
    checked = front(Source("made.yaml", f"{text}evaluate: {{test: {{estimator: {estimator}}}}}\n"))
    return [d.evidence["problem"] for d in checked.diagnostics if d.code == "E0813"]


@pytest.mark.parametrize(
    "text, size, allowed",
    [
        (BINARY, 10, ALL),
        (BINARY, 20, ALL),
        (BINARY, 21, ANNEALED),
        (REAL, 20, ALL),
        (REAL, 21, ANNEALED),
        (COUNTS, 20, ALL),
        (COUNTS, 40, ANNEALED),
        (RATES, 20, ALL),
        (RATES, 21, ANNEALED),
        (GIVEN, 4, ALL),
        (GIVEN, 64, ANNEALED),
        (LENGTHS, 64, ANNEALED),
        (NETWORK, 4, ANNEALED),
        (SPINS, 20, ALL),
        (SPINS, 21, ANNEALED),
        (PAIRS, 12, ALL),
    ],
)
def test_the_compiler_and_the_run_agree(text, size, allowed):
    text = text.replace("N", str(size))
    result, checked = compile(Source("made.yaml", text))
    assert result is not None, checked.diagnostics
    manifest = manifests.parse(json.loads(result.files["manifest.json"]))
    for estimator in ALL:
        found = problems(text, estimator)
        assert bool(found) == (estimator not in allowed)
        if not found:
            assert choose_estimator(manifest, estimator) == (
                "ais" if estimator == "ais" else "exact"
            )
            continue
        with pytest.raises(RunFailure) as failure:
            choose_estimator(manifest, estimator)
        assert failure.value.code == "E0813" and failure.value.message.endswith(found[0])
