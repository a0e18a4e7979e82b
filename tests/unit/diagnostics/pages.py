"""Where the pages of the codes lie."""

from pathlib import Path

import specc.diagnostics

PAGES = Path(specc.diagnostics.__file__).parent / "pages"
