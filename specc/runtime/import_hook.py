"""Import of generated code: always decoded as UTF-8, and compiled from source, without a cache.

A comment in the first two lines of a Python file may declare another encoding (PEP 263), which
would change the program; and cached bytecode may come from another text.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

PREFIX = "specc_generated_"


class Loader(SourceFileLoader):
    """Compiles the text of a file at every import."""

    def get_code(self, fullname: str) -> CodeType:
        """The code of a module. Raises UnicodeDecodeError, SyntaxError."""
        path = self.get_filename(fullname)
        text = Path(path).read_bytes().decode("utf-8")
        return compile(text, path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    """Finds the modules of generated packages, whose names start with PREFIX."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The file of a module of a generated package; None for other modules."""
        del target
        if not fullname.startswith(PREFIX) or not path:
            return None
        file = Path(path[0]) / f"{fullname.rpartition('.')[2]}.py"
        return spec_of(fullname, file) if file.is_file() else None


def spec_of(name: str, file: Path, folder: Path | None = None) -> ModuleSpec:
    """The import spec of a file under a name; `folder` is the folder of a package."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    places = None if folder is None else [str(folder)]
    loader = Loader(name, str(file))
    found = importlib.util.spec_from_file_location(
        name, file, loader=loader, submodule_search_locations=places
    )
    assert found is not None
    return found
