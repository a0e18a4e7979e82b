"""What a process that trains imports, in the order of the command line."""

from specc.engine import device

device.prepare()

import specc.data.load  # noqa: E402
import specc.engine.train  # noqa: E402, F401
