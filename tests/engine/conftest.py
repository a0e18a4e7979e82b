"""Signal handlers as in a terminal, since runs react to signals."""

import pytest

from tests import dispositions


@pytest.fixture(autouse=True)
def usual_signals():
    """Restores the default handlers: `nohup` or a background shell makes signals ignored."""
    with dispositions.usual():
        yield
