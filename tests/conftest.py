"""Options of the whole test run, and which tests are quick."""

import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# One thread a process, before torch is there: of two workers with two threads each on two cores,
# threads that wait for each other keep both cores busy with nothing else than to wait.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("specc", deadline=None)
settings.load_profile("specc")

HERE = Path(__file__).parent

# Folders and files whose tests are quick: `pytest -m quick` has an answer within a minute.
QUICK = (
    "golden",
    "house",
    "unit",
    "laws/test_distributions.py",
    "laws/test_functions.py",
    "laws/test_links.py",
    "laws/test_number.py",
)
# Files in them that take several seconds each: they compile hundreds of specs, or train.
LONG = (
    "golden/test_advice.py",
    "house/test_gallery.py",
    "house/test_walls.py",
    "unit/cli/test_completion.py",
    "unit/cli/test_evaluate.py",
    "unit/cli/test_first_use.py",
    "unit/cli/test_impute.py",
    "unit/cli/test_main.py",
    "unit/cli/test_one_row.py",
    "unit/cli/test_outputs.py",
    "unit/cli/test_query.py",
    "unit/cli/test_terminal.py",
    "unit/cli/test_verbs.py",
    "unit/codegen/test_digests.py",
    "unit/codegen/test_joint.py",
    "unit/codegen/test_standalone.py",
    "unit/data/test_hostile.py",
    "unit/data/test_verb.py",
    "unit/diagnostics/test_pages.py",
    "unit/engine",
    "unit/evaluate",
    "unit/infer/test_dependence.py",
    "unit/infer/test_network.py",
    "unit/language/test_formatter.py",
    "unit/objective/test_likelihood_estimates.py",
    "unit/test_api.py",
    "unit/report",
    "unit/test_fuzz.py",
    "unit/test_hostile.py",
    "unit/test_large.py",
    "unit/test_random_specs.py",
)


def is_quick(path):
    """Whether the tests of a file are quick."""
    inside = f"{path.relative_to(HERE).as_posix()}/"
    in_quick, in_long = (any(inside.startswith(f"{p}/") for p in part) for part in (QUICK, LONG))
    return in_quick and not in_long


def pytest_ignore_collect(collection_path, config):
    """Files without a quick test are not even imported for `-m quick`."""
    is_test = collection_path.name.startswith("test_") and collection_path.is_relative_to(HERE)
    return (
        True
        if config.option.markexpr == "quick" and is_test and not is_quick(collection_path)
        else None
    )


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write what is printed now")
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_configure(config):
    if config.getoption("--update-golden") and getattr(config.option, "numprocesses", None):
        # Cases share files: two writers at once would lose each other's.
        raise pytest.UsageError("--update-golden writes shared files: use it without -n")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if is_quick(item.path) and "slow" not in item.keywords:
            item.add_marker("quick")
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow; run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def random_numbers():
    """Every test begins with the same random numbers, whatever ran before it in its process."""
    random.seed(0)
    for name, seed in (("numpy.random", "seed"), ("torch", "manual_seed")):
        if name in sys.modules:
            getattr(sys.modules[name], seed)(0)


@pytest.fixture(autouse=True)
def denormals_stay():
    """A run flushes denormal numbers in its whole process; the test after it gets them back."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)
