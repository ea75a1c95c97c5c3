"""The user's folders: where things are kept between runs, under any system and without a home."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

_NAME = "ritornello"


def cache_folder() -> Path:
    """Where to keep what can be made again; need not exist.

    Without a home (a user that the system does not list, and no HOME) it is a folder of the user's
    own among the temporary files.
    """
    return _found(platformdirs.user_cache_path) or _temporary("cache")


def models_folder() -> Path:
    """Where a person keeps models to have them by name; need not exist."""
    return (_found(platformdirs.user_data_path) or _temporary("data")) / "models"


def studio_folder() -> Path:
    """Where the studio keeps a person's library; need not exist."""
    return (_found(platformdirs.user_data_path) or _temporary("data")) / "studio"


def _found(folder: Callable[..., Path]) -> Path | None:
    """A folder of the user by the rules of the system; None without a home."""
    try:
        found = folder(_NAME, appauthor=False)
    except RuntimeError:
        return None
    # Older versions of platformdirs would make a folder called "~" here.
    return found if found.is_absolute() else None


def _temporary(what: str) -> Path:
    # Not one folder for both: what lies in a folder of somebody else could be exchanged.
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir(), f"{_NAME}-{user}-{what}")
