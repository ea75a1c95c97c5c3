"""NumPy arrays of notes or of a piano-roll in, a piece out.

What a column means follows from its name, as libraries for music name them:

- ``onset_quarter`` and ``duration_quarter`` or ``onset_beat`` and ``duration_beat`` (partitura,
  where a beat is taken for a quarter note), ``onset_sec`` (partitura), ``start``, ``end`` in
  seconds (pretty_midi, note_seq), ``onset_div`` or ``onset_tick`` in ticks;
- plain ``onset``, ``time``, ``duration``, ``end`` or ``offset`` are ticks where they are whole
  numbers (symusic, `ritornello.music.piece.NOTE_DTYPE`) and quarter notes where they are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ritornello.errors import InputError
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import DEFAULT_RESOLUTION, DEFAULT_TEMPO_BPM, Piece, Tempo, Track

_PITCHES = 128
_DEFAULT_VELOCITY = 80
_STEPS_A_QUARTER = 24
_MOST_CELLS = 2**24
_COLUMNS = ("onset", "duration", "pitch", "velocity")
_PITCH_NAMES = ("pitch", "midi_pitch", "note", "midi")
_ONSET_NAMES = ("onset", "time", "start")
_END_NAMES = ("end", "offset")
# How names of columns end, what is written before what is played, and what it counts in.
_ENDINGS = {
    "_quarter": "quarters",
    "_quarters": "quarters",
    "_tick": "ticks",
    "_ticks": "ticks",
    "_div": "ticks",
    "_beat": "quarters",
    "_beats": "quarters",
    "_sec": "seconds",
    "_seconds": "seconds",
    "": "",
}
_KNOWN = "Name its columns onset, duration, pitch and, if known, velocity, program, is_drum, track."


def piece_of(
    array: np.ndarray | Mapping[str, Any],
    *,
    resolution: int | None = None,
    tempo_bpm: float = DEFAULT_TEMPO_BPM,
    program: int = 0,
    is_drum: bool = False,
) -> Piece:
    """The piece that an array of notes or a piano-roll means.

    Args:
        array: structured [notes] or a mapping of columns, see this module; numbers [notes, 3 or 4]
            as onset, duration, pitch, velocity; or a piano-roll [steps, 128], as pypianoroll has
            it, or [128, steps], as pretty_midi has it, of velocities or of True where a note
            sounds.
        resolution: ticks a quarter note, of a roll steps; None for a column ``divs_pq`` where there
            is one, else 480, of a roll 24.
        tempo_bpm: quarter notes a minute.
        program, is_drum: who plays, where no columns ``program`` and ``is_drum`` say it.

    Raises:
        InputError: if a column that is needed is missing, or a number is none or out of range.
    """
    if not isinstance(array, Mapping):
        array = np.asarray(array)
        if array.dtype.names is None and _PITCHES in array.shape and array.ndim == 2:
            notes = _roll_notes(array)
            steps = resolution or _STEPS_A_QUARTER
            length = array.shape[0] if array.shape[1] == _PITCHES else array.shape[1]
            track = Track(notes, program, is_drum)
            return Piece((track,), steps, (Tempo(0, tempo_bpm),), length_ticks=length)
    columns = _columns(array)
    pitch = _column(columns, _PITCH_NAMES)
    if resolution is None:
        stated = columns.get("divs_pq", columns.get("ticks_pq"))
        has_one = stated is not None and len(stated) > 0
        resolution = int(stated[0]) if stated is not None and has_one else DEFAULT_RESOLUTION
    onset, end = _times(columns, resolution, tempo_bpm)
    notes = np.zeros(len(pitch), NOTE_DTYPE)
    notes["onset"] = onset
    notes["duration"] = np.maximum(end - onset, 1)  # grace notes have no length of their own
    notes["pitch"] = _whole(pitch, "pitch", 0, 127)
    notes["velocity"] = _velocities(columns, len(pitch))
    tracks = _tracks(notes, columns, program, is_drum)
    return Piece(tracks, resolution, (Tempo(0, tempo_bpm),))


def _columns(array: np.ndarray | Mapping[str, Any]) -> dict[str, np.ndarray]:
    if isinstance(array, Mapping):
        columns = {str(name): np.asarray(values) for name, values in array.items()}
        if len({values.shape for values in columns.values()}) > 1:
            raise InputError("The columns of notes are not of one length.", next_step=_KNOWN)
        return columns
    if array.dtype.names is not None:
        return {name: array[name].ravel() for name in array.dtype.names}
    if array.ndim == 2 and array.shape[1] in (3, 4) and array.dtype.kind in "iuf":
        return dict(zip(_COLUMNS, array.T, strict=False))
    raise InputError(
        f"An array {list(array.shape)} of {array.dtype} is no notes and no piano-roll.",
        next_step=f"{_KNOWN} A piano-roll is [steps, 128] or [128, steps].",
    )


def _column(columns: dict[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray:
    for name in names:
        if name in columns:
            return columns[name]
    found = ", ".join(list(columns)[:12]) or "none"
    raise InputError(f"No column {names[0]} among those of the notes ({found}).", next_step=_KNOWN)


def _times(
    columns: dict[str, np.ndarray], resolution: int, tempo_bpm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Onsets and ends of notes in ticks, each rounded by itself."""
    for ending, unit in _ENDINGS.items():
        onset = _first(columns, _ONSET_NAMES, ending)
        length = _first(columns, ("duration",), ending)
        end = _first(columns, _END_NAMES, ending)
        if onset is None or (length is None and end is None):
            continue
        if not unit:
            given = [column for column in (onset, length, end) if column is not None]
            is_ticks = all(column.dtype.kind in "iub" for column in given)
            # pretty_midi and note_seq call seconds "start" and "end".
            is_seconds = "start" in columns and "end" in columns
            unit = "seconds" if is_seconds else "ticks" if is_ticks else "quarters"
        scale = {"quarters": resolution, "ticks": 1, "seconds": resolution * tempo_bpm / 60}[unit]
        begin = _numbers(onset, "of onsets")
        stop = begin + _numbers(length, "duration") if length is not None else None
        if stop is None and end is not None:
            stop = _numbers(end, "of ends")
        if stop is not None:
            return _ticks(begin, stop, scale)
    found = ", ".join(list(columns)[:12]) or "none"
    raise InputError(
        f"No onsets and durations of one unit among the columns of the notes ({found}).",
        next_step=_KNOWN,
    )


