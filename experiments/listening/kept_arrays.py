"""Arrays by name, kept in a file between the steps of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ritornello.atomic import atomic_write


def save_arrays(arrays: Mapping[str, np.ndarray], path: Path, *, overwrite: bool = False) -> None:
    """Write arrays by name for `numpy.load`, whole or not at all."""
    # By a file that is open: to a path NumPy adds its ending, and the unfinished file has no name.
    with atomic_write(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
