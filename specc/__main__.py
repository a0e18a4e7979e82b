"""`python -m specc` is the command `specc`."""

import sys

from specc.cli.main import run

sys.exit(run())
