"""The command that made a figure, as others can give it."""

from __future__ import annotations

import sys
from pathlib import Path


def command_of(program: str) -> str:
    """``python -m program`` with the arguments of this process; of absolute paths the last name."""
    words = (Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:])
    return " ".join([f"python -m {program}", *words])
