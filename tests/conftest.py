"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of music sets, or a skip that says how to provide it."""
    root = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("RITORNELLO_DATA", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the music sets; none at {folder} (set RITORNELLO_DATA)")
    return folder
