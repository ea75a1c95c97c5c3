"""Bars of endless music as a piece."""

from __future__ import annotations

from typing import Any

import numpy as np

from ritornello.errors import InputError
from ritornello.generation.session.moment import Remembered
from ritornello.generation.writer import Event
from ritornello.music.piece import Metre, Piece, Tempo
from ritornello.note_model.encoding import notes
from ritornello.note_model.encoding.notes import END, FIRST_PART, NONE, PART, PITCH, REST, SHIFT


def piece_of(
    events: Remembered,
    start_ticks: int,
    end_ticks: int,
    tempos: tuple[Tempo, ...],
    metres: tuple[Metre, ...],
) -> Piece:
    """Events as a piece; what sounds on at its end is cut.

    Args:
        events: of the bars. start_ticks, end_ticks: bar lines.
        tempos, metres: of all the music.

    Raises:
        InputError: if there are no notes among the events.
    """
    if not any(is_note(event) for _, event in events):
        raise InputError("No note has been played in these bars.", next_step="Play some first.")
    onsets = np.array([onset for onset, _ in events]) - start_ticks
    onsets = np.append(onsets, end_ticks - start_ticks)
    fields = np.array([*(event for _, event in events), (0, END, *NONE[PITCH:])])
    fields[:, SHIFT] = np.diff(onsets, prepend=0)
    there = [Tempo(*tempo) for tempo in _from(tempos, start_ticks)]
    bars = [Metre(*metre) for metre in _from(metres, start_ticks)]
    return notes.decode(fields, tuple(bars), tempos=tuple(there))


def is_note(event: Event) -> bool:
    """Whether an event is a note, and no rest, tempo or end."""
    return FIRST_PART <= event[PART] < REST


def _from(changes: tuple[Any, ...], start_ticks: int) -> list[tuple[Any, ...]]:
    """Changes from a tick on, counted from it, with the one in force there."""
    before = [change for change in changes if change.tick <= start_ticks]
    after = [change for change in changes if change.tick > start_ticks]
    moved = [(change.tick - start_ticks, *change[1:]) for change in after]
    return [(0, *before[-1][1:]), *moved] if before else moved