def _first(columns: dict[str, np.ndarray], names: tuple[str, ...], end: str) -> np.ndarray | None:
    return next((columns[name + end] for name in names if name + end in columns), None)


def _ticks(begin: np.ndarray, stop: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    if len(begin) and (begin.min() < 0 or (stop < begin).any() or stop.max() * scale > 2**40):
        raise InputError(
            f"Notes lie at 0 or later and end after they began; found {begin.min():g} to "
            f"{stop.max():g}.",
            next_step="Move all notes so that the first bar begins at 0.",
        )
    return np.rint(begin * scale).astype(np.int64), np.rint(stop * scale).astype(np.int64)


def _numbers(column: np.ndarray, name: str) -> np.ndarray:
    try:
        values: np.ndarray = column.astype(float)
    except (TypeError, ValueError) as error:
        raise InputError(f"The column {name} holds no numbers ({column.dtype}).") from error
    if not np.isfinite(values).all():
        raise InputError(f"The column {name} holds values that are no numbers.")
    return values


def _whole(column: np.ndarray, name: str, low: int, high: int) -> np.ndarray:
    values = np.rint(_numbers(column, name))
    if len(values) and (values.min() < low or values.max() > high):
        raise InputError(
            f"A {name} is {low} to {high}; found {values.min():g} to {values.max():g}."
        )
    result: np.ndarray = values.astype(np.int64)
    return result


def _velocities(columns: dict[str, np.ndarray], count: int) -> np.ndarray:
    if "velocity" not in columns:
        return np.full(count, _DEFAULT_VELOCITY)
    values = columns["velocity"]
    # Some libraries count loudness from 0 to 1.
    is_share = values.dtype.kind == "f" and len(values) and 0 < values.max() <= 1
    loudness = _whole(values * 127 if is_share else values, "velocity", 0, 127)
    return loudness.clip(1)


def _tracks(
    notes: np.ndarray, columns: dict[str, np.ndarray], program: int, is_drum: bool
) -> tuple[Track, ...]:
    """A track for each value of the columns that tell who plays, in the order they first sound."""
    names = _first(columns, ("track", "part", "instrument"), "")
    programs = _whole(columns["program"], "program", 0, 127) if "program" in columns else None
    drums = _whole(columns["is_drum"], "is_drum", 0, 1) if "is_drum" in columns else None
    who: dict[tuple[Any, int, bool], list[int]] = {}
    for row in range(len(notes)):
        key = (
            None if names is None else names[row],
            program if programs is None else int(programs[row]),
            is_drum if drums is None else bool(drums[row]),
        )
        who.setdefault(key, []).append(row)
    if not who:
        return (Track(notes, program, is_drum),)
    return tuple(
        Track(notes[rows], own, drum, name if isinstance(name, str) else "")
        for (name, own, drum), rows in who.items()
    )


def _roll_notes(roll: np.ndarray) -> np.ndarray:
    """Notes in a piano-roll: runs of steps of one velocity, of True `_DEFAULT_VELOCITY`."""
    if roll.dtype.kind not in "biuf":
        raise InputError(f"A piano-roll holds velocities or truth values; found {roll.dtype}.")
    if roll.shape[1] != _PITCHES:
        roll = roll.T
    if roll.size > _MOST_CELLS * 8:
        raise InputError(f"A piano-roll of {len(roll):,} steps; at most {_MOST_CELLS // 16:,} fit.")
    values = _numbers(roll, "of the piano-roll")
    if values.size and (values.min() < 0 or values.max() > 127):
        raise InputError(
            f"A velocity is 0 to 127; found {values.min():g} to {values.max():g} in the roll."
        )
    if values.size and values.max() <= 1:  # of truth values, or loudness from 0 to 1
        is_share = bool(((values > 0) & (values < 1)).any())
        values = values * 127 if is_share else values * _DEFAULT_VELOCITY
    cells = np.where(values > 0, np.maximum(np.rint(values), 1), 0).astype(np.int16).T
    edges = np.zeros((_PITCHES, cells.shape[1] + 1), bool)
    edges[:, 1:-1] = cells[:, 1:] != cells[:, :-1]
    edges[:, 0] = edges[:, -1] = True
    pitch, at = np.nonzero(edges)
    same = pitch[1:] == pitch[:-1]
    first = np.nonzero(same)[0]
    velocity = cells[pitch[first], at[first]]
    first, velocity = first[velocity > 0], velocity[velocity > 0]
    notes = np.zeros(len(first), NOTE_DTYPE)
    notes["onset"], notes["duration"] = at[first], at[first + 1] - at[first]
    notes["pitch"], notes["velocity"] = pitch[first], velocity
    return notes
