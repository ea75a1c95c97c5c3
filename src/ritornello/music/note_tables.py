"""Notes, controllers, bends and pressures as NumPy tables: their columns, order and limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from ritornello.errors import InputError

NOTE_DTYPE = np.dtype(
    [("onset", np.int64), ("duration", np.int64), ("pitch", np.int16), ("velocity", np.int16)]
)
CONTROL_DTYPE = np.dtype([("tick", np.int64), ("number", np.int16), ("value", np.int16)])
BEND_DTYPE = np.dtype([("tick", np.int64), ("value", np.int16)])
PRESSURE_DTYPE = np.dtype([("tick", np.int64), ("pitch", np.int16), ("value", np.int16)])
ALL_PITCHES = -1  # in place of the pitch of a pressure: of the whole channel
Rows: TypeAlias = np.ndarray | Iterable[Sequence[int]]  # of notes or changes, sorted or not
_MAX_TICKS = 2**40
_TICK_LIMITS = ("tick", 0, _MAX_TICKS)
NOTE_LIMITS = (
    ("onset", 0, _MAX_TICKS),
    ("duration", 1, _MAX_TICKS),
    ("pitch", 0, 127),
    ("velocity", 1, 127),
)
PLAYING = {
    "controls": (CONTROL_DTYPE, (_TICK_LIMITS, ("number", 0, 127), ("value", 0, 127))),
    "bends": (BEND_DTYPE, (_TICK_LIMITS, ("value", -8192, 8191))),
    "pressures": (PRESSURE_DTYPE, (_TICK_LIMITS, ("pitch", -1, 127), ("value", 0, 127))),
}


def note_table(notes: Rows) -> np.ndarray:
    """Rows of (onset, duration, pitch, velocity) as a sorted, read-only `NOTE_DTYPE` array."""
    if isinstance(notes, np.ndarray) and notes.dtype == NOTE_DTYPE:
        table = notes.copy()
    else:
        table = np.array([tuple(note) for note in notes], dtype=NOTE_DTYPE)
    table = table[note_order(table)]
    table.flags.writeable = False
    result: np.ndarray = table
    return result


def note_order(table: np.ndarray) -> np.ndarray:
    """Indices that sort a `NOTE_DTYPE` table by (onset, pitch, duration, velocity), stably."""
    return np.lexsort([table[key] for key in ("velocity", "duration", "pitch", "onset")])


def event_table(events: Rows, dtype: np.dtype) -> np.ndarray:
    """Rows that begin with a tick as a read-only array, in order of time; ties keep their order."""
    if isinstance(events, np.ndarray) and events.dtype == dtype:
        if not events.flags.writeable:
            return events  # it went through here before
        table = events.copy()
    else:
        table = np.array([tuple(event) for event in events], dtype=dtype)
    if len(table) > 1 and (np.diff(table["tick"]) < 0).any():
        table = table[np.argsort(table["tick"], kind="stable")]
    table.flags.writeable = False
    return table


NO_CONTROLS, NO_BENDS, NO_PRESSURES = (event_table((), dtype) for dtype, _ in PLAYING.values())


def check_limits(
    table: np.ndarray, limits: Iterable[tuple[str, int, int]], whose: str, where: str
) -> None:
    """Refuse a table with a value outside the limits of its column.

    Args:
        limits: name of a column, its least and its greatest value.

    Raises:
        InputError: that names the first such value.
    """
    for name, low, high in limits:
        wrong = (table[name] < low) | (table[name] > high)
        if wrong.any():
            found = int(table[name][wrong][0])
            raise InputError(f"{whose} {name} is {low} to {high}; found {found}.", where=where)
