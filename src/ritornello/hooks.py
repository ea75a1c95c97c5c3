"""What upper rooms lend to the values below them: `Piece.save` needs every format there is.

A `Piece` is the public value of the package, so people expect it to save, play and show itself;
but it lies at the bottom, and what writes sound and pictures lies above it. The package's
`__init__`, which always runs first, names who does it; `lent` fetches it when it is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

_LENT: dict[str, str] = {}


def lend(name: str, where: str) -> None:
    """Say which function does what is asked for by a name: "module:function"."""
    _LENT[name] = where


def lent(name: str) -> Callable[..., Any]:
    """The function that was lent under a name, its module imported now.

    Raises:
        LookupError: if nobody lent it.
    """
    module, function = _LENT[name].split(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found
