"""The compiler of C++ on this machine."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

from specc.engine.step.player import NotCompiled

FLAGS = (
    *("-std=c++17", "-O2", "-ftree-vectorize", "-march=native", "-ffp-contract=fast"),
    *(
        "-fno-math-errno",
        "-fno-trapping-math",
        "-freciprocal-math",
        "-fno-signed-zeros",
        "-Wno-psabi",
    ),
)
SECONDS = 120.0
"""The longest time of the compiler."""


def compiled(source: str, *flags: str) -> ctypes.PyDLL:
    """The library of some C++; raises NotCompiled without a compiler."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise NotCompiled("there is no compiler of C++")
    with tempfile.TemporaryDirectory() as folder:
        text, library = Path(folder) / "source.cpp", Path(folder) / "library.so"
        text.write_text(source, encoding="utf-8")
        command = [compiler, *FLAGS, *flags, "-shared", "-fPIC", str(text), "-o", str(library)]
        for extra in ((*("-lmvec", "-lm"),), ("-lm",)):
            try:
                done = subprocess.run(
                    [*command, *extra], capture_output=True, text=True, timeout=SECONDS
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise NotCompiled("the compiler of C++ failed") from error
            if not done.returncode:
                break
        else:
            raise NotCompiled(f"the compiler of C++ failed: {done.stderr.strip()[:200]}")
        return ctypes.PyDLL(str(library))
