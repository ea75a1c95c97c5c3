"""Which tables of class indices the note model reads, and where; training and playing share it."""

from __future__ import annotations

import numpy as np

from ritornello.note_model.encoding import bar_plan, context, piece_controls
from ritornello.note_model.encoding.notes import FIELDS, SIZES

# What each head sees beside the state: fields chosen before it, and computed tables.
HEAD_INPUTS: tuple[tuple[str, ...], ...] = (
    (),
    ("shift", "place"),
    ("part", "place", "memory"),
    ("part", "pitch", "place", "memory", "echo"),
    ("part", "pitch", "duration", "place", "memory", "echo"),
)


def table_sizes(*, plan: bool = False) -> dict[str, list[int]]:
    """Number of classes of each column of the tables that `HEAD_INPUTS` names.

    Args:
        plan: whether the model is told plans.
    """
    return {
        "place": [*context.PLACE.values()],
        "memory": [*context.MEMORY.values(), *(bar_plan.PLAN_MEMORY.values() if plan else ())],
        "echo": [*context.ECHO.values()],
        **{name: [size + 1] for name, size in zip(FIELDS, SIZES, strict=True)},
    }


def head_columns(head: int, *, plan: bool = False) -> list[int]:
    """Number of classes of each column that a head sees, in order."""
    tables = table_sizes(plan=plan)
    return [size for name in HEAD_INPUTS[head] for size in tables[name]]


def event_columns(*, plan: bool = False) -> list[int]:
    """Number of classes of each column read with an event: `CONTEXT`, then those of the plan."""
    return [*context.CONTEXT.values(), *(bar_plan.PLAN_CONTEXT.values() if plan else ())]


def context_columns(collections: int, *, plan: bool = False) -> list[int]:
    """Number of classes of each column that the network reads: of the event, then the controls."""
    return [*event_columns(plan=plan), *piece_controls.sizes(collections).values()]


def column_offsets(sizes: list[int]) -> np.ndarray:
    """Row of a shared embedding table at which each column starts."""
    return np.cumsum([0, *sizes[:-1]])
