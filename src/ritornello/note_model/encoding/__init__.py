"""Pieces as arrays a network can learn, and back. No torch here.

Each encoding is one file that holds its vocabulary, its encode and decode, and the masks that say
which events may follow which. `ENCODINGS` names them; the contract tests run over all of them.
"""

from __future__ import annotations

import importlib
from typing import Any

ENCODINGS: dict[str, str] = {"notes": "ritornello.note_model.encoding.notes"}


def load_encoding(name: str) -> Any:
    """The module of a registered encoding."""
    return importlib.import_module(ENCODINGS[name])
