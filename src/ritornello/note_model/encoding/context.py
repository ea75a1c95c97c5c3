"""What a composer always knows: inputs that are computed from the events so far, never predicted.

Four tables of class indices go with the events of the `notes` encoding, in the order in which a
composer comes to know them:

    context  before the event: the previous event, its place in the bar, bars done and left, metre,
             tempo, what came next at this place one, two and four bars ago (the lookback), how many
             notes its part has struck together, the next given event, the stated chords, and what
             followed where the last events stood before
    place    once the shift is chosen: the place in the bar and the bars left at the new onset,
             which pitch classes sound there and which given ones follow soon, and the chords there
    memory   once the part is chosen: the last pitch, duration and velocity of that part, what it
             played at this very onset one, two and four bars ago, the given notes to come in it,
             and the pitch its last steps led to where they stood before
    echo     once the pitch is chosen: the last duration and velocity of that pitch in that part

`compute` makes them for a whole piece at once, `note_model.encoding.tracker.Tracker` one event at
a time; a test proves the two equal. `CONTEXT`, `PLACE`, `MEMORY` and `ECHO` give the columns with
the number of classes. `note_model.encoding.given` tells what a composer sees of given notes and
`ritornello.note_model.encoding.matching` what repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ritornello.note_model.encoding import given, matching
from ritornello.note_model.encoding.bar_grid import (
    BARS_LEFT_UNKNOWN,
    DONE_EDGES,
    LONGEST_BAR_TICKS,
    METRES,
    PHRASE_BARS,
    Grid,
)
from ritornello.note_model.encoding.bar_plan import BarPlan
from ritornello.note_model.encoding.given import (
    CHORD_COLUMN_SIZE,
    COMING_BARS,
    PITCH_CLASSES,
    Given,
)
from ritornello.note_model.encoding.matching import previous_alike
from ritornello.note_model.encoding.notes import (
    DRUM_PITCH,
    DURATION,
    DURATIONS,
    FIELDS,
    MAX_SHIFT,
    NONE,
    PART,
    PITCH,
    SHIFT,
    SIZES,
    TEMPO,
    TEMPO_CLASSES,
    TEMPO_PITCH,
    Encoded,
    is_note,
)

_INPUT_SIZES = [size + 1 for size in SIZES]  # with NONE
CHORD_SIZES = 16
TEMPO_UNKNOWN = TEMPO_CLASSES
LOOKBACK_BARS = (1, 2, 4)

_PLACE = {
    "bar_position": LONGEST_BAR_TICKS,
    "beat_position": 48,
    "bar_in_phrase": PHRASE_BARS,
    "bars_left": BARS_LEFT_UNKNOWN + 1,
}
_CHORDS = {"chord": CHORD_COLUMN_SIZE, "next_chord": CHORD_COLUMN_SIZE}
PLACE: dict[str, int] = {
    **_PLACE,
    **{f"sounds_{pc}": 2 for pc in range(PITCH_CLASSES)},
    **{f"soon_{pc}": 2 for pc in range(PITCH_CLASSES)},
    **_CHORDS,
}
CONTEXT: dict[str, int] = {
    **{f"previous_{name}": size for name, size in zip(FIELDS, _INPUT_SIZES, strict=True)},
    **_PLACE,
    "bars_done": len(DONE_EDGES) + 1,
    "metre": len(METRES) + 1,
    "tempo": TEMPO_CLASSES + 1,
    **{
        f"{name}_{bars}_bars_ago": size
        for bars in LOOKBACK_BARS
        for name, size in zip(FIELDS, _INPUT_SIZES, strict=True)
    },
    "chord_size": CHORD_SIZES,
    **{f"ahead_{FIELDS[field]}": _INPUT_SIZES[field] for field in given.AHEAD},
    **_CHORDS,
    **{f"matched_{name}": size for name, size in zip(FIELDS, _INPUT_SIZES, strict=True)},
    "matched": 3,
}
MEMORY: dict[str, int] = {
    **dict(zip(FIELDS[PITCH:], _INPUT_SIZES[PITCH:], strict=True)),
    **{f"pitch_{bars}_bars_ago": _INPUT_SIZES[PITCH] for bars in LOOKBACK_BARS},
    "coming_pitch": _INPUT_SIZES[PITCH],
    **{f"pitch_{bars}_bars_ahead": _INPUT_SIZES[PITCH] for bars in COMING_BARS},
    "matched_pitch": _INPUT_SIZES[PITCH],
}
ECHO: dict[str, int] = dict(zip(FIELDS[PITCH + 1 :], _INPUT_SIZES[PITCH + 1 :], strict=True))

CONTEXT_COLUMN = {name: index for index, name in enumerate(CONTEXT)}
PLACE_COLUMN = {name: index for index, name in enumerate(PLACE)}


@dataclass(frozen=True)
class Inputs:
    """The computed inputs of a piece; int64 [events, columns] each."""

    context: np.ndarray
    place: np.ndarray
    memory: np.ndarray
    echo: np.ndarray


def compute(
    encoded: Encoded,
    known: np.ndarray | None = None,
    seen: Given | None = None,
    told: BarPlan | None = None,
) -> Inputs:
    """All computed inputs of a piece at once.

    Args:
        encoded: the piece.
        known: bool [events], which events are given; none where None.
        seen: the same events with the stated chords; nothing where None.
        told: the plan; where there is one, its columns follow those of `CONTEXT` and `MEMORY`.
    """
    fields, onsets = encoded.fields, encoded.onsets_ticks
    known = np.zeros(len(fields), bool) if known is None else known
    seen = Given.nothing() if seen is None else seen
    grid = Grid(encoded.metres, encoded.length_ticks)
    place, rest, bar_length = grid.locate(onsets)
    start_place, start_rest, start_bar = grid.locate(np.zeros(1, np.int64))

    previous = np.concatenate([[NONE], fields[:-1]])
    previous[0, SHIFT] = 0
    before = np.concatenate([[0], onsets[:-1]])
    context = [
        previous,
        np.concatenate([start_place, place[:-1]]),
        np.concatenate([start_rest, rest[:-1]]),
        _tempo_before(fields)[:, None],
        *_lookbacks(fields, onsets, previous, before, np.concatenate([start_bar, bar_length[:-1]])),
    ]
    context += [
        _chord_sizes(fields)[:, None],
        given.ahead(known, fields, onsets),
        seen.chords(before),
        matching.follow_stream(fields),
    ]
    if told is not None:
        context.append(told.context(fields, onsets, previous, before))
    same_part = previous_alike(fields[:, PART])
    last_of_part = np.where(same_part[:, None] < 0, NONE[PITCH:], fields[same_part, PITCH:])
    then = _part_lookbacks(fields, onsets, previous, bar_length)
    memory = [
        last_of_part,
        then,
        seen.coming(onsets, fields[:, PART], bar_length),
        matching.follow_voices(fields, onsets)[:, None],
    ]
    if told is not None:
        memory.append(told.memory(fields, onsets, previous))
    same_voice = previous_alike(fields[:, PART] * (NONE[PITCH] + 1) + fields[:, PITCH])
    return Inputs(
        np.concatenate(context, axis=1),
        np.concatenate(
            [
                place,
                _sounding(fields, onsets) | seen.sounds(onsets),
                seen.soon(onsets),
                seen.chords(onsets),
            ],
            axis=1,
        ),
        np.concatenate(memory, axis=1),
        np.where(same_voice[:, None] < 0, NONE[PITCH + 1 :], fields[same_voice, PITCH + 1 :]),
    )


def _tempo_before(fields: np.ndarray) -> np.ndarray:
    """Tempo class in force before each event, int64 [events]."""
    changes = np.where(fields[:, PART] == TEMPO, np.arange(len(fields)), -1)
    latest = np.concatenate([[-1], np.maximum.accumulate(changes)[:-1]])
    return np.where(latest < 0, TEMPO_UNKNOWN, fields[latest, PITCH] - TEMPO_PITCH)


def _chord_sizes(fields: np.ndarray) -> np.ndarray:
    """Notes that the part of the event before each event has struck on its tick, int64 [events]."""
    index = np.arange(len(fields))
    begins = (fields[:, SHIFT] > 0) | (np.diff(fields[:, PART], prepend=-1) != 0)
    size = 1 + index - np.maximum.accumulate(np.where(begins, index, 0))
    return np.concatenate([[0], np.minimum(size[:-1], CHORD_SIZES - 1)])


def _lookbacks(
    fields: np.ndarray,
    onsets: np.ndarray,
    previous: np.ndarray,
    before: np.ndarray,
    bar_length: np.ndarray,
) -> list[np.ndarray]:
    """For each distance, the note that followed the same place that many bars ago."""
    notes = np.flatnonzero(is_note(fields[:, PART]))
    keys = given.order_key(onsets[notes], fields[notes, PART], fields[notes, PITCH])
    known = np.searchsorted(notes, np.arange(len(fields)))  # notes before each event
    after_event = is_note(previous[:, PART])
    part = np.where(after_event, previous[:, PART], 0)
    pitch = np.where(after_event, previous[:, PITCH], 0)
    tables = []
    for bars in LOOKBACK_BARS:
        then = before - bars * bar_length
        index = np.searchsorted(keys, given.order_key(then, part, pitch), side="right")
        found = (then >= 0) & (index < known)
        note = notes[np.where(found, index, 0)] if len(notes) else np.zeros_like(index)
        table = np.where(found[:, None], fields[note], NONE)
        shift = np.minimum(onsets[note] - then, MAX_SHIFT)
        table[:, SHIFT] = np.where(found, shift, NONE[SHIFT])
        tables.append(table)
    return tables


def _part_lookbacks(
    fields: np.ndarray, onsets: np.ndarray, previous: np.ndarray, bar_length: np.ndarray
) -> np.ndarray:
    """The pitch the part played here some bars ago, above what it has struck already; by distance.

    int64 [events, distances]; NONE where it did not play.
    """
    notes = np.flatnonzero(is_note(fields[:, PART]))
    if not len(notes):
        return np.full((len(fields), len(LOOKBACK_BARS)), NONE[PITCH])
    keys = given.order_key(onsets[notes], fields[notes, PART], fields[notes, PITCH])
    same_chord = (fields[:, SHIFT] == 0) & (fields[:, PART] == previous[:, PART])
    above = np.where(same_chord, previous[:, PITCH], -1)
    columns = []
    for bars in LOOKBACK_BARS:
        then = onsets - bars * bar_length
        wanted = given.order_key(then, fields[:, PART], above)
        index = np.minimum(np.searchsorted(keys, wanted, side="right"), len(keys) - 1)
        note = notes[index]
        found = (then >= 0) & (onsets[note] == then) & (fields[note, PART] == fields[:, PART])
        found &= fields[note, PITCH] > above
        columns.append(np.where(found, fields[note, PITCH], NONE[PITCH]))
    return np.stack(columns, axis=1)


def _sounding(fields: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Whether each pitch class sounds at the onset of each event, from notes before it."""
    pitched = (fields[:, PITCH] < DRUM_PITCH) & is_note(fields[:, PART])
    ends = onsets + DURATIONS[np.where(pitched, fields[:, DURATION], 0)]
    columns = []
    for pitch_class in range(PITCH_CLASSES):
        member = pitched & (fields[:, PITCH] % PITCH_CLASSES == pitch_class)
        begun = np.cumsum(member) - member
        # A note that has ended by now began earlier, so it is among those begun.
        ended = np.searchsorted(np.sort(ends[member]), onsets, side="right")
        columns.append(begun > ended)
    return np.stack(columns, axis=1).astype(np.int64)
