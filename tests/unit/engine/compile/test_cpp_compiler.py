"""What happens without a compiler of C++, and with one that fails."""

import pytest

from specc.engine.compile import cpp_compiler
from specc.engine.step.player import NotCompiled


def test_a_machine_without_a_compiler(monkeypatch):
    monkeypatch.setattr(cpp_compiler.shutil, "which", lambda name: None)
    with pytest.raises(NotCompiled, match="no compiler"):
        cpp_compiler.compiled("")


def test_a_compiler_that_fails():
    with pytest.raises(NotCompiled, match="compiler of C\\+\\+ failed"):
        cpp_compiler.compiled("not C++")


def test_what_is_compiled_can_be_called():
    library = cpp_compiler.compiled('extern "C" int six() { return SIX; }', "-DSIX=6")
    assert library.six() == 6
