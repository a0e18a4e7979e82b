"""`python -m specc` is the command `specc`."""

import sys

from specc.cli.main import main

sys.exit(main())
