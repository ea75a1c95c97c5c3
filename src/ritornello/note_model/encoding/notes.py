"""The `notes` encoding: one event, one row of five class indices, one recurrent step.

A piece is a list of events sorted by (onset, part, pitch). An event has the fields

    shift     ticks since the previous event, 24 a quarter note, 0 to `MAX_SHIFT`
    part      who plays: an instrument and its number (violin 1, violin 2, ...), or a special
    pitch     MIDI pitch, drum key, or tempo class, in one vocabulary
    duration  one of `DURATIONS` ticks
    velocity  one of 32 loudness classes

and there are three specials: TEMPO (its `pitch` is a tempo class), REST (two bars of 4/4 pass and
nothing starts) and END (at the bar line where the piece ends). Fields a special does not have
hold the NONE class of the field, which is an input only and never predicted.

Every piece has exactly one spelling: events are strictly ascending in (onset, part, pitch), a rest
is never followed by a shift of 0, and `legal_*` say so as masks, so that the likelihood of a
spelling is the likelihood of the piece.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from ritornello.errors import InputError
from ritornello.music.instruments import DRUMS, INSTRUMENTS
from ritornello.music.note_tables import NOTE_DTYPE
from ritornello.music.piece import KeyChange, Metre, Piece, Tempo, Track

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", np.ndarray, "Tensor")

NAME = "notes"
RESOLUTION = 24

# --- vocabulary --------------------------------------------------------------------------------

FIELDS = ("shift", "part", "pitch", "duration", "velocity")
SHIFT, PART, PITCH, DURATION, VELOCITY = range(5)

MAX_SHIFT = 192
PARTS_PER_INSTRUMENT = 4  # parts of one instrument told apart, as in violin 1 and violin 2
TEMPO = 0
FIRST_PART = 1
REST = FIRST_PART + len(INSTRUMENTS) * PARTS_PER_INSTRUMENT
END = REST + 1

DRUM_PITCH = 128  # first class of the drum keys
TEMPO_PITCH = 256  # first class of the tempi
TEMPO_CLASSES = 48
SLOWEST_BPM, FASTEST_BPM = 20.0, 320.0

# Exact up to a quarter note; then every duple and triple value; then ever coarser, up to 8 bars.
DURATIONS = np.array(
    sorted(
        {*range(1, 25)}
        | {*range(24, 49, 2)} | {*range(24, 49, 3)}
        | {*range(48, 97, 6)} | {*range(48, 97, 8)}
        | {*range(96, 193, 12)} | {*range(192, 385, 24)} | {*range(384, 769, 48)}
    )
)  # fmt: skip
_DRUM_TICKS = 6  # how long a drum stroke is written; its sound has its own length
VELOCITIES = 32

SIZES = (MAX_SHIFT + 1, END + 1, TEMPO_PITCH + TEMPO_CLASSES, len(DURATIONS), VELOCITIES)
NONE = SIZES  # NONE[field]: the input class of a field an event does not have
START = NONE[PART]  # before the first event


def fingerprint() -> str:
    """Changes whenever a class index changes its meaning; models store it and refuse another."""
    text = json.dumps(
        [
            NAME,
            RESOLUTION,
            SIZES,
            PARTS_PER_INSTRUMENT,
            DURATIONS.tolist(),
            [i.name for i in INSTRUMENTS],
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tempo_class(bpm: float) -> int:
    """The nearest of the tempo classes, which are about 6% apart.

    >>> tempo_bpm(tempo_class(121))
    125.0
    """
    position = np.log(bpm / SLOWEST_BPM) / np.log(FASTEST_BPM / SLOWEST_BPM)
    return int(np.clip(round(position * (TEMPO_CLASSES - 1)), 0, TEMPO_CLASSES - 1))


def tempo_bpm(index: int) -> float:
    """The tempo a class stands for, rounded to a whole number as people write it."""
    ratio = FASTEST_BPM / SLOWEST_BPM
    return float(round(SLOWEST_BPM * ratio ** (index / (TEMPO_CLASSES - 1))))


def part_of(instrument: int, number: int = 0) -> int:
    """Class of the part of an instrument with a number, from 0 on.

    Drums have one part; numbers beyond the last part of an instrument share it.
    """
    within = 0 if instrument == DRUMS else min(number, PARTS_PER_INSTRUMENT - 1)
    return FIRST_PART + instrument * PARTS_PER_INSTRUMENT + within


def instrument_of(part: int) -> int:
    """Index into `INSTRUMENTS` of a part that plays notes."""
    return (part - FIRST_PART) // PARTS_PER_INSTRUMENT


def is_note(part: np.ndarray) -> np.ndarray:
    """Whether part classes are of notes, and not END, REST or TEMPO; bool [...]."""
    return (part >= FIRST_PART) & (part < REST)


_NEAREST_DURATION = np.array(
    [int(np.abs(DURATIONS - ticks).argmin()) for ticks in range(int(DURATIONS[-1]) + 1)]
)


def duration_class(ticks: np.ndarray) -> np.ndarray:
    """Classes of the nearest durations to times in ticks, int [...]; see `DURATIONS`."""
    result: np.ndarray = _NEAREST_DURATION[np.clip(ticks, 0, DURATIONS[-1])]
    return result


# --- the part vocabulary as masks --------------------------------------------------------------

# Pitch classes a part may use, as a half-open range [low, high); REST and END use none.
PITCH_RANGE = np.zeros((END + 2, 2), np.int64)
PITCH_RANGE[TEMPO] = TEMPO_PITCH, TEMPO_PITCH + TEMPO_CLASSES
PITCH_RANGE[FIRST_PART:REST] = 0, 128
PITCH_RANGE[FIRST_PART : FIRST_PART + PARTS_PER_INSTRUMENT] = DRUM_PITCH, TEMPO_PITCH


class Previous(NamedTuple, Generic[Array]):
    """What legality depends on: the part and pitch class of the previous event; arrays [...]."""

    part: Array
    pitch: Array


class Ahead(NamedTuple, Generic[Array]):
    """The next given event, which no shift may pass, and the parts that are not composed for.

    Choosing its very tick and part means: nothing is composed before it. So the first two heads
    also say when nothing happens, and the likelihood of what is composed stays exact.

    Attributes:
        shift: int [...], ticks from the previous event to it; NONE where none is that near.
        part: int [...], its part.
        closed: bool [..., parts], the parts that are given, or left out.
        may_play: bool [..., parts], who may play at the event's onset by a plan; all where None.
    """

    shift: Array
    part: Array
    closed: Array
    may_play: Array | None = None


def _maker(array: Array) -> Any:
    """NumPy or torch, whichever an array is of: masks are made where their classes are."""
    return np if isinstance(array, np.ndarray | np.generic) else sys.modules["torch"]


def _classes(field: int, like: Array) -> Array:
    found: Array = _maker(like).arange(SIZES[field], device=like.device)
    return found


def _pitch_range(part: Array) -> Array:
    """The half-open range of pitch classes of parts [...]; int [..., 2]."""
    found: Array = _maker(part).asarray(PITCH_RANGE, device=part.device)[part]
    return found


def legal_shift_zero(previous: Previous[Array]) -> Array:
    """Whether an event may fall on the tick of the previous one; bool [...]."""
    last = (previous.part == REST - 1) & (previous.pitch == PITCH_RANGE[REST - 1, 1] - 1)
    result: Array = (previous.part == START) | ((previous.part < REST) & ~last)
    return result


def legal_parts(previous: Previous[Array], shift: Array) -> Array:
    """Parts that may follow; bool [..., parts]."""
    parts = _classes(PART, shift)
    top = previous.pitch == _pitch_range(previous.part)[..., 1] - 1
    first = previous.part + (top | (previous.part == TEMPO))
    floor = _maker(shift).where((shift == 0) & (previous.part != START), first, 0)
    legal: Array = parts >= floor[..., None]
    legal[..., REST] = shift == MAX_SHIFT
    legal[..., END] &= (shift > 0) | (previous.part == START)
    return legal


def legal_pitches(previous: Previous[Array], shift: Array, part: Array) -> Array:
    """Pitch classes the part may take; bool [..., pitches]."""
    pitches, range_ = _classes(PITCH, shift), _pitch_range(part)
    again = (shift == 0) & (part == previous.part)
    low = _maker(shift).where(again, previous.pitch + 1, range_[..., 0])
    result: Array = (pitches >= low[..., None]) & (pitches < range_[..., 1, None])
    return result


def legal(
    head: int,
    previous: Previous[Array],
    shift: Array,
    part: Array,
    ahead: Ahead[Array] | None = None,
) -> Array | None:
    """Classes a field may take, given the fields before it; bool [..., classes].

    None for the fields of which every class is legal: duration and velocity. Arrays are NumPy's or
    torch's, on any device; masks are of the same kind.
    """
    if head == SHIFT:
        zero = legal_shift_zero(previous)[..., None]
        classes = zero | (_classes(SHIFT, shift) > 0)
        return classes if ahead is None else _shifts_up_to(ahead, previous, classes)
    if head == PART:
        classes = legal_parts(previous, shift)
        return classes if ahead is None else _parts_up_to(ahead, shift, classes)
    return legal_pitches(previous, shift, part) if head == PITCH else None


def _shifts_up_to(ahead: Ahead[Array], previous: Previous[Array], classes: Array) -> Array:
    highest_open = _maker(classes).amax(_classes(PART, ahead.closed) * ~ahead.closed, -1)
    classes[..., 0] &= (previous.part <= highest_open) | (previous.part == START)
    classes[..., 0] |= ahead.shift == 0
    return classes & (_classes(SHIFT, classes) <= ahead.shift[..., None])


def _parts_up_to(ahead: Ahead[Array], shift: Array, classes: Array) -> Array:
    parts = _classes(PART, shift)
    there = (shift == ahead.shift)[..., None]
    given = there & (parts == ahead.part[..., None])
    reach = _maker(shift).where(there, ahead.part[..., None], END)
    rest = parts == REST
    composed = classes & ~ahead.closed & (parts <= reach)
    if ahead.may_play is not None:
        composed &= ahead.may_play
    result: Array = given | (composed & ~(rest & there)) | (classes & rest & ~there)
    return result


# --- encode ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Encoded:
    """A piece as events.

    Attributes:
        fields: int64 [events, 5], class indices; the last event is END.
        onsets_ticks: int64 [events], at 24 ticks a quarter.
        metres: the metre map at 24 ticks a quarter.
        length_ticks: the bar line where the piece ends.
    """

    fields: np.ndarray
    onsets_ticks: np.ndarray
    metres: tuple[Metre, ...]
    length_ticks: int


def encode(piece: Piece) -> Encoded:
    """Spell a piece as events.

    Onsets are rounded to 24 ticks a quarter, durations and velocities to their classes; a note is
    ended by the next one of its pitch in its part; the piece is filled up to a bar line.

    Raises:
        InputError: if the piece has no notes.
    """
    piece = piece.at_resolution(RESOLUTION)
    notes = _note_rows(piece)
    if not len(notes):
        raise InputError("A piece without notes has nothing to learn from.", where=piece.title)
    length = _fill_bar(piece)
    tempi = _tempo_rows(piece)
    end = np.array([[length, END, NONE[PITCH], NONE[DURATION], NONE[VELOCITY]]])
    rows = np.concatenate([tempi, notes, end])
    rows = rows[np.lexsort((rows[:, PITCH], rows[:, PART], rows[:, 0]))]
    rows = _insert_rests(rows)
    onsets = rows[:, 0].copy()
    rows[:, SHIFT] = np.diff(onsets, prepend=0)
    return Encoded(rows, onsets, piece.metres, length)


def _note_rows(piece: Piece) -> np.ndarray:
    """All notes as rows (onset, part, pitch, duration, velocity) in class indices, no two alike."""
    counts: dict[int, int] = {}
    tables = []
    for track in filter(len, piece.tracks):
        instrument = track.instrument
        part = part_of(instrument, counts.get(instrument, 0))
        counts[instrument] = counts.get(instrument, 0) + 1
        rows = np.empty((len(track), 5), np.int64)
        rows[:, 0] = track.notes["onset"]
        rows[:, PART] = part
        rows[:, PITCH] = track.notes["pitch"] + (DRUM_PITCH if track.is_drum else 0)
        rows[:, DURATION] = _DRUM_TICKS if track.is_drum else track.notes["duration"]
        rows[:, VELOCITY] = track.notes["velocity"] * VELOCITIES // 128
        tables.append(rows)
    rows = np.concatenate(tables) if tables else np.empty((0, 5), np.int64)
    # By part, pitch and onset; of notes alike in all three the longest and then the loudest stays.
    order = (-rows[:, VELOCITY], -rows[:, DURATION], rows[:, 0], rows[:, PITCH], rows[:, PART])
    rows = rows[np.lexsort(order)]
    rows = rows[np.diff(rows[:, :3], axis=0, prepend=-1).any(axis=1)]
    rows[:, DURATION] = _end_at_next(*rows[:, [PART, PITCH, 0, DURATION]].T)
    rows[:, DURATION] = duration_class(rows[:, DURATION])
    return rows


def _end_at_next(
    part: np.ndarray, pitch: np.ndarray, onset: np.ndarray, duration: np.ndarray
) -> np.ndarray:
    """Durations cut where the same pitch starts again in its part; rows by part, pitch, onset."""
    same_voice = (np.diff(part) == 0) & (np.diff(pitch) == 0)
    gap = np.where(same_voice, np.diff(onset), np.iinfo(np.int64).max)
    result: np.ndarray = np.minimum(
        duration, np.append(gap, np.iinfo(np.int64).max)[: len(duration)]
    )
    return result


def _tempo_rows(piece: Piece) -> np.ndarray:
    rows = []
    current = -1
    for tick, bpm in piece.tempos:
        index = tempo_class(bpm)
        if index != current and (tick < piece.length_ticks or tick == 0):
            pitch = TEMPO_PITCH + index
            rows.append((tick, TEMPO, pitch, NONE[DURATION], NONE[VELOCITY]))
            current = index
    return np.array(rows, np.int64)


def _fill_bar(piece: Piece) -> int:
    """The first bar line at or after the end of the piece."""
    last = piece.metres[-1]
    bar = last.bar_ticks(RESOLUTION)
    return last.tick + max(1, -(-(piece.length_ticks - last.tick) // bar)) * bar


def _insert_rests(rows: np.ndarray) -> np.ndarray:
    """Split each gap longer than `MAX_SHIFT` by REST events, `MAX_SHIFT` apart."""
    onsets = rows[:, 0]
    before = np.concatenate([[0], onsets[:-1]])
    counts = np.maximum(0, (onsets - before - 1) // MAX_SHIFT)
    if not counts.any():
        return rows
    pieces = []
    for index in np.flatnonzero(counts):
        ticks = before[index] + MAX_SHIFT * np.arange(1, counts[index] + 1)
        rest = np.tile([0, REST, NONE[PITCH], NONE[DURATION], NONE[VELOCITY]], (len(ticks), 1))
        rest[:, 0] = ticks
        pieces.append(rest)
    at = np.repeat(np.arange(len(rows)), counts)
    return np.insert(rows, at, np.concatenate(pieces), axis=0)


def instrumentation_of(encoded: Encoded) -> tuple[str, ...]:
    """The instrumentation of a piece: names of instruments in part order, one for each part."""
    parts = np.unique(encoded.fields[:, PART])
    return tuple(INSTRUMENTS[instrument_of(int(part))].name for part in parts[is_note(parts)])


# --- decode ------------------------------------------------------------------------------------


def decode(
    fields: np.ndarray,
    metres: tuple[Metre, ...] = (),
    keys: tuple[KeyChange, ...] = (),
    tempos: tuple[Tempo, ...] = (),
    title: str = "",
) -> Piece:
    """Events back to a piece at 24 ticks a quarter, melody first and drums last.

    Args:
        fields: int [events, 5]; END may be missing, then the piece ends with its last note.
        metres, keys, title: copied into the piece.
        tempos: exact tempi that replace the tempo events, if any are given.
    """
    fields = np.asarray(fields, np.int64)
    onsets = np.cumsum(fields[:, SHIFT])
    parts = fields[:, PART]
    if not tempos:
        changes = np.flatnonzero(parts == TEMPO)
        tempos = tuple(
            Tempo(int(onsets[i]), tempo_bpm(int(fields[i, PITCH]) - TEMPO_PITCH)) for i in changes
        )
    length = int(onsets[parts == END].max(initial=0))
    tracks = [
        _decode_part(fields[parts == part], onsets[parts == part], int(part), length)
        for part in sorted(set(parts[is_note(parts)].tolist()), key=_score_order)
    ]
    return Piece(
        tuple(tracks),
        RESOLUTION,
        tempos,
        metres,
        keys,
        length_ticks=length,
        title=title,
    )


def decode_by_part(fields: np.ndarray) -> dict[int, Track]:
    """Events as one track for each part class that plays, at 24 ticks a quarter.

    Args:
        fields: int [events, 5], as in the `notes` encoding; END may be missing.

    Returns:
        tracks by part class, in the order of a score: melody first, drums last.
    """
    fields = np.asarray(fields, np.int64)
    onsets, parts = np.cumsum(fields[:, SHIFT]), fields[:, PART]
    tracks = {}
    for part in np.unique(parts[is_note(parts)]).tolist():
        chosen = (parts == part) | (parts == END)
        rows = fields[chosen]
        rows[:, SHIFT] = np.diff(onsets[chosen], prepend=0)
        tracks[part] = decode(rows).tracks[0]
    order = sorted(tracks, key=lambda part: (-instrument_of(part), part))
    return {part: tracks[part] for part in order}


def _decode_part(fields: np.ndarray, onsets: np.ndarray, part: int, length_ticks: int) -> Track:
    instrument = INSTRUMENTS[instrument_of(part)]
    notes = np.empty(len(fields), NOTE_DTYPE)
    notes["onset"] = onsets
    by_pitch = np.lexsort((onsets, fields[:, PITCH]))
    ticks = DURATIONS[fields[by_pitch, DURATION]]
    ticks = _end_at_next(fields[by_pitch, PART], fields[by_pitch, PITCH], onsets[by_pitch], ticks)
    notes["duration"][by_pitch] = ticks
    if length_ticks:
        notes["duration"] = np.minimum(notes["duration"], length_ticks - onsets)
    notes["pitch"] = fields[:, PITCH] - (DRUM_PITCH if instrument.is_drum else 0)
    notes["velocity"] = np.maximum(1, fields[:, VELOCITY] * 128 // VELOCITIES + 2)
    number = (part - FIRST_PART) % PARTS_PER_INSTRUMENT
    name = instrument.name if number == 0 else f"{instrument.name} {number + 1}"
    return Track(notes, instrument.program, instrument.is_drum, name)


def _score_order(part: int) -> tuple[int, int]:
    """Melody instruments first, drums last, parts of one instrument in their order."""
    return -instrument_of(part), part
