"""Cases of the functions of the order of entries: oracle, supports of arguments, shapes."""

import numpy as np

from specc.catalog.supports import REAL

SHAPES = [((4,),), ((2, 3),)]
CUMULATIVE_CASES = {
    "cumprod": (lambda x: np.cumprod(x, -1), (REAL,), SHAPES),
    "cumsum": (lambda x: np.cumsum(x, -1), (REAL,), SHAPES),
    "diff": (lambda x: np.diff(x, axis=-1), (REAL,), SHAPES),
    "sort": (lambda x: np.sort(x, -1), (REAL,), SHAPES),
}
