"""Signals, which runs react to, as they are in a terminal."""

import pytest

from tests import dispositions


@pytest.fixture(autouse=True)
def usual_signals():
    """A suite under `nohup` or in the background would pass on signals that are ignored."""
    with dispositions.usual():
        yield
