"""Options of the whole test run."""

import sys

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("specc", deadline=None)
settings.load_profile("specc")


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write what is printed now")
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_configure(config):
    if config.getoption("--update-golden") and getattr(config.option, "numprocesses", None):
        # Cases share files: two writers at once would lose each other's.
        raise pytest.UsageError("--update-golden writes shared files: use it without -n")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow; run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def denormals_stay():
    """A run flushes denormal numbers in its whole process; the test after it gets them back."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)
