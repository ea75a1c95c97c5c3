"""A model that is told no plans, made one that is: its new inputs say nothing at first.

The rows of the tables that read a plan (`encoding.bar_plan`) are all zero, so the new model gives
every piece the very distributions that the old one gives it, and training goes on from there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ritornello.note_model.checkpoint import Checkpoint
from ritornello.note_model.encoding.bar_plan import PLAN_CONTEXT, PLAN_MEMORY, PLAYS_COLUMNS
from ritornello.note_model.encoding.context import CONTEXT
from ritornello.note_model.encoding.tables import HEAD_INPUTS, table_sizes


def add_plan_inputs(model: Checkpoint) -> Checkpoint:
    """A model of equal function whose network is told plans; itself, if it is told them already."""
    if model.network.get("plan", False):
        return model
    weights = dict(model.weights)
    weights["embed.table.weight"] = _insert_rows(
        weights["embed.table.weight"], sum(CONTEXT.values()), sum(PLAN_CONTEXT.values())
    )
    sizes = table_sizes()
    for head, names in enumerate(HEAD_INPUTS):
        if "memory" in names:  # the plan's columns follow those of memory
            place = sum(sum(sizes[name]) for name in names[: names.index("memory") + 1])
            table = f"heads.{head}.lookup.table.weight"
            weights[table] = _insert_rows(weights[table], place, sum(PLAN_MEMORY.values()))
    width = len(weights["norm.weight"])
    weights["plays.weight"] = np.zeros((width, PLAYS_COLUMNS), np.float32)
    return replace(model, weights=weights, network={**model.network, "plan": True})


def _insert_rows(table: np.ndarray, place: int, count: int) -> np.ndarray:
    """A table [rows, width] with rows of zeros before the row at a place."""
    return np.insert(table, place, np.zeros((count, table.shape[1]), table.dtype), axis=0)
