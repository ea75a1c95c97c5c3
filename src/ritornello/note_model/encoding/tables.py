"""Which tables of class indices the note model reads, and where; training and playing share it."""

from __future__ import annotations

import numpy as np

from ritornello.note_model.encoding import context, piece_controls
from ritornello.note_model.encoding.notes import FIELDS, SIZES

# What each head sees beside the state: fields chosen before it, and computed tables.
HEAD_INPUTS: tuple[tuple[str, ...], ...] = (
    (),
    ("shift", "place"),
    ("part", "place", "memory"),
    ("part", "pitch", "place", "memory", "echo"),
    ("part", "pitch", "duration", "place", "memory", "echo"),
)


def head_columns(head: int) -> list[int]:
    """Number of classes of each column that a head sees, in order."""
    tables = {
        "place": [*context.PLACE.values()],
        "memory": [*context.MEMORY.values()],
        "echo": [*context.ECHO.values()],
        **{name: [size + 1] for name, size in zip(FIELDS, SIZES, strict=True)},
    }
    return [size for name in HEAD_INPUTS[head] for size in tables[name]]


def context_columns(collections: int) -> list[int]:
    """Number of classes of each column that the network reads: `CONTEXT`, then the controls."""
    return [*context.CONTEXT.values(), *piece_controls.sizes(collections).values()]


def column_offsets(sizes: list[int]) -> np.ndarray:
    """Row of a shared embedding table at which each column starts."""
    return np.cumsum([0, *sizes[:-1]])
