"""The velocity roll of `groovybee2018`: each part alone, a velocity for every pitch and tick.

A roll is a matrix [ticks, 128] (the report writes it pitches x ticks): the velocity of the note
that sounds, 0 for none. The ticks in which its part is silent are removed. So parts no longer run
together, and nothing tells a held note from a repeated one. `losses` counts what that costs, and
`sizes` what keeping the silence would cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ritornello.errors import InputError
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import Piece, Tempo, Track

PITCHES = 128
_MOST_TICKS = 2**21  # of one roll, 256 MiB; more is a file with a stray event


@dataclass(frozen=True, eq=False)
class Roll:
    """One part.

    Attributes:
        velocities: uint8 [ticks, 128]. program, is_drum, name: as in `Track`.
    """

    velocities: np.ndarray
    program: int = 0
    is_drum: bool = False
    name: str = ""


class Losses(NamedTuple):
    """What becomes of the notes of a piece, counted; of several pieces the counts add up.

    notes: before. off_grid: moved because they begin or end between two ticks.
    doubled: dropped because a note of their pitch begins on the same tick.
    tied: joined to the note before them, of their pitch and velocity, which they follow at once.
    joined: likewise, once the silence between the two was removed.
    ticks: of all parts up to the end of the piece. silent_ticks: those removed.
    tempos: tempo marks, all lost.
    """

    notes: int
    off_grid: int
    doubled: int
    tied: int
    joined: int
    ticks: int
    silent_ticks: int
    tempos: int

    @property
    def left(self) -> int:
        """Notes that `decode` gives back."""
        return self.notes - self.doubled - self.tied - self.joined


def encode(piece: Piece, ticks_per_quarter: int, *, keep_silence: bool = False) -> list[Roll]:
    """The parts of a piece that have notes; a note lasts a tick at least.

    A note ends where the next one of its pitch begins; of two that begin together the louder
    stays.

    Raises:
        InputError: if a part is too long for a matrix.
    """
    piece = piece.at_resolution(ticks_per_quarter)
    rolls = []
    for track in filter(len, piece.tracks):
        table = _one_per_cell(track.notes)
        table = table if keep_silence else _close_gaps(table)
        length = piece.length_ticks if keep_silence else _end(table)
        if length > _MOST_TICKS:
            raise InputError(
                f"{length:,} ticks of {track.label}; at most {_MOST_TICKS:,} fit a velocity roll.",
                where=piece.title,
                next_step="Look for a stray event far after the end, or split the file.",
            )
        roll = np.zeros((length, PITCHES), np.uint8)
        durations = table["duration"]
        first = np.repeat(table["onset"] - np.cumsum(durations) + durations, durations)
        ticks = first + np.arange(len(first))
        roll[ticks, np.repeat(table["pitch"], durations)] = np.repeat(table["velocity"], durations)
        rolls.append(Roll(roll, track.program, track.is_drum, track.name))
    return rolls


def decode(rolls: Iterable[Roll], ticks_per_quarter: int, *, bpm: float = 120.0) -> Piece:
    """Rolls as the tracks of one piece that all begin together; a run of one velocity is a note.

    Args:
        bpm: of the piece; a roll does not know its tempo.
    """
    rolls = list(rolls)
    tracks = tuple(
        Track(_runs(roll.velocities), roll.program, roll.is_drum, roll.name) for roll in rolls
    )
    length = max((len(roll.velocities) for roll in rolls), default=0)
    return Piece(tracks, ticks_per_quarter, (Tempo(0, bpm),), length_ticks=length)


def hold_velocities(velocities: np.ndarray) -> np.ndarray:
    """A roll whose notes keep the velocity they begin with, uint8 [ticks, 128].

    A network's velocities waver from tick to tick, and `decode` would begin a note at each change.
    """
    active = velocities > 0
    begins = active & ~np.pad(active, ((1, 0), (0, 0)))[:-1]
    ticks = np.arange(len(velocities))[:, None]
    begun = np.maximum.accumulate(np.where(begins, ticks, 0), axis=0)
    return np.where(active, np.take_along_axis(velocities, begun, axis=0), 0).astype(np.uint8)


def losses(piece: Piece, ticks_per_quarter: int) -> Losses:
    """What a piece loses on its way to rolls without silence and back."""
    gridded = piece.at_resolution(ticks_per_quarter)
    # Ticks of the piece that fall on its new grid are multiples of this.
    step_ticks = piece.resolution // math.gcd(piece.resolution, ticks_per_quarter)
    doubled = tied = joined = silent = 0
    sounding = [track for track in gridded.tracks if len(track)]
    for track in sounding:
        table = _one_per_cell(track.notes)
        closed = _close_gaps(table)
        doubled += len(track) - len(table)
        tied += _ties(table)
        joined += _ties(closed) - _ties(table)
        silent += gridded.length_ticks - _end(closed)
    return Losses(
        notes=piece.note_count,
        off_grid=sum(_off_grid(track, step_ticks) for track in piece.tracks),
        doubled=doubled,
        tied=tied,
        joined=joined,
        ticks=gridded.length_ticks * len(sounding),
        silent_ticks=silent,
        tempos=len(piece.tempos),
    )


def sizes(found: Losses) -> tuple[int, int]:
    """Bytes of the rolls at one byte a cell: without the silent ticks, and with them."""
    return (found.ticks - found.silent_ticks) * PITCHES, found.ticks * PITCHES


def _one_per_cell(notes: np.ndarray) -> np.ndarray:
    """Notes by pitch and onset, of which no two sound in one cell."""
    notes = notes[np.lexsort((-notes["velocity"], notes["onset"], notes["pitch"]))]
    same_pitch = np.diff(notes["pitch"]) == 0
    first = np.concatenate([[True], ~(same_pitch & (np.diff(notes["onset"]) == 0))])
    notes = notes[first]
    same_pitch = np.diff(notes["pitch"]) == 0
    durations = notes["duration"][:-1]
    notes["duration"][:-1] = np.where(
        same_pitch, np.minimum(durations, np.diff(notes["onset"])), durations
    )
    return notes


def _close_gaps(table: np.ndarray) -> np.ndarray:
    """The same notes, moved to earlier ticks so that no silence is left."""
    order = np.argsort(table["onset"], kind="stable")
    onsets = table["onset"][order]
    ends = np.maximum.accumulate(onsets + table["duration"][order])
    gaps = np.maximum(0, onsets - np.concatenate([[0], ends[:-1]]))
    closed = table.copy()
    closed["onset"][order] = onsets - np.cumsum(gaps)
    return closed


def _ties(table: np.ndarray) -> int:
    """Notes that a run of their velocity swallows; the table as `_one_per_cell` gives it."""
    ends = table["onset"] + table["duration"]
    follows = (np.diff(table["pitch"]) == 0) & (table["onset"][1:] == ends[:-1])
    return int((follows & (np.diff(table["velocity"]) == 0)).sum())


def _end(table: np.ndarray) -> int:
    return int((table["onset"] + table["duration"]).max())


def _runs(velocities: np.ndarray) -> np.ndarray:
    """Runs of one velocity as `NOTE_DTYPE` rows."""
    padded = np.pad(velocities.T, ((0, 0), (1, 1)))
    changes = padded[:, 1:] != padded[:, :-1]
    pitches, onsets = np.nonzero(changes & (padded[:, 1:] > 0))
    ends = np.nonzero(changes & (padded[:, :-1] > 0))[1]
    notes = np.empty(len(onsets), NOTE_DTYPE)
    notes["onset"], notes["duration"], notes["pitch"] = onsets, ends - onsets, pitches
    notes["velocity"] = padded[pitches, onsets + 1]
    return notes


def _off_grid(track: Track, step_ticks: int) -> int:
    """Notes that begin or end off a multiple of a step."""
    onsets = track.notes["onset"]
    ends = onsets + track.notes["duration"]
    return int(((onsets % step_ticks > 0) | (ends % step_ticks > 0)).sum())
