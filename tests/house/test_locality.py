"""The core depends on traits of catalog entries, never on their names."""

import ast
from functools import cache

import pytest

from specc.catalog.registry import (
    BIJECTIONS,
    CAUSAL_LINKS,
    CHAINS,
    DISTRIBUTIONS,
    DRAWS,
    FEATURES,
    KERNELS,
    LINKS,
    METRICS,
    OBJECTIVES,
    SHORTHANDS,
    SOURCES,
)
from tests.house.files import TREES, below

CORE = (
    "language",
    "graph",
    "objective",
    "codegen",
    "diff",
    "engine",
    "evaluate",
    "infer",
    "compiler.py",
)

# Words in a file that have another meaning than the entry.
OTHERWISE = {
    ("specc/engine/compile/cpp_entries.py", "exp"): "an operation of torch",
    ("specc/engine/compile/cpp_entries.py", "sigmoid"): "an operation of torch",
    ("specc/engine/compile/cpp_entries.py", "tanh"): "an operation of torch",
    ("specc/objective/terms.py", "energy"): "`energy:`, an unnormalized density",
    ("specc/language/schema/json_schema.py", "energy"): "`energy:`, an unnormalized density",
    ("specc/engine/settings.py", "ema"): "`train.ema`",
    ("specc/codegen/manifest.py", "energy"): "`energy:`, an unnormalized density",
    ("specc/codegen/manifest.py", "fixed"): "the settings that a resumed run keeps",
    ("specc/graph/graph.py", "energy"): "`energy:`, an unnormalized density",
    ("specc/graph/passes/declare.py", "energy"): "`energy:`, an unnormalized density",
    ("specc/language/schema/node.py", "energy"): "`energy:`, an unnormalized density",
    ("specc/language/schema/outline.py", "energy"): "`energy:`, an unnormalized density",
    ("specc/language/schema/read_document.py", "energy"): "`energy:`, an unnormalized density",
    ("specc/language/schema/read_node.py", "energy"): "`energy:`, an unnormalized density",
    ("specc/codegen/lower/chains.py", "normal"): "a kind of random number",
    ("specc/codegen/lower/moves.py", "normal"): "a kind of random number",
    ("specc/objective/passes/posterior.py", "ema"): "`train.ema`",
    ("specc/engine/samplers/draws.py", "energy"): "the energy of a trajectory",
    ("specc/evaluate/inference_data.py", "energy"): "the energy of a trajectory",
    ("specc/codegen/lower/layers.py", "normal"): "`init: normal`",
    ("specc/codegen/lower/terms.py", "exp"): "torch's method of a tensor",
    ("specc/codegen/lower/terms.py", "integrate"): "a reduction of terms",
    ("specc/codegen/text.py", "integrate"): "a reduction of terms",
    ("specc/codegen/alpha_renaming.py", "json"): "a mode of pydantic",
    ("specc/objective/build_experiment.py", "json"): "a mode of pydantic",
    ("specc/engine/compile/graph.py", "exponential"): "a kind of random number",
    ("specc/engine/compile/graph.py", "normal"): "a kind of random number",
    ("specc/engine/compile/graph.py", "uniform"): "a kind of random number",
    ("specc/evaluate/user_rows.py", "iwae"): "an estimator of log p(x)",
    ("specc/evaluate/scoring.py", "iwae"): "an estimator of log p(x)",
    ("specc/infer/evaluate.py", "exp"): "a function",
    ("specc/infer/evaluate.py", "sigmoid"): "a function",
    ("specc/infer/evaluate.py", "softplus"): "a function",
    ("specc/infer/evaluate.py", "tanh"): "a function",
    ("specc/language/schema/train.py", "elbo"): "an estimator of log p(x)",
    ("specc/language/schema/train.py", "iwae"): "an estimator of log p(x)",
    ("specc/engine/schedule/learning_rate.py", "exponential"): "a schedule of the learning rate",
    ("specc/engine/schedule/learning_rate.py", "linear"): "a schedule of the learning rate",
    ("specc/language/schema/schedules.py", "exponential"): "a schedule of the learning rate",
    ("specc/language/schema/schedules.py", "linear"): "a schedule of the learning rate",
    ("specc/objective/passes/marginalize.py", "integrate"): "a reduction of terms",
    ("specc/objective/terms.py", "integrate"): "a reduction of terms",
    ("specc/objective/verify.py", "integrate"): "a reduction of terms",
    ("specc/language/schema/train.py", "json"): "pydantic's mode of writing",
    ("specc/language/schema/node.py", "normal"): "`init: normal`",
    ("specc/language/schema/read_link.py", "layers"): "`layers: [...]` is a list, not a mapping",
}


def texts(tree):
    """The strings in the code, without docstrings."""
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in described
    }


@cache
def texts_of(at):
    """The strings in the code of a file."""
    return texts(TREES[at])


REGISTRIES = [
    BIJECTIONS,
    CAUSAL_LINKS,
    CHAINS,
    DISTRIBUTIONS,
    DRAWS,
    FEATURES,
    KERNELS,
    LINKS,
    METRICS,
    OBJECTIVES,
    SHORTHANDS,
    SOURCES,
]


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: next(iter(registry)))
def test_the_core_names_no_entry(registry):
    names = set(registry)
    found = {(at, text) for at in below(*CORE) for text in texts_of(at) & names}
    assert found - set(OTHERWISE) == set()


def test_every_exception_is_needed():
    assert all(word in texts_of(at) for at, word in OTHERWISE)


def test_a_name_is_detected():
    assert texts(ast.parse('"""normal"""\nif entry.name == "normal": pass')) == {"normal"}
