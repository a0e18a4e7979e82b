"""Training runs in separate processes, which tests kill and resume."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TRAIN = """
import sys
from pathlib import Path
from specc.engine import device
device.prepare()
from specc.engine.train import Options, train
from specc.runtime.failure import RunFailure
try:
    train(Path(sys.argv[1]), Path(sys.argv[2]), Options(resume=True, quiet=True, threads=1))
except RunFailure as failure:
    print(failure.code, failure, file=sys.stderr)
    sys.exit(failure.exit_code)
"""


def start(code: Path, run: Path) -> subprocess.Popen[str]:
    """Starts or resumes training in a new process."""
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, str(code), str(run)], stderr=subprocess.PIPE, text=True
    )
